// The tools, beside the canvas on a desk and below it on a phone.

import { getKeyLabels } from "../actions/keys.js";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { isExtended } from "./frame.js";
import { getSides, type Operation, redo, undo } from "./history.js";
import { EditorIcon, type EditorIconName } from "./icons.js";
import type { Session } from "./session.js";
import { brushSize, doOperation, type Tool, tool } from "./state.js";
import type { EditorView } from "./view.js";

interface ToolbarProps {
  readonly session: Session;
  readonly view: EditorView;
}

const withKey = (name: string, key: string) => `${name} (${getKeyLabels(key).join(" ")})`;

export function Toolbar({ session, view }: ToolbarProps) {
  const texts = messages();
  const { edit } = session;
  const history = edit.history.value;
  const isEditable = session.isEditable.value;
  const perform = (operation: Operation) => doOperation(edit, operation);
  return (
    <div class="editor-tools" role="toolbar" aria-label={texts.tools} aria-orientation="vertical">
      <ToolButton name="brush" icon="brush" label={withKey(texts.brush, "b")} />
      <ToolButton name="eraser" icon="eraser" label={withKey(texts.eraser, "e")} />
      <ToolButton name="pan" icon="hand" label={withKey(texts.pan, "h")} />
      <BrushSize />
      <hr />
      <Command
        icon="undo"
        label={withKey(texts.undo, "ctrl+z")}
        isPossible={history.done.length > 0}
        onClick={() => {
          edit.history.value = undo(history);
        }}
      />
      <Command
        icon="redo"
        label={withKey(texts.redo, "ctrl+shift+z")}
        isPossible={history.undone.length > 0}
        onClick={() => {
          edit.history.value = redo(history);
        }}
      />
      <hr />
      <Command
        icon="fill"
        label={withKey(texts.fillMask, "shift+f")}
        isPossible={isEditable}
        onClick={() => perform({ kind: "fill" })}
      />
      <Command
        icon="invert"
        label={withKey(texts.invertMask, "shift+v")}
        isPossible={isEditable}
        onClick={() => perform({ kind: "invert" })}
      />
      <Command
        icon="clear"
        label={withKey(texts.clearMask, "shift+c")}
        isPossible={isEditable && history.done.length > 0}
        onClick={() => perform({ kind: "clear" })}
      />
      {edit.image.mask !== null && (
        <Command
          icon="mask"
          label={texts.takeMask}
          isPossible={isEditable}
          onClick={() => perform({ kind: "mask", id: edit.image.mask! })}
        />
      )}
      <hr />
      <Extend view={view} isPossible={isEditable} isExtended={isExtended(getSides(history))} />
    </div>
  );
}

function ToolButton({
  name,
  icon,
  label,
}: {
  readonly name: Tool;
  readonly icon: EditorIconName;
  readonly label: string;
}) {
  const isOn = tool.value === name;
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={() => {
        tool.value = name;
      }}
    >
      <EditorIcon name={icon} />
    </button>
  );
}

interface CommandProps {
  readonly icon: EditorIconName | "undo";
  readonly label: string;
  readonly isPossible: boolean;
  readonly onClick: () => void;
}

const Command = ({ icon, label, isPossible, onClick }: CommandProps) => (
  <button
    type="button"
    class="icon-button"
    aria-label={label}
    title={label}
    disabled={!isPossible}
    onClick={onClick}
  >
    {icon === "undo" ? <Icon name="undo" /> : <EditorIcon name={icon} />}
  </button>
);

const most = 300;

/** Brush sizes grow evenly for the hand, not for the ruler: the slider is the square root. */
function BrushSize() {
  const texts = messages();
  const size = brushSize.value;
  return (
    <label class="brush-size" title={withKey(texts.brushSize, "[ ]")}>
      <span class="hidden">{texts.brushSize}</span>
      <input
        type="range"
        min={1}
        max={Math.sqrt(most)}
        step={0.1}
        value={Math.sqrt(Math.min(size, most))}
        aria-valuetext={texts.pixels(size)}
        onInput={({ currentTarget }) => {
          brushSize.value = Math.max(Math.round(Number(currentTarget.value) ** 2), 1);
        }}
      />
      <output>{size}</output>
    </label>
  );
}

interface ExtendProps {
  readonly view: EditorView;
  readonly isPossible: boolean;
  readonly isExtended: boolean;
}

/** Direction buttons for a larger frame, for whoever does not drag its handles. */
function Extend({ view, isPossible, isExtended: hasFrame }: ExtendProps) {
  const texts = messages();
  const sides = [
    ["top", "up", texts.extendUp],
    ["left", "left", texts.extendLeft],
    ["right", "right", texts.extendRight],
    ["bottom", "down", texts.extendDown],
  ] as const;
  return (
    <div class="editor-extend" role="group" aria-label={texts.extend}>
      {sides.map(([side, icon, label]) => (
        <button
          key={side}
          type="button"
          class={`icon-button ${side}`}
          aria-label={label}
          title={label}
          disabled={!isPossible}
          onClick={() => view.growFrame(side)}
        >
          <EditorIcon name={icon} />
        </button>
      ))}
      <button
        type="button"
        class="icon-button middle"
        aria-label={texts.resetFrame}
        title={texts.resetFrame}
        disabled={!isPossible || !hasFrame}
        onClick={() => view.resetFrame()}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

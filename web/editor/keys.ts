// The editor's keys. It has the keyboard to itself while it is open.
import { getCombination } from "../actions/keys.js";
import { redo, undo } from "./history.js";
import type { Session } from "./session.js";
import { brushSize, doOperation, showNext, tool } from "./state.js";
import { changeSize } from "./strokes.js";
import type { EditorView } from "./view.js";

const isText = (target: EventTarget | null) =>
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLInputElement && target.type !== "checkbox");
const isControl = (target: EventTarget | null) =>
  target instanceof Element && target.closest("button, summary") !== null;

/** Steps of the brush for the arrow keys, in CSS pixels. */
const step = 12;
const arrows: Readonly<Record<string, readonly [number, number]>> = {
  arrowleft: [-1, 0],
  arrowright: [1, 0],
  arrowup: [0, -1],
  arrowdown: [0, 1],
};

type Command = () => void;

function getCommands(
  session: Session,
  view: EditorView,
  onKeep: (id: string) => void,
): Readonly<Record<string, Command>> {
  const { edit } = session;
  const doUndo = () => {
    edit.history.value = undo(edit.history.peek());
  };
  const doRedo = () => {
    edit.history.value = redo(edit.history.peek());
  };
  const keep = () => {
    const id = edit.shown.peek();
    if (id !== null) onKeep(id);
  };
  return {
    b: () => (tool.value = "brush"),
    e: () => (tool.value = "eraser"),
    h: () => (tool.value = "pan"),
    v: () => (tool.value = "pan"),
    x: () => (tool.value = tool.peek() === "eraser" ? "brush" : "eraser"),
    "[": () => (brushSize.value = changeSize(brushSize.peek(), -1)),
    "]": () => (brushSize.value = changeSize(brushSize.peek(), 1)),
    "ctrl+z": doUndo,
    "ctrl+shift+z": doRedo,
    "ctrl+y": doRedo,
    "shift+v": () => doOperation(edit, { kind: "invert" }),
    "shift+f": () => doOperation(edit, { kind: "fill" }),
    "shift+c": () => doOperation(edit, { kind: "clear" }),
    "ctrl+0": () => view.fit(),
    "ctrl+1": () => view.zoomTo(1),
    "ctrl+2": () => view.zoomTo(2),
    "ctrl+3": () => view.zoomTo(4),
    "ctrl+4": () => view.zoomTo(8),
    "+": () => view.zoomBy(1.25),
    "-": () => view.zoomBy(1 / 1.25),
    "ctrl+enter": () => void session.draw(view.mask),
    "shift+x": () => session.cancel(),
    k: keep,
    delete: () => session.discard(),
  };
}

/** What an arrow or Enter does on the canvas: moves the brush and paints, or turns over the alternatives. */
function handleCanvasKey(combination: string, session: Session, view: EditorView): boolean {
  const [shift, name] = combination.startsWith("shift+")
    ? [true, combination.slice(6)]
    : [false, combination];
  const direction = arrows[name];
  if (direction) {
    if (!session.isEditable.peek()) {
      if (direction[0] !== 0) showNext(session.edit, direction[0] > 0 ? 1 : -1);
      return true;
    }
    const length = shift ? 1 : step;
    view.moveCursor(direction[0] * length, direction[1] * length);
    return true;
  }
  if (combination !== "enter" || !session.isEditable.peek()) return false;
  view.dab();
  return true;
}

export function handleKey(
  event: KeyboardEvent,
  session: Session,
  view: EditorView,
  onKeep: (id: string) => void,
): void {
  const combination = getCombination(event);
  const isWriting = isText(event.target);
  if (combination === "space" && !isWriting && !isControl(event.target)) {
    event.preventDefault();
    view.isPanning.value = event.type === "keydown";
    return;
  }
  if (event.type !== "keydown" || event.isComposing) return;
  const isOnCanvas = event.target instanceof HTMLCanvasElement;
  if (isOnCanvas && handleCanvasKey(combination, session, view)) {
    event.preventDefault();
    return;
  }
  // While a text is written, its own undo and letters go first.
  if (isWriting && combination !== "ctrl+enter") return;
  const command = getCommands(session, view, onKeep)[combination];
  if (!command) return;
  event.preventDefault();
  event.stopPropagation();
  command();
}

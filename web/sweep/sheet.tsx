// The sheet for a new sweep: up to three settings, and the values of each.
import { formatNumber, formatSeconds, messages } from "../i18n/index.js";
import { draft } from "../store/draft.js";
import { model } from "../store/models.js";
import { closeSheet } from "../store/ui.js";
import { type AxisName, axisNames, countCells } from "./cells.js";
import {
  axes,
  axisTexts,
  changeAxis,
  drawSweep,
  getAxisTitle,
  getSeconds,
  isSending,
  readAxis,
  sweep,
} from "./state.js";
import "./sweep.css";
import type { AxisType } from "./values.js";

export default function SweepSheet() {
  const texts = messages();
  const { prompt } = draft.value;
  const cells = sweep.value ? countCells(sweep.value) : 0;
  const seconds = getSeconds(cells);
  const start = () => {
    void drawSweep();
    closeSheet();
  };
  return (
    <form
      class="sweep-sheet"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <p class="hint">{texts.sweepHelp}</p>
      <blockquote>{prompt.trim() || texts.sweepNeedsPrompt}</blockquote>
      {axisNames.map((name) => (
        <AxisField key={name} name={name} />
      ))}
      <p aria-live="polite">
        {cells > 0 && texts.images(cells)}
        {cells > 0 && seconds !== undefined && <span class="muted"> · {formatSeconds(seconds)}</span>}
      </p>
      <button
        type="submit"
        class="button draw"
        disabled={cells === 0 || prompt.trim() === "" || isSending.value}
      >
        {texts.draw}
      </button>
    </form>
  );
}

const isWhole = (type: AxisType) => type.kind === "number" && type.isWhole;

/** What may be typed, by an example. */
function getExample(path: string, type: AxisType): string {
  const texts = messages();
  if (type.kind === "choice") return type.choices.slice(0, 3).join(", ");
  if (type.kind === "flag") return "off, on";
  if (type.kind === "size") {
    const { width = 512, height = 512 } = (model.value?.sizes.usual ?? {}) as {
      width?: number;
      height?: number;
    };
    return `${width}x${height}, ${width * 2}x${height * 2}`;
  }
  if (type.kind === "replace") return texts.replaceExample;
  if (path === "seed") return "1-4";
  if (path === "steps") return "4, 8, 16";
  return isWhole(type) ? "1-10 (+3)" : "0.2-1 [5]";
}

function AxisField({ name }: { readonly name: AxisName }) {
  const texts = messages();
  const { path, text } = axisTexts.value[name];
  const read = readAxis(name);
  const fault =
    read && "fault" in read && !(read.fault.kind === "empty" && text === "") ? read.fault : undefined;
  const used = axisNames.filter((other) => other !== name).map((other) => axisTexts.value[other].path);
  const count = read && "values" in read ? read.values.length : undefined;
  return (
    <fieldset class="sweep-axis">
      <legend>{texts.axes[name]}</legend>
      <select
        aria-label={texts.axisSetting(texts.axes[name])}
        value={path}
        onChange={({ currentTarget }) => changeAxis(name, { path: currentTarget.value, text: "" })}
      >
        <option value="">{texts.none}</option>
        {axes.value
          .filter((axis) => !used.includes(axis.path))
          .map((axis) => (
            <option key={axis.path} value={axis.path}>
              {getAxisTitle(axis.path)}
            </option>
          ))}
      </select>
      {read && (
        <input
          type="text"
          aria-label={texts.axisValues(texts.axes[name])}
          aria-invalid={fault !== undefined}
          aria-describedby={`sweep-${name}`}
          value={text}
          placeholder={getExample(path, read.axis.type)}
          autoComplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => changeAxis(name, { text: currentTarget.value })}
        />
      )}
      {read && (
        <p id={`sweep-${name}`} class={fault ? "fault" : "hint"}>
          {fault ? texts.valueFault(fault) : count !== undefined ? texts.valueCount(count) : " "}
        </p>
      )}
      {read?.axis.type.kind === "choice" && (
        <button
          type="button"
          class="button small quiet"
          onClick={() =>
            changeAxis(name, { text: (read.axis.type as { choices: readonly string[] }).choices.join(", ") })
          }
        >
          {texts.allOfThem(formatNumber((read.axis.type as { choices: readonly string[] }).choices.length))}
        </button>
      )}
    </fieldset>
  );
}

// Two pictures, compared: under a slider, side by side, or one while the pointer is over the other.
import { useEffect, useRef, useState } from "preact/hooks";
import { getCombination } from "../actions/keys.js";
import { fileUrl } from "../api/client.js";
import type { StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { IconButton } from "../parts/icon-button.js";
import { feedIds, getImage } from "../store/images.js";
import { closeSheet } from "../store/ui.js";
import "./compare.css";
import { type CompareMode, compareMode, compareModes, nextMode, pair } from "./state.js";

/** Another picture of the feed in the place of the second. */
function step(by: number): void {
  const [first, second] = pair.peek()!;
  const ids = feedIds.peek().filter((id) => id !== first);
  const place = ids.indexOf(second) + by;
  if (place >= 0 && place < ids.length) pair.value = [first, ids[place]!];
}

const swap = () => {
  const [first, second] = pair.peek()!;
  pair.value = [second, first];
};
const turn = () => {
  compareMode.value = nextMode(compareMode.peek());
};

const commands: Readonly<Record<string, () => void>> = {
  c: swap,
  m: turn,
  "alt+arrowleft": () => step(-1),
  "alt+arrowright": () => step(1),
};

function useKeys() {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const command = commands[getCombination(event)];
      if (!command) return;
      event.preventDefault();
      command();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

export default function Compare() {
  const texts = messages();
  useKeys();
  const [first, second] = (pair.value ?? []).map(getImage);
  if (!first || !second) return null;
  const mode = compareMode.value;
  return (
    <div class={`compare ${mode}`}>
      <header class="compare-bar">
        <IconButton icon="close" label={texts.close} onClick={closeSheet} />
        <h2>{texts.compare}</h2>
        <div class="segments" role="radiogroup" aria-label={texts.compareMode}>
          {compareModes.map((name) => (
            <ModeButton key={name} name={name} />
          ))}
        </div>
        <IconButton icon="swap" label={`${texts.swap} (C)`} onClick={swap} />
        <span class="compare-step">
          <button
            type="button"
            class="icon-button"
            aria-label={texts.previousImage}
            title={`${texts.previousImage} (Alt ←)`}
            onClick={() => step(-1)}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label={texts.nextImage}
            title={`${texts.nextImage} (Alt →)`}
            onClick={() => step(1)}
          >
            <Icon name="right" />
          </button>
        </span>
      </header>
      <Stage mode={mode} first={first} second={second} />
      <Differences first={first} second={second} />
    </div>
  );
}

function ModeButton({ name }: { readonly name: CompareMode }) {
  return (
    <label>
      <input
        type="radio"
        name="compare-mode"
        checked={compareMode.value === name}
        onChange={() => {
          compareMode.value = name;
        }}
      />
      <span>{messages().compareModes[name]}</span>
    </label>
  );
}

interface StageProps {
  readonly mode: CompareMode;
  readonly first: StoredImage;
  readonly second: StoredImage;
}

function Stage({ mode, first, second }: StageProps) {
  const texts = messages();
  const frame = useRef<HTMLDivElement>(null);
  const [isOver, setOver] = useState(false);
  const size = { width: Math.max(first.width, second.width), height: Math.max(first.height, second.height) };
  const style = { "--ratio": String(size.width / size.height) };
  const picture = (image: StoredImage, name: string) => (
    <img
      class={name}
      src={fileUrl(image.id)}
      alt={image.prompt}
      style={{ backgroundColor: image.colour }}
      draggable={false}
    />
  );
  if (mode === "side")
    return (
      <div class="compare-stage" style={style}>
        {picture(first, "first")}
        {picture(second, "second")}
      </div>
    );
  if (mode === "hover")
    return (
      <div class="compare-stage" style={style}>
        <button
          type="button"
          class="compare-frame"
          aria-pressed={isOver}
          aria-label={texts.showOther}
          onPointerEnter={() => setOver(true)}
          onPointerLeave={() => setOver(false)}
          onClick={({ detail }) => detail === 0 && setOver(!isOver)}
        >
          {picture(first, "first")}
          {isOver && picture(second, "second")}
        </button>
      </div>
    );
  return (
    <div class="compare-stage" style={style}>
      <div class="compare-frame" ref={frame}>
        {picture(first, "first")}
        {picture(second, "second cut")}
        <span class="compare-line" aria-hidden="true" />
        <input
          type="range"
          min={0}
          max={100}
          step={0.5}
          defaultValue="50"
          aria-label={texts.compareSlider}
          onInput={({ currentTarget }) => frame.current?.style.setProperty("--at", `${currentTarget.value}%`)}
        />
      </div>
    </div>
  );
}

/** The settings in which the two differ. */
function Differences({ first, second }: { readonly first: StoredImage; readonly second: StoredImage }) {
  const texts = messages();
  const rows = listDifferences(first, second);
  const names: Readonly<Record<string, string | undefined>> = texts.settingNames;
  if (rows.length === 0) return <p class="compare-differences hint">{texts.sameSettings}</p>;
  return (
    <dl class="compare-differences">
      {rows.map(([name, a, b]) => (
        <div key={name}>
          <dt>{names[name] ?? name}</dt>
          <dd>{a}</dd>
          <dd>{b}</dd>
        </div>
      ))}
    </dl>
  );
}

const show = (value: unknown): string => {
  if (value === undefined || value === "") return "–";
  if (typeof value !== "object" || value === null) return String(value);
  const { width, height } = value as { width?: number; height?: number };
  if (width !== undefined && height !== undefined) return `${width} × ${height}`;
  return Array.isArray(value) ? value.join("–") : Object.values(value).map(show).join(", ");
};

function listDifferences(
  first: StoredImage,
  second: StoredImage,
): readonly (readonly [string, string, string])[] {
  const left = { ...first.request, seed: first.seed, model: first.model };
  const right = { ...second.request, seed: second.seed, model: second.model };
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(
    (name) => name !== "count",
  );
  return names
    .map(
      (name) =>
        [name, show(left[name as keyof typeof left]), show(right[name as keyof typeof right])] as const,
    )
    .filter(([, a, b]) => a !== b);
}

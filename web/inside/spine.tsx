// The picture with the slider of its steps, and its words: everything else on the page follows these.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Explanation } from "../../src/inspect/index.js";
import { makeStepFilm } from "../../src/inspect/step-film.js";
import { saveFile } from "../parts/save-file.js";
import { Spotlight, valueAt } from "./heat-map.jsx";
import type { InsideTexts } from "./texts.js";

/** What the reader looks at. */
export interface Gaze {
  /** Index of the step, from 0. */
  readonly step: Signal<number>;
  /** Index of the word among the prompt's words; −1 for none. */
  readonly word: Signal<number>;
}

const framesPerSecond = 6;

export function Spine({
  explanation,
  gaze,
  texts,
}: {
  explanation: Explanation;
  gaze: Gaze;
  texts: InsideTexts;
}) {
  const { stepImages, image, prompt, words } = explanation;
  const last = stepImages.length - 1;
  const step = Math.min(gaze.step.value, last);
  const word = words.find(({ index }) => index === gaze.word.value);
  const place = useSignal<PlaceInImage | undefined>(undefined);
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    place.value = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  return (
    <section class="inside-spine" aria-label={texts.step(step + 1, last + 1)}>
      <div
        class="inside-stage"
        style={{ aspectRatio: `${explanation.width} / ${explanation.height}` }}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => {
          place.value = undefined;
        }}
        // The picture is a field of places: arrow keys move through it.
        role="application"
        tabIndex={0}
        aria-label={texts.place}
        onFocus={() => {
          place.value ??= { x: 0.5, y: 0.5 };
        }}
        onBlur={() => {
          place.value = undefined;
        }}
        onKeyDown={(event) => {
          const moved = movePlace(place.value, event.key);
          if (!moved) return;
          event.preventDefault();
          place.value = moved;
        }}
      >
        <img src={step >= last ? image : stepImages[step]} alt={prompt} />
        {word && <Spotlight map={word.map} label={texts.asText(word.word, word.share)} />}
        {place.value && words.length > 0 && (
          <i
            class="inside-cross"
            style={{ left: `${100 * place.value.x}%`, top: `${100 * place.value.y}%` }}
          />
        )}
      </div>
      {last >= 0 && <Steps explanation={explanation} gaze={gaze} last={last} texts={texts} />}
      {words.length > 0 && (
        <>
          <Words explanation={explanation} gaze={gaze} texts={texts} />
          <Place explanation={explanation} place={place.value} texts={texts} />
        </>
      )}
    </section>
  );
}

interface PlaceInImage {
  /** From 0 at the left and the top to 1. */
  readonly x: number;
  readonly y: number;
}

/** Steps of the arrow keys, as a share of the picture. */
const stride = 1 / 16;
const directions: Readonly<Record<string, PlaceInImage>> = {
  ArrowLeft: { x: -stride, y: 0 },
  ArrowRight: { x: stride, y: 0 },
  ArrowUp: { x: 0, y: -stride },
  ArrowDown: { x: 0, y: stride },
};

function movePlace(from: PlaceInImage | undefined, key: string): PlaceInImage | undefined {
  const way = directions[key];
  if (!way) return undefined;
  const clamp = (value: number) => Math.min(1 - stride / 2, Math.max(stride / 2, value));
  const { x, y } = from ?? { x: 0.5, y: 0.5 };
  return { x: clamp(x + way.x), y: clamp(y + way.y) };
}

function Steps({
  explanation: { stepImages, seed },
  gaze,
  last,
  texts,
}: {
  readonly explanation: Explanation;
  readonly gaze: Gaze;
  readonly last: number;
  readonly texts: InsideTexts;
}) {
  const isPlaying = useSignal(false);
  const step = Math.min(gaze.step.value, last);
  const save = () =>
    saveFile(`steps-${seed}.webp`, new Blob([makeStepFilm(stepImages)], { type: "image/webp" }));
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setInterval(() => {
      if (gaze.step.peek() >= last) isPlaying.value = false;
      else gaze.step.value += 1;
    }, 1000 / framesPerSecond);
    return () => clearInterval(timer);
  }, [isPlaying.value]);
  const toggle = () => {
    if (!isPlaying.value && gaze.step.value >= last) gaze.step.value = 0;
    isPlaying.value = !isPlaying.value;
  };
  return (
    <div class="inside-steps">
      <button type="button" onClick={toggle} aria-label={isPlaying.value ? texts.pause : texts.play}>
        {isPlaying.value ? "❚❚" : "▶"}
      </button>
      <input
        type="range"
        min="0"
        max={last}
        value={step}
        aria-label={texts.stepHelp}
        aria-valuetext={texts.step(step + 1, last + 1)}
        onInput={(event) => {
          isPlaying.value = false;
          gaze.step.value = Number(event.currentTarget.value);
        }}
      />
      <p class="inside-step">
        <output>{texts.step(step + 1, last + 1)}</output>
        <button type="button" class="inside-link" onClick={save}>
          {texts.film}
        </button>
      </p>
    </div>
  );
}

function Words({ explanation, gaze, texts }: { explanation: Explanation; gaze: Gaze; texts: InsideTexts }) {
  const show = (index: number) => {
    gaze.word.value = index;
  };
  return (
    <fieldset class="inside-words">
      <legend>{texts.words}</legend>
      {explanation.words.map(({ word, index, share }) => (
        <button
          key={index}
          type="button"
          aria-pressed={gaze.word.value === index}
          title={texts.asText(word, share)}
          onPointerEnter={(event) => event.pointerType === "mouse" && show(index)}
          onPointerLeave={(event) => event.pointerType === "mouse" && show(-1)}
          onFocus={() => show(index)}
          onBlur={() => show(-1)}
          onClick={() => show(index)}
        >
          {word}
        </button>
      ))}
      <p class="inside-hint">{texts.wordsHelp}</p>
    </fieldset>
  );
}

/** The words at the place that is pointed at, strongest first. */
function Place({
  explanation,
  place,
  texts,
}: {
  explanation: Explanation;
  place: PlaceInImage | undefined;
  texts: InsideTexts;
}) {
  const values = place
    ? explanation.words.map(({ word, map }) => ({ word, value: valueAt(map, place.x, place.y) }))
    : [];
  const sum = values.reduce((total, { value }) => total + value, 0);
  const top = values.sort((a, b) => b.value - a.value).slice(0, 4);
  const text = place && texts.placeAt(place.x, place.y, top.map(({ word }) => word).join(", "));
  return (
    <>
      <p class="hidden" role="status">
        {text}
      </p>
      <dl class="inside-place" aria-hidden={place ? undefined : true}>
        <dt>{place ? texts.atPlace : "\u00a0"}</dt>
        {top.map(({ word, value }, i) => (
          <dd key={i} style={{ "--share": `${sum === 0 ? 0 : (100 * value) / sum}%` }}>
            {word}
          </dd>
        ))}
      </dl>
    </>
  );
}

// Beside the canvas: what to draw, how strongly, and the alternatives.

import { thumbnailUrl } from "../api/client.js";
import { formatNumber, formatSeconds, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { getFrame, isCropped, isExtended } from "./frame.js";
import { getSides, isMaskEmpty } from "./history.js";
import { getTarget } from "./request.js";
import { live, readSizes, type Session } from "./session.js";
import { editCount } from "./state.js";
import type { EditorView } from "./view.js";

interface PanelProps {
  readonly session: Session;
  readonly view: EditorView;
  readonly onKeep: (id: string) => void;
}

export function Panel({ session, view, onKeep }: PanelProps) {
  const texts = messages();
  const { edit } = session;
  const info = session.model.value;
  return (
    <div class="editor-panel">
      <label class="editor-prompt">
        <span>{texts.prompt}</span>
        <textarea
          rows={3}
          value={edit.prompt.value}
          placeholder={edit.image.prompt}
          onInput={({ currentTarget }) => {
            edit.prompt.value = currentTarget.value;
          }}
        />
      </label>
      <Sliders session={session} />
      <p class="hint">{info ? describe(session) : texts.noInpaintModel}</p>
      <Draw session={session} view={view} />
      <Alternatives session={session} onKeep={onKeep} />
    </div>
  );
}

/** What will be drawn, in a sentence. */
function describe({ edit, model }: Session): string {
  const texts = messages();
  const history = edit.history.value;
  const sides = getSides(history);
  const { size } = getTarget(edit.image, sides, readSizes(model.value!));
  const dimensions = `${formatNumber(size.width)} × ${formatNumber(size.height)}`;
  if (isCropped(getFrame(edit.image, sides), size)) return texts.drawsPart(dimensions);
  if (isExtended(sides)) return texts.drawsExtension(dimensions);
  return isMaskEmpty(history) ? texts.drawsWhole(dimensions) : texts.drawsMask;
}

function Sliders({ session: { edit } }: { readonly session: Session }) {
  const texts = messages();
  const history = edit.history.value;
  const isPainted = !isMaskEmpty(history) || isExtended(getSides(history));
  const strength = edit.strength.value ?? (isPainted ? 1 : 0.6);
  const shorter = Math.min(edit.image.width, edit.image.height);
  const feather = edit.feather.value ?? Math.max(Math.round(shorter / 100), 1);
  return (
    <div class="editor-sliders">
      <label>
        <span>{texts.strength}</span>
        <input
          type="range"
          min={0.05}
          max={1}
          step={0.05}
          value={strength}
          onInput={({ currentTarget }) => {
            edit.strength.value = Number(currentTarget.value);
          }}
        />
        <output>{formatNumber(strength, 2)}</output>
      </label>
      <label>
        <span>{texts.feather}</span>
        <input
          type="range"
          min={0}
          max={Math.min(Math.round(shorter / 4), 250)}
          step={1}
          value={feather}
          disabled={!isPainted}
          aria-valuetext={texts.pixels(feather)}
          onInput={({ currentTarget }) => {
            edit.feather.value = Number(currentTarget.value);
          }}
        />
        <output>{texts.pixels(feather)}</output>
      </label>
    </div>
  );
}

function Draw({ session, view }: { readonly session: Session; readonly view: EditorView }) {
  const texts = messages();
  const active = session.activeJob.value;
  const progress = active?.job.progress;
  const seconds = progress?.secondsLeft;
  return (
    <div class="editor-draw">
      <button
        type="button"
        class="button draw"
        disabled={!session.model.value || session.isSending.value}
        onClick={() => void session.draw(view.mask)}
      >
        {texts.draw}
      </button>
      <label class="count" title={texts.count}>
        <span class="hidden">{texts.count}</span>
        <select
          value={editCount.value}
          onChange={({ currentTarget }) => {
            editCount.value = Number(currentTarget.value);
          }}
        >
          {[1, 2, 4, 8].map((count) => (
            <option key={count} value={count}>
              {`× ${count}`}
            </option>
          ))}
        </select>
      </label>
      {active && (
        <button type="button" class="button" onClick={session.cancel}>
          {texts.cancel}
          {typeof seconds === "number" && <span class="muted">{formatSeconds(seconds)}</span>}
        </button>
      )}
    </div>
  );
}

function Alternatives({
  session,
  onKeep,
}: {
  readonly session: Session;
  readonly onKeep: (id: string) => void;
}) {
  const texts = messages();
  const list = session.alternatives.value;
  const active = session.activeJob.value;
  const shown = session.edit.shown.value;
  if (list.length === 0 && !active) return null;
  const isChosen = list.some(({ image }) => image.id === shown);
  const step = (event: KeyboardEvent) => {
    const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>("button")];
    const place = buttons.indexOf(document.activeElement as HTMLElement);
    const target = event.key === "ArrowRight" ? place + 1 : event.key === "ArrowLeft" ? place - 1 : -1;
    buttons[target]?.focus();
    buttons[target]?.click();
  };
  return (
    <section class="editor-alternatives">
      <div class="strip" role="group" aria-label={texts.alternatives} onKeyDown={step}>
        <Thumbnail
          id={null}
          label={texts.original}
          src={thumbnailUrl(session.edit.image.id)}
          session={session}
        />
        {list.map(({ image }, i) => (
          <Thumbnail
            key={image.id}
            id={image.id}
            label={texts.alternative(i + 1, list.length)}
            src={thumbnailUrl(image.id)}
            session={session}
          />
        ))}
        {active && (
          <button
            type="button"
            class="thumbnail live"
            aria-pressed={shown === live}
            aria-label={texts.beingDrawn}
            title={texts.beingDrawn}
            onClick={() => session.show(live)}
          >
            <progress max={1} value={active.job.progress?.fraction ?? 0} aria-label={texts.beingDrawn} />
          </button>
        )}
      </div>
      {isChosen && (
        <div class="choice">
          <button type="button" class="button draw" onClick={() => onKeep(shown!)}>
            <Icon name="check" />
            {texts.keep}
          </button>
          <button type="button" class="button" onClick={session.discard}>
            <Icon name="trash" />
            {texts.discard}
          </button>
        </div>
      )}
    </section>
  );
}

interface ThumbnailProps {
  readonly id: string | null;
  readonly label: string;
  readonly src: string;
  readonly session: Session;
}

const Thumbnail = ({ id, label, src, session }: ThumbnailProps) => (
  <button
    type="button"
    class="thumbnail"
    aria-pressed={session.edit.shown.value === id}
    aria-label={label}
    title={label}
    onClick={() => session.show(id)}
  >
    <img src={src} alt="" loading="lazy" />
  </button>
);

// The queue: jobs that wait, as small undrawn tiles above the feed, next one first. Dragging or alt+arrows moves them.
import { useSignal } from "@preact/signals";
import type { Job } from "../api/types.js";
import { formatSeconds, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import {
  cancelAll,
  cancelJob,
  getJob,
  isQueuePaused,
  moveJob,
  pauseJob,
  queue,
  resumeJob,
  running,
  setQueuePaused,
  shiftJob,
} from "../store/jobs.js";
import { getModel } from "../store/models.js";
import { announcement } from "../store/notices.js";
import { getCount, readSize } from "./blocks.js";
import { getNoise } from "./noise.js";

/** Jobs that are shown; a sweep may add thousands. */
const mostShown = 60;

export function QueueStrip() {
  const jobs = queue.value;
  const dragged = useSignal<string | undefined>(undefined);
  if (jobs.length === 0 && !isQueuePaused.value) return null;
  const texts = messages();
  const left = getSecondsLeft(jobs);
  return (
    <section class="queue" aria-label={texts.queue}>
      <header>
        <h2>{texts.waitingJobs(jobs.length)}</h2>
        {left > 0 && !isQueuePaused.value && <span class="muted">{texts.doneIn(formatSeconds(left))}</span>}
        {isQueuePaused.value && <span class="badge">{texts.paused}</span>}
        <span class="spacer" />
        <button
          type="button"
          class="button small quiet"
          onClick={() => setQueuePaused(!isQueuePaused.peek())}
        >
          <Icon name={isQueuePaused.value ? "play" : "pause"} />
          <span>{isQueuePaused.value ? texts.resume : texts.pause}</span>
        </button>
        {jobs.length > 0 && (
          <button
            type="button"
            class="button small quiet"
            aria-label={texts.cancelAll}
            onClick={() => cancelAll()}
          >
            <Icon name="close" />
            <span>{texts.cancelAll}</span>
          </button>
        )}
      </header>
      {jobs.length > 0 && (
        <ol class="queue-list">
          {jobs.slice(0, mostShown).map((job, place) => (
            <QueueItem key={job.id} job={job} place={place} dragged={dragged} />
          ))}
          {jobs.length > mostShown && (
            <li class="queue-more muted">{texts.moreJobs(jobs.length - mostShown)}</li>
          )}
        </ol>
      )}
    </section>
  );
}

/** Until everything is drawn, from measured times; 0 if there is no measure yet. */
function getSecondsLeft(jobs: readonly Job[]): number {
  const now = running.value.reduce((sum, id) => sum + (getJob(id)?.progress?.secondsLeft ?? 0), 0);
  const later = jobs.map((job) => (getModel(job.model)?.secondsPerImage ?? Number.NaN) * getCount(job));
  const sum = later.reduce((all, seconds) => all + seconds, now);
  return Number.isFinite(sum) ? sum : 0;
}

function QueueItem(props: {
  readonly job: Job;
  readonly place: number;
  readonly dragged: { value: string | undefined };
}) {
  const { job, place, dragged } = props;
  const texts = messages();
  const count = getCount(job);
  const size = readSize(job.request.size);
  const prompt = String(job.request.prompt ?? job.labels.title ?? texts.jobKind(job.kind));
  const isPaused = job.state === "paused";
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.altKey && step !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      void shiftJob(job.id, step);
      announcement.value = texts.movedTo(Math.max(1, Math.min(queue.peek().length, place + 1 + step)));
    } else if (event.key === "Delete") {
      event.stopPropagation();
      void cancelJob(job.id);
    }
  };
  const onDrop = (event: DragEvent) => {
    if (dragged.value === undefined || dragged.value === job.id) return;
    event.preventDefault();
    event.stopPropagation();
    const moved = dragged.value;
    dragged.value = undefined;
    const places = queue.peek().map(({ id }) => id);
    const isDown = places.indexOf(moved) < place;
    const next = places[isDown ? place + 1 : place];
    void moveJob(moved, next === undefined ? { to: "last" } : { before: next });
  };
  return (
    <li
      class={`queue-item${isPaused ? " is-paused" : ""}${dragged.value === job.id ? " is-dragged" : ""}`}
      draggable
      onDragStart={(event) => {
        dragged.value = job.id;
        event.dataTransfer?.setData("text/plain", prompt);
      }}
      onDragEnd={() => {
        dragged.value = undefined;
      }}
      onDragOver={(event) => dragged.value !== undefined && event.preventDefault()}
      onDrop={onDrop}
      onKeyDown={onKeyDown}
    >
      <span
        class="queue-tile"
        style={{ backgroundImage: getNoise(), aspectRatio: size ? `${size.width} / ${size.height}` : "1" }}
      >
        {count > 1 && <span class="badge">×{count}</span>}
      </span>
      <span class="queue-text">
        <span class="queue-prompt">{prompt}</span>
        <span class="muted">{isPaused ? texts.paused : job.modelName}</span>
      </span>
      <span class="queue-actions">
        {place > 0 && (
          <ItemButton icon="first" label={texts.putFirst} onClick={() => moveJob(job.id, { to: "first" })} />
        )}
        <ItemButton
          icon={isPaused ? "play" : "pause"}
          label={isPaused ? texts.resume : texts.pause}
          onClick={() => (isPaused ? resumeJob(job.id) : pauseJob(job.id))}
        />
        <ItemButton icon="close" label={texts.cancel} onClick={() => cancelJob(job.id)} />
      </span>
    </li>
  );
}

function ItemButton(props: {
  readonly icon: "first" | "pause" | "play" | "close";
  readonly label: string;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

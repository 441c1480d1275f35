// The one event stream. Everything that the page shows of the server comes from here, after a first look at the lists.
import { signal } from "@preact/signals";
import { base } from "../api/client.js";
import type { ServerEvent } from "../api/types.js";
import { putImage, reloadFeed, removeFromFeed } from "./images.js";
import { loadJobs, putJob, putJobImage, putOrder, putProgress, putWarning } from "./jobs.js";
import { loadCatalogue, putModels } from "./models.js";

/** Whether the stream is open; undefined before the first try. */
export const isOnline = signal<boolean | undefined>(undefined);

const kinds: readonly ServerEvent["kind"][] = [
  "job",
  "progress",
  "warning",
  "image",
  "image-gone",
  "queue",
  "models",
];

type Listener = (event: ServerEvent) => void;
const listeners = new Set<Listener>();

/** Calls a function for each event. @returns a function that ends it */
export function onServerEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function handleEvent(event: ServerEvent): void {
  if (event.kind === "job") {
    putJob(event.job);
    event.job.images.forEach(putImage);
  } else if (event.kind === "progress") putProgress(event.job, event.progress);
  else if (event.kind === "warning") putWarning(event.job, event.message);
  else if (event.kind === "image") {
    putImage(event.image);
    if (event.job !== null) putJobImage(event.job, event.image);
  } else if (event.kind === "image-gone") removeFromFeed([event.image]);
  else if (event.kind === "queue") putOrder(event.order, event.paused);
  else putModels(event.models);
  for (const listener of listeners) listener(event);
}

const shortestWait = 500;
const longestWait = 8_000;

/** Opens the stream and keeps it open. A new connection continues after the last event, and looks at the lists again. */
export function startEvents(): void {
  let last = "";
  let wait = shortestWait;
  let hadGap = true;
  const connect = () => {
    const source = new EventSource(`${base}events${last && `?after=${encodeURIComponent(last)}`}`);
    source.onopen = () => {
      wait = shortestWait;
      isOnline.value = true;
      // What happened while there was no stream may be more than the server keeps.
      if (hadGap) void Promise.all([loadJobs(), reloadFeed(), loadCatalogue()]);
      hadGap = false;
    };
    source.onerror = () => {
      isOnline.value = false;
      hadGap = true;
      // The browser tries again by itself, except after an answer that is not a stream.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, wait);
      wait = Math.min(longestWait, wait * 2);
    };
    for (const kind of kinds)
      source.addEventListener(kind, ({ data, lastEventId }: MessageEvent<string>) => {
        last = lastEventId || last;
        handleEvent(JSON.parse(data) as ServerEvent);
      });
  };
  connect();
}

// Follows one job until it ends.
import { NishikiError } from "../../errors.js";
import { finalStates, type Job, type Progress, type ServerEvent, type StoredImage } from "../api/index.js";
import type { Application } from "../application.js";

export type JobEvent =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "image"; readonly image: StoredImage }
  | { readonly kind: "end"; readonly job: Job };

export interface FollowedJob {
  readonly job: Job;
  readonly events: AsyncGenerator<JobEvent, void, void>;
}

/** How often to look whether the job has ended, in case its event was lost, in milliseconds. */
const lookAgain = 5000;

const closing = () =>
  new NishikiError("closed", "The server is closing; send the request again when it runs again.");

const isFinal = (job: Job) => finalStates.includes(job.state);

type Events = AsyncIterator<{ readonly event: ServerEvent }>;

/**
 * Starts listening, then creates or finds the job, so that no event of it is missed.
 * @returns The job, and its events until it ends.
 */
export async function followJob(
  application: Application,
  start: () => Promise<Job>,
  signal: AbortSignal,
): Promise<FollowedJob> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const iterator = application.events({ signal: both })[Symbol.asyncIterator]();
  // The first call is what subscribes.
  const first = iterator.next();
  first.catch(() => {});
  try {
    const job = await start();
    return { job, events: readEvents(application, job, { iterator, first, stop }) };
  } catch (error) {
    stop.abort();
    throw error;
  }
}

interface Subscription {
  readonly iterator: Events;
  readonly first: ReturnType<Events["next"]>;
  readonly stop: AbortController;
}

async function* readEvents(
  application: Application,
  job: Job,
  { iterator, first, stop }: Subscription,
): AsyncGenerator<JobEvent, void, void> {
  const seen = new Set<string>();
  let last = job;
  try {
    for (let next = first; !isFinal(last); ) {
      const result = await orTimeout(next, lookAgain);
      if (result?.done) throw closing();
      if (result) next = iterator.next();
      const event = result?.value.event;
      if (!event) last = (await application.job(job.id)) ?? last;
      else if (event.kind === "job" && event.job.id === job.id) last = event.job;
      else if (event.kind === "progress" && event.job === job.id)
        yield { kind: "progress", progress: event.progress };
      else if (event.kind === "image" && event.job === job.id && !seen.has(event.image.id)) {
        seen.add(event.image.id);
        yield { kind: "image", image: event.image };
      }
    }
    last = (await application.job(job.id)) ?? last;
    for (const image of last.images) if (!seen.has(image.id)) yield { kind: "image", image };
    yield { kind: "end", job: last };
  } finally {
    stop.abort();
    await iterator.return?.();
  }
}

/** Waits for a promise, for a time at most. */
async function orTimeout<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

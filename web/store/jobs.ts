// Jobs, as the server tells of them. Each job is a signal of its own, so a step redraws one row and not the page.
import { type Signal, signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { Job, Move, Progress, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { attempt, notify, optimistic } from "./notices.js";
import { computedList } from "./storage.js";

const jobs = new Map<string, Signal<Job>>();
/** Ids of all jobs that the page knows. */
export const jobIds = signal<readonly string[]>([]);
export const isQueuePaused = signal(false);
/** Ids of queued jobs, next one first, as the server orders them. */
const order = signal<readonly string[]>([]);
/** When the newest word of a job came: an answer that was asked for earlier is older. */
const touched = new Map<string, number>();

const waiting: readonly Job["state"][] = ["queued", "paused"];
export const isWaiting = ({ state }: Job) => waiting.includes(state);
export const isActive = ({ state }: Job) => state === "running" || waiting.includes(state);

export const getJob = (id: string): Job | undefined => jobs.get(id)?.value;
/** The same, without listening to it. */
export const peekJob = (id: string): Job | undefined => jobs.get(id)?.peek();

/** Jobs that wait, next one first. */
export const queue = computedList<Job>(() => {
  const places = new Map(order.value.map((id, place) => [id, place]));
  const place = (job: Job) => places.get(job.id) ?? job.position ?? Number.MAX_SAFE_INTEGER;
  return jobIds.value
    .map((id) => jobs.get(id)!.value)
    .filter(isWaiting)
    .sort((a, b) => place(a) - place(b) || a.created.localeCompare(b.created));
});

/** Ids of jobs that are being drawn. */
export const running = computedList(() =>
  jobIds.value.filter((id) => jobs.get(id)!.value.state === "running"),
);

export function putJob(job: Job): void {
  touched.set(job.id, performance.now());
  const known = jobs.get(job.id);
  if (known) {
    known.value = job;
    return;
  }
  jobs.set(job.id, signal(job));
  jobIds.value = [...jobIds.value, job.id];
}

/** Takes over the answer to a question, except for jobs of which something newer was heard since. */
export function putJobs(list: readonly Job[], asked: number): void {
  for (const job of list) if ((touched.get(job.id) ?? -1) < asked) putJob(job);
}

export function forgetJob(id: string): void {
  if (!jobs.delete(id)) return;
  jobIds.value = jobIds.value.filter((other) => other !== id);
}

export function putProgress(id: string, progress: Progress): void {
  const job = jobs.get(id);
  if (!job) return;
  touched.set(id, performance.now());
  const state = job.peek().state === "queued" ? "running" : job.peek().state;
  job.value = { ...job.peek(), state, progress };
}

/** An image of a job is finished: the job's own state follows only when it changes. */
export function putJobImage(id: string, image: StoredImage): void {
  const job = jobs.get(id);
  if (!job) return;
  touched.set(id, performance.now());
  const others = job.peek().images.filter(({ index }) => index !== image.index);
  job.value = { ...job.peek(), images: [...others, image].sort((a, b) => a.index - b.index) };
}

export function putWarning(id: string, message: string): void {
  const job = jobs.get(id);
  if (job && !job.peek().warnings.includes(message))
    job.value = { ...job.peek(), warnings: [...job.peek().warnings, message] };
}

export function putOrder(ids: readonly string[], paused: boolean): void {
  order.value = ids;
  isQueuePaused.value = paused;
}

/** Changes a job here at once; `ask` tells the server. */
async function change(id: string, changes: Partial<Job>, ask: () => Promise<Job | undefined>): Promise<void> {
  const job = jobs.get(id);
  if (!job) return;
  const before = job.peek();
  await optimistic(
    () => putJob({ ...before, ...changes }),
    async () => {
      const asked = performance.now();
      const answer = await ask();
      if (answer) putJobs([answer], asked);
    },
    () => putJob(before),
  );
}

export const cancelJob = (id: string) => change(id, { state: "cancelled" }, () => api.cancelJob(id));
export const pauseJob = (id: string) => change(id, { state: "paused" }, () => api.pauseJob(id));
export const resumeJob = (id: string) => change(id, { state: "queued" }, () => api.resumeJob(id));
export const skipImage = (id: string) => change(id, {}, () => api.skipImage(id));

export async function cancelAll(group?: string): Promise<void> {
  const active = jobIds.peek().map((id) => jobs.get(id)!.peek());
  const affected = active.filter((job) => isActive(job) && (group === undefined || job.group === group));
  if (affected.length === 0) return;
  await optimistic(
    () => {
      for (const job of affected) putJob({ ...job, state: "cancelled" });
    },
    () => api.cancelJobs(group),
    () => affected.forEach(putJob),
  );
  notify(messages().cancelledJobs(affected.length));
}

export async function setQueuePaused(paused: boolean): Promise<void> {
  await optimistic(
    () => {
      isQueuePaused.value = paused;
    },
    () => (paused ? api.pauseQueue() : api.resumeQueue()),
    () => {
      isQueuePaused.value = !paused;
    },
  );
}

/** Moves a waiting job to an end of the queue or before another one. */
export async function moveJob(id: string, move: Move): Promise<void> {
  const before = queue.peek().map((job) => job.id);
  const others = before.filter((other) => other !== id);
  const place = "before" in move ? others.indexOf(move.before) : move.to === "first" ? 0 : others.length;
  const after = [...others.slice(0, place), id, ...others.slice(place)];
  if (after.join() === before.join()) return;
  await optimistic(
    () => {
      order.value = after;
    },
    () => api.moveJob(id, move),
    () => {
      order.value = before;
    },
  );
}

/** Moves a waiting job by some places. */
export async function shiftJob(id: string, places: number): Promise<void> {
  const ids = queue.peek().map((job) => job.id);
  const target = ids.indexOf(id) + places;
  if (target < 0 || target >= ids.length) return;
  // Moving down: before the one after the target.
  const next = ids[places > 0 ? target + 1 : target];
  await moveJob(id, next === undefined ? { to: "last" } : { before: next });
}

/** Asks for the jobs that are not finished and the newest others. */
export async function loadJobs(): Promise<void> {
  const asked = performance.now();
  await attempt(async () => {
    const [active, recent] = await Promise.all([
      api.jobs({ state: ["running", "queued", "paused"], limit: 500 }),
      api.jobs({ limit: 50 }),
    ]);
    isQueuePaused.value = active.paused;
    const listed = new Set([...active.jobs, ...recent.jobs].map(({ id }) => id));
    putJobs([...recent.jobs, ...active.jobs], asked);
    // A job that was active here and is not listed any more ended while the page was away.
    for (const id of jobIds.peek()) {
      const job = jobs.get(id)!.peek();
      if (isActive(job) && !listed.has(id) && (touched.get(id) ?? 0) < asked)
        api.job(id).then(
          (found) => putJobs([found], asked),
          () => forgetJob(id),
        );
    }
  });
}

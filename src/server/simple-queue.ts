// A queue in memory: one worker, first come, first served.
import type { Job, JobQuery, Move } from "./api/index.js";
import { finalStates } from "./api/index.js";
import type { JobQueue, JobRecord, QueueChange, Reporter, WorkEvent, Worker } from "./parts.js";

interface Entry {
  job: Job;
  stop?: AbortController;
  readonly skips: Set<() => void>;
  /** What the job becomes when its worker has stopped. */
  next?: "cancelled" | "paused";
}

/** @param image Reads the file of an image that a request names. */
export function openSimpleQueue(image: Reporter["image"]): JobQueue {
  return new SimpleQueue(image);
}

const now = () => new Date().toISOString();

class SimpleQueue implements JobQueue {
  /** In the order in which they run. */
  #entries: Entry[] = [];
  readonly #listeners = new Set<(change: QueueChange) => Promise<void> | void>();
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #isPaused = false;
  readonly #image: Reporter["image"];

  constructor(image: Reporter["image"]) {
    this.#image = image;
  }

  async create(record: JobRecord) {
    const known = this.#find(record.id);
    if (known) return { job: known.job, isNew: false };
    const job: Job = {
      ...record,
      state: "queued",
      position: null,
      started: null,
      finished: null,
      attempts: 0,
      progress: null,
      images: [],
      result: null,
      warnings: [],
      error: null,
    };
    const entry = { job, skips: new Set<() => void>() };
    this.#entries.push(entry);
    await this.#changed(entry);
    await this.#tell({ kind: "order" });
    this.#runNext();
    return { job: this.#show(entry), isNew: true };
  }

  async get(id: string) {
    const entry = this.#find(id);
    return entry && this.#show(entry);
  }

  async list({ state, group, cursor, limit }: JobQuery) {
    const all = [...this.#entries]
      .reverse()
      .map((entry) => this.#show(entry))
      .filter((job) => state === undefined || state.includes(job.state))
      .filter((job) => group === undefined || job.group === group);
    const start = cursor === undefined ? 0 : Number(cursor);
    const next = start + limit < all.length ? String(start + limit) : null;
    return { jobs: all.slice(start, start + limit), next, paused: this.#isPaused };
  }

  cancel(id: string) {
    return this.#stop(id, "cancelled");
  }

  async cancelAll({ group, owner }: { readonly group?: string; readonly owner?: string } = {}) {
    const chosen = this.#entries
      .map(({ job }) => job)
      .filter((job) => !finalStates.includes(job.state))
      .filter((job) => (group ?? job.group) === job.group && (owner ?? job.owner) === job.owner);
    for (const { id } of chosen) await this.cancel(id);
    return chosen.length;
  }

  async skip(id: string) {
    const entry = this.#find(id);
    for (const skip of entry?.skips ?? []) skip();
    return entry && this.#show(entry);
  }

  pause(id: string) {
    return this.#stop(id, "paused");
  }

  async resume(id: string) {
    const entry = this.#find(id);
    if (entry?.job.state === "paused" && !entry.stop) await this.#set(entry, { state: "queued" });
    this.#runNext();
    return entry && this.#show(entry);
  }

  async move(id: string, move: Move) {
    const entry = this.#find(id);
    if (!entry) return undefined;
    const others = this.#entries.filter((one) => one !== entry);
    const before = "before" in move ? others.findIndex(({ job }) => job.id === move.before) : -1;
    const place =
      "before" in move && before >= 0 ? before : "to" in move && move.to === "first" ? 0 : others.length;
    this.#entries = [...others.slice(0, place), entry, ...others.slice(place)];
    await this.#tell({ kind: "order" });
    return this.#show(entry);
  }

  async pauseAll(paused: boolean) {
    this.#isPaused = paused;
    await this.#tell({ kind: "order" });
    this.#runNext();
  }

  async order() {
    return { order: this.#queued().map(({ job }) => job.id), paused: this.#isPaused };
  }

  work(worker: Worker) {
    this.#worker = worker;
    this.#runNext();
    return async () => {
      this.#worker = undefined;
      const running = this.#entries.find(({ stop }) => stop);
      running?.stop?.abort();
      await this.#running;
    };
  }

  onChange(listener: (change: QueueChange) => Promise<void> | void) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close() {}

  #find(id: string) {
    return this.#entries.find(({ job }) => job.id === id);
  }

  #queued() {
    return this.#entries.filter(({ job }) => job.state === "queued");
  }

  #show(entry: Entry): Job {
    const place = this.#queued().indexOf(entry);
    return { ...entry.job, position: place < 0 ? null : place };
  }

  async #tell(change: QueueChange) {
    await Promise.all([...this.#listeners].map((listener) => listener(change)));
  }

  #changed({ job }: Entry) {
    return this.#tell({ kind: "job", id: job.id });
  }

  async #set(entry: Entry, change: Partial<Job>) {
    entry.job = { ...entry.job, ...change };
    await this.#changed(entry);
  }

  async #stop(id: string, next: "cancelled" | "paused") {
    const entry = this.#find(id);
    if (!entry || finalStates.includes(entry.job.state)) return entry && this.#show(entry);
    entry.next = next;
    if (entry.stop) entry.stop.abort();
    else await this.#set(entry, { state: next, ...(next === "cancelled" && { finished: now() }) });
    await this.#tell({ kind: "order" });
    return this.#show(entry);
  }

  #runNext() {
    const entry = this.#queued()[0];
    if (this.#running || !this.#worker || this.#isPaused || !entry) return;
    this.#running = this.#run(entry, this.#worker).finally(() => {
      this.#running = undefined;
      this.#runNext();
    });
  }

  async #run(entry: Entry, worker: Worker) {
    const stop = new AbortController();
    Object.assign(entry, { stop, next: undefined });
    await this.#set(entry, { state: "running", started: now(), attempts: entry.job.attempts + 1 });
    const report = async (event: WorkEvent) => {
      if (event.kind === "warning")
        entry.job = { ...entry.job, warnings: [...entry.job.warnings, event.message] };
      await this.#tell({ kind: "work", id: entry.job.id, event });
    };
    const onSkip = (skip: () => void) => {
      entry.skips.add(skip);
      return () => void entry.skips.delete(skip);
    };
    const outcome = await worker.run(entry.job, { report, onSkip, image: this.#image }, stop.signal);
    delete entry.stop;
    if (stop.signal.aborted) {
      const state = entry.next ?? "queued";
      await this.#set(entry, { state, progress: null, ...(state === "cancelled" && { finished: now() }) });
    } else {
      const { result = null, error = null } = outcome;
      const state = outcome.state === "unfinished" ? "queued" : outcome.state;
      await this.#set(entry, { state, result, error, progress: null, finished: now() });
    }
  }
}

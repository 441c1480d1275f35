// Drawings that clients wait for. The official clients repeat a request that took longer than their timeout, or whose
// connection broke: such a repetition joins the job that is running instead of drawing everything again. A job for which
// nobody waits any more is cancelled.
import { NishikiError } from "../../errors.js";
import type { Job } from "../api/index.js";
import type { Application } from "../application.js";
import { Refusal } from "./errors.js";

export interface Drawing {
  /** The job's id. */
  readonly job: string;
  /** Equal requests have equal ones. */
  readonly fingerprint: string;
  /** The client's own name for its request, if it gave one. */
  readonly key: string | undefined;
}

interface Entry extends Drawing {
  readonly created: Promise<Job>;
  watchers: number;
  timer?: NodeJS.Timeout;
  /** Whether the job is being cancelled, or could not be created. */
  isOver: boolean;
}

/** Drawings that are remembered after their last client has gone. */
const most = 1000;

/** The longest that a client waits before its n-th repetition: half a second, doubled up to 8; and time to connect. */
const getPatience = (retries: number) => Math.min(0.5 * 2 ** retries, 8) * 1000 + 2000;

export class Drawings {
  readonly #application: Application;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(application: Application) {
    this.#application = application;
  }

  /** Starts a drawing. */
  add(drawing: Drawing, create: (id: string) => Promise<Job>): void {
    const created = create(drawing.job);
    const entry: Entry = { ...drawing, created, watchers: 0, isOver: false };
    created.catch(() => this.#forget(entry));
    this.#entries.set(drawing.job, entry);
    for (const [job, { watchers }] of this.#entries) {
      if (this.#entries.size <= most) break;
      if (watchers === 0 && job !== drawing.job) this.#entries.delete(job);
    }
  }

  /**
   * Finds the drawing that a request repeats: the one with its key; or, if it is a client's second attempt, the newest of an
   * equal request, where one that nobody waits for comes first.
   * @throws Refusal if another request has the key
   */
  findRepetition({
    fingerprint,
    key,
    retries,
  }: Omit<Drawing, "job"> & { retries: number | "never" }): Drawing | undefined {
    const entries = [...this.#entries.values()].filter(({ isOver }) => !isOver);
    const named = key === undefined ? undefined : entries.findLast((entry) => entry.key === key);
    if (named && named.fingerprint !== fingerprint) {
      const message =
        "Another request was sent with this Idempotency-Key; choose a new key for each request.";
      throw new Refusal(409, message, { code: "idempotency_key_reused" });
    }
    if (named || key !== undefined || retries === "never" || retries === 0) return named;
    const equal = entries.filter((entry) => entry.fingerprint === fingerprint);
    return equal.findLast(({ watchers }) => watchers === 0) ?? equal.at(-1);
  }

  /** The job of a drawing as it is now. */
  async getJob(id: string): Promise<Job> {
    const created = await this.#entries.get(id)?.created;
    const job = (await this.#application.job(id)) ?? created;
    if (!job) throw new NishikiError("internal", `The job ${id} is missing.`);
    return job;
  }

  /**
   * Counts a client as waiting for a drawing.
   * @returns A function to call when it has its answer (undefined) or has gone: the number of times that it had repeated the
   * request, or "never" for a client that does not
   */
  watch(job: string): (retries: number | "never" | undefined) => void {
    const entry = this.#entries.get(job)!;
    entry.watchers++;
    clearTimeout(entry.timer);
    let isWatching = true;
    return (retries) => {
      if (!isWatching) return;
      isWatching = false;
      entry.watchers--;
      if (entry.watchers > 0 || retries === undefined) return;
      if (retries === "never") this.#cancel(entry);
      else entry.timer = setTimeout(() => this.#cancel(entry), getPatience(retries)).unref();
    };
  }

  #cancel(entry: Entry): void {
    if (entry.watchers > 0) return;
    this.#forget(entry);
    // One that has ended stays as it is. It may not exist yet.
    entry.created.then(({ id }) => this.#application.cancelJob(id)).catch(() => {});
  }

  #forget(entry: Entry): void {
    entry.isOver = true;
    this.#entries.delete(entry.job);
  }
}

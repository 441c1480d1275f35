// Drawings that clients wait for. The official clients repeat a request that took longer than their timeout, or whose
// connection broke: such a repetition joins the job that is running instead of drawing everything again, even after the
// server was started anew. A job for which nobody waits any more is cancelled.
import { NishikiError } from "../../errors.js";
import type { Job } from "../api/index.js";
import type { Application } from "../application.js";
import { Refusal } from "./errors.js";

/** What tells whether two requests are one. */
export interface RequestIdentity {
  /** Equal requests of one sender have equal ones. */
  readonly fingerprint: string;
  /** The client's own name for its request, if it gave one. */
  readonly key: string | undefined;
  /** How often the client has sent the request before; "never" for clients that do not repeat requests. */
  readonly retries: number | "never";
}

/** A job, and those who wait for it. */
export interface Drawing extends Omit<RequestIdentity, "retries"> {
  readonly created: Promise<Job>;
  watchers: number;
  /** Whether a client has its answer. */
  isAnswered: boolean;
  timer?: NodeJS.Timeout;
}

/** What drawings need of the application. */
export type DrawingJobs = Pick<Application, "job" | "jobs" | "cancelJob">;

/** Jobs keep these labels, so that they are found after a start of the server. */
export const getLabels = ({ fingerprint, key }: Omit<RequestIdentity, "retries">) => ({
  "openai-request": fingerprint,
  ...(key !== undefined && { "openai-key": key }),
});

/** Drawings that are remembered after their last client has gone. */
const most = 1000;

/** Jobs that are looked through for one from before the server's start. */
const mostJobs = 200;

/** The longest that a client waits before its n-th repetition: half a second, doubled up to 8; and time to connect. */
const getPatience = (retries: number) => Math.min(0.5 * 2 ** retries, 8) * 1000 + 2000;

const isRepeated = ({ key, retries }: RequestIdentity) =>
  key !== undefined || (retries !== "never" && retries > 0);

export class Drawings {
  readonly #application: DrawingJobs;
  /** Those that were not given up; oldest first. */
  readonly #drawings = new Set<Drawing>();

  constructor(application: DrawingJobs) {
    this.#application = application;
  }

  /**
   * Finds the drawing that a request repeats, or starts one.
   * @throws Refusal if another request has the key
   */
  join(identity: RequestIdentity, create: () => Promise<Job>): Drawing {
    return this.#find(identity) ?? this.#start(identity, create);
  }

  /** The job of a drawing as it is now. */
  async getJob({ created }: Drawing): Promise<Job> {
    const { id } = await created;
    const job = await this.#application.job(id);
    if (!job) throw new NishikiError("internal", `The job ${id} is missing.`);
    return job;
  }

  /**
   * Counts a client as waiting for a drawing.
   * @returns A function to call when it has its answer (undefined) or has gone: the number of times that it had repeated the
   * request, or "never" for a client that does not
   */
  watch(drawing: Drawing): (retries: number | "never" | undefined) => void {
    drawing.watchers++;
    clearTimeout(drawing.timer);
    let isWatching = true;
    return (retries) => {
      if (!isWatching) return;
      isWatching = false;
      drawing.watchers--;
      drawing.isAnswered ||= retries === undefined;
      if (drawing.watchers > 0 || retries === undefined) return;
      if (retries === "never") this.#cancel(drawing);
      else drawing.timer = setTimeout(() => this.#cancel(drawing), getPatience(retries)).unref();
    };
  }

  /** The one with the request's key; or the newest of an equal request, where one whose client was lost comes first. */
  #find(identity: RequestIdentity): Drawing | undefined {
    const { fingerprint, key } = identity;
    if (!isRepeated(identity)) return undefined;
    const drawings = [...this.#drawings];
    if (key !== undefined) {
      const named = drawings.findLast((drawing) => drawing.key === key);
      if (named && named.fingerprint !== fingerprint) throw refuseKey();
      return named;
    }
    const equal = drawings.filter((drawing) => drawing.fingerprint === fingerprint);
    return equal.findLast(({ watchers, isAnswered }) => watchers === 0 && !isAnswered) ?? equal.at(-1);
  }

  #start(identity: RequestIdentity, create: () => Promise<Job>): Drawing {
    const { fingerprint, key } = identity;
    const created = this.#findEarlier(identity).then((job) => job ?? create());
    const drawing: Drawing = { fingerprint, key, created, watchers: 0, isAnswered: false };
    created.catch(() => this.#drawings.delete(drawing));
    this.#drawings.add(drawing);
    for (const old of this.#drawings) {
      if (this.#drawings.size <= most) break;
      if (old.watchers === 0 && old !== drawing) this.#drawings.delete(old);
    }
    return drawing;
  }

  /** Finds a job that an earlier run of the server made for this request. */
  async #findEarlier(identity: RequestIdentity): Promise<Job | undefined> {
    if (!isRepeated(identity)) return undefined;
    const { fingerprint, key } = identity;
    const state: Job["state"][] = ["queued", "running", "paused", "done"];
    const { jobs } = await this.#application.jobs({ state, limit: mostJobs });
    if (key === undefined) return jobs.find(({ labels }) => labels["openai-request"] === fingerprint);
    const named = jobs.find(({ labels }) => labels["openai-key"] === key);
    if (named && named.labels["openai-request"] !== fingerprint) throw refuseKey();
    return named;
  }

  #cancel(drawing: Drawing): void {
    if (drawing.watchers > 0) return;
    this.#drawings.delete(drawing);
    // One that has ended stays as it is. It may not exist yet.
    drawing.created.then(({ id }) => this.#application.cancelJob(id)).catch(() => {});
  }
}

const refuseKey = () =>
  new Refusal(409, "Another request was sent with this Idempotency-Key; choose a new key for each request.", {
    code: "idempotency_key_reused",
  });

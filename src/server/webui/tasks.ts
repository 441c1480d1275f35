// The requests that are being answered: whose progress is whose, and what "interrupt" stops. webui has one of each for
// everyone; here each caller has its own, so nobody stops or sees another one's images.

import { finalStates, type Job, type Progress } from "../api/index.js";
import type { Application } from "../application.js";
import { refuse } from "./errors.js";

/** One request that draws or enlarges. */
export interface Task {
  /** What the client calls it. */
  readonly id: string;
  readonly owner: string;
  readonly kind: "txt2img" | "img2img" | "extras";
  readonly started: Date;
  /** The images that it will have. */
  readonly count: number;
  /** Jobs that are finished, of the jobs that it takes. */
  job: Job | undefined;
  progress: Progress | null;
  /** Stops the task, also between two jobs. */
  readonly stop: AbortController;
  isSkipped: boolean;
}

const keptIds = 16;

export class Tasks {
  readonly #application: Application;
  readonly #tasks = new Set<Task>();
  #completed: { readonly id: string; readonly owner: string }[] = [];

  constructor(application: Application) {
    this.#application = application;
  }

  /** Runs a task, whose progress and interruption the caller then sees. */
  async run<T>(
    about: Pick<Task, "id" | "owner" | "kind" | "count">,
    work: (task: Task) => Promise<T>,
  ): Promise<T> {
    const task: Task = {
      ...about,
      started: new Date(),
      job: undefined,
      progress: null,
      stop: new AbortController(),
      isSkipped: false,
    };
    this.#tasks.add(task);
    try {
      return await work(task);
    } finally {
      this.#tasks.delete(task);
      this.#completed = [{ id: task.id, owner: task.owner }, ...this.#completed].slice(0, keptIds);
    }
  }

  /** The tasks of a caller, the oldest first. */
  list(owner: string): Task[] {
    return [...this.#tasks].filter((task) => task.owner === owner);
  }

  /** The task that is being drawn or, with none, the next one. */
  current(owner: string): Task | undefined {
    const tasks = this.list(owner);
    return tasks.find(({ job }) => job?.state === "running") ?? tasks[0];
  }

  isCompleted(owner: string, id: string): boolean {
    return this.#completed.some((task) => task.id === id && task.owner === owner);
  }

  /** Stops a caller's current task; it answers with the images that are finished. */
  async interrupt(owner: string): Promise<void> {
    const task = this.current(owner);
    if (!task) return;
    task.stop.abort();
    if (task.job) await this.#application.cancelJob(task.job.id);
  }

  /** Leaves out the image that is being drawn. */
  async skip(owner: string): Promise<void> {
    const task = this.current(owner);
    if (!task?.job) return;
    task.isSkipped = true;
    await this.#application.skipImage(task.job.id);
  }

  /** Waits for a job of a task. @returns the job in its final state */
  async wait(task: Task, job: Job): Promise<Job> {
    task.job = job;
    task.progress = job.progress;
    if (task.stop.signal.aborted) await this.#application.cancelJob(job.id);
    const leaving = new AbortController();
    try {
      const events = this.#application
        .events({ job: job.id, signal: leaving.signal })
        [Symbol.asyncIterator]();
      // Listens before it looks: an end in between is seen by one of the two.
      let next = events.next();
      next.catch(() => {});
      const now = await this.#application.job(job.id);
      if (now) task.job = now;
      while (!finalStates.includes(task.job.state)) {
        const { done, value } = await next;
        if (done) refuse(503, "The server is closing; the job stays in its queue.");
        if (value.event.kind === "job") task.job = value.event.job;
        else if (value.event.kind === "progress") task.progress = value.event.progress;
        next = events.next();
        next.catch(() => {});
      }
    } finally {
      leaving.abort();
    }
    return (await this.#application.job(job.id)) ?? task.job;
  }
}

// The server's side of the drawing process: starts it, speaks with it, and starts another one if it dies.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findWorker } from "../../engine/node.js";
import { NishikiError } from "../../errors.js";
import type { OnSkip, WorkEvent } from "../parts.js";
import { DrawingProcessError } from "./failures.js";
import type { ErrorData, FromChild, ModelPath, Task, TaskKind, Tasks, ToChild } from "./protocol.js";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: (event: WorkEvent) => void;
}

interface Live {
  readonly child: ChildProcess;
  readonly pending: Map<number, Pending>;
  loaded: readonly ModelPath[];
}

export interface DrawingProcessOptions {
  /** Called when other models are in memory than before: none, once the process has ended. */
  readonly onLoaded?: () => void;
  /**
   * Milliseconds after which a process without tasks ends, unless it holds a model that takes long to load: the embedded one
   * is there again in a moment.
   */
  readonly idleMilliseconds?: number;
}

export interface TaskOptions {
  /** Stops the task, which then throws NishikiError "aborted". */
  readonly signal?: AbortSignal;
  readonly onSkip?: OnSkip;
  readonly onEvent?: (event: WorkEvent) => void;
}

export class DrawingProcess {
  readonly #onLoaded: () => void;
  readonly #idleMilliseconds: number;
  #live: Live | undefined;
  #lastId = 0;
  #isClosed = false;
  #idle: NodeJS.Timeout | undefined;

  constructor({ onLoaded = () => {}, idleMilliseconds = 300_000 }: DrawingProcessOptions = {}) {
    this.#onLoaded = onLoaded;
    this.#idleMilliseconds = idleMilliseconds;
  }

  /** Paths of the models that are in memory. */
  get loaded(): readonly ModelPath[] {
    return this.#live?.loaded ?? [];
  }

  /** The running process's id, for tests and for measuring its memory. */
  get pid(): number | undefined {
    return this.#live?.child.pid;
  }

  /**
   * Gives the process a task.
   * @throws DrawingProcessError if the process ends meanwhile; otherwise what the task throws
   */
  async run<K extends TaskKind>(
    task: Tasks[K]["task"] & { readonly kind: K },
    options: TaskOptions = {},
  ): Promise<Tasks[K]["answer"]> {
    try {
      return (await this.#run(task, options)) as Tasks[K]["answer"];
    } catch (error) {
      // A question is asked again: it was most likely the job beside it that ended the process.
      const isQuestion = !["draw", "enlarge", "train", "evaluate", "explain", "load"].includes(task.kind);
      if (!isQuestion || !(error instanceof DrawingProcessError)) throw error;
      return (await this.#run(task, options)) as Tasks[K]["answer"];
    }
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    const child = this.#live?.child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL"); // It has no state that is worth a goodbye.
    await gone;
  }

  async #run(
    task: Task,
    { signal, onSkip = () => () => {}, onEvent = () => {} }: TaskOptions,
  ): Promise<unknown> {
    if (this.#isClosed) throw new NishikiError("closed", "The server is stopping.");
    if (signal?.aborted) throw new NishikiError("aborted", "Stopped: the caller cancelled.");
    const live = this.#start();
    const id = ++this.#lastId;
    const cancel = () => tell(live.child, { kind: "cancel", id });
    signal?.addEventListener("abort", cancel, { once: true });
    const endSkip = onSkip(() => tell(live.child, { kind: "skip", id }));
    try {
      return await new Promise<unknown>((resolve, reject) => {
        live.pending.set(id, { resolve, reject, onEvent });
        tell(live.child, { kind: "task", id, task });
      });
    } finally {
      live.pending.delete(id);
      this.#rest();
      signal?.removeEventListener("abort", cancel);
      endSkip();
    }
  }

  #start(): Live {
    if (this.#live) return this.#live;
    const entry = findWorker(
      () => new URL("./drawer-process.js", import.meta.url),
      "server/drawing/drawer-process.js",
    );
    const child = fork(fileURLToPath(entry), {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const live: Live = { child, pending: new Map(), loaded: [] };
    this.#live = live;
    child.on("message", (message: FromChild) => {
      if (message.kind === "loaded") this.#setLoaded(live, message.models);
      else receive(live, message);
    });
    child.once("error", (error) => this.#end(live, cannotStart(error)));
    child.once("exit", (code, signal) => this.#end(live, new DrawingProcessError(code, signal)));
    return live;
  }

  #setLoaded(live: Live, models: readonly ModelPath[]): void {
    const isSame = live.loaded.length === models.length && models.every((path) => live.loaded.includes(path));
    live.loaded = models;
    this.#rest();
    if (!isSame) this.#onLoaded();
  }

  /** Ends a process that does nothing and holds nothing of worth, after a while. */
  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const live = this.#live;
      if (!live || live.pending.size > 0 || live.loaded.some((path) => path !== null)) return;
      this.#live = undefined;
      live.child.kill("SIGKILL");
    }, this.#idleMilliseconds);
    this.#idle.unref();
  }

  #end(live: Live, reason: NishikiError): void {
    if (this.#live === live) this.#live = undefined;
    this.#setLoaded(live, []);
    const error = this.#isClosed ? new NishikiError("aborted", "Stopped: the server is stopping.") : reason;
    for (const { reject } of live.pending.values()) reject(error);
    live.pending.clear();
  }
}

const cannotStart = (cause: Error) =>
  new NishikiError("device", `The process that draws cannot be started: ${cause.message}.`, { cause });

/** A message that cannot be sent any more is answered by the process's end. */
function tell(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {});
}

function receive({ pending }: Live, message: Exclude<FromChild, { kind: "loaded" }>): void {
  const task = pending.get(message.id);
  if (!task) return;
  if (message.kind === "event") task.onEvent(message.event);
  else if (message.kind === "answer") task.resolve(message.answer);
  else task.reject(restoreError(message.error));
}

function restoreError({ code, message, stack }: ErrorData): Error {
  const error = code === undefined ? new Error(message) : new NishikiError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

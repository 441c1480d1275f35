// Thumbnails and average colours, made when they are first asked for and kept. A process of its own makes them; it starts with
// the first and ends when it has had nothing to do for a while.
import { type ChildProcess, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../../checkpoint/node.js";
import { findWorker } from "../../engine/node.js";
import { NishikiError, showText } from "../../errors.js";
import type { ThumbnailReply, ThumbnailTask } from "./thumbnail-worker.js";

/** Milliseconds without work after which the process ends, and after which one image has taken too long. */
const [idle, tooLong] = [20_000, 60_000];

interface Pending {
  resolve(colour: string): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
  /** The process that was asked. */
  readonly child: ChildProcess;
}

export class Thumbnails {
  readonly #folder: string;
  readonly #pending = new Map<number, Pending>();
  readonly #making = new Map<string, Promise<string>>();
  #child: ChildProcess | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #count = 0;
  #closed = false;

  /** @param folder Where thumbnails are kept. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The thumbnail that is kept of an image, as WebP. */
  async read(id: string): Promise<Uint8Array | undefined> {
    return readFile(this.#path(id)).catch(() => undefined);
  }

  /**
   * Makes an image's thumbnail; asked for it several times at once, makes it once.
   * @param from The image's file.
   * @returns the average colour, as #rrggbb
   * @throws NishikiError "file" if the image cannot be decoded
   */
  make(id: string, from: string): Promise<string> {
    const running = this.#making.get(id);
    if (running) return running;
    const making = makeFolder(join(this.#folder, id.slice(0, 2)))
      .then(() => this.#askAgain({ from, to: this.#path(id) }))
      .finally(() => this.#making.delete(id));
    this.#making.set(id, making);
    return making;
  }

  /** The process's id while there is one, for tests. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  path(id: string): string {
    return this.#path(id);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    this.#child?.kill();
  }

  #path(id: string): string {
    return join(this.#folder, id.slice(0, 2), `${id}.webp`);
  }

  /** An image that ends the process twice is at fault itself. */
  async #askAgain(task: Omit<ThumbnailTask, "id">): Promise<string> {
    try {
      return await this.#ask(task);
    } catch (error) {
      if (!(error instanceof ProcessEnd) || this.#closed) throw error;
      return this.#ask(task);
    }
  }

  #ask(task: Omit<ThumbnailTask, "id">): Promise<string> {
    if (this.#closed) return Promise.reject(new NishikiError("closed", "The library is closed."));
    clearTimeout(this.#idleTimer);
    const child = this.#start();
    const id = this.#count++;
    return new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), tooLong);
      this.#pending.set(id, { resolve, reject, timer, child });
      // A closed channel may be noticed before the end of the process: who asks again needs another one.
      child.send({ ...task, id } satisfies ThumbnailTask, (error) => {
        if (error) this.#lost(child);
      });
    });
  }

  #start(): ChildProcess {
    if (this.#child) return this.#child;
    const url = findWorker(
      () => new URL("./thumbnail-worker.js", import.meta.url),
      "server/library/thumbnail-worker.js",
    );
    // Signals from the terminal are the server's to handle; its own end closes the channel, and so this process.
    const child = fork(fileURLToPath(url), [], {
      execArgv: [],
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.unref();
    child.channel?.unref();
    child.on("message", (reply: ThumbnailReply) => this.#settle(reply));
    child.on("exit", () => this.#lost(child));
    child.on("error", () => this.#lost(child));
    this.#child = child;
    return child;
  }

  #settle(reply: ThumbnailReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    clearTimeout(pending.timer);
    if ("colour" in reply) pending.resolve(reply.colour);
    else pending.reject(makeError(reply.problem));
    if (this.#pending.size > 0) return;
    this.#idleTimer = setTimeout(() => this.#stop(), idle);
    this.#idleTimer.unref();
  }

  #stop(): void {
    if (this.#pending.size > 0) return;
    const child = this.#child;
    this.#child = undefined;
    child?.disconnect();
  }

  #lost(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    for (const [id, pending] of [...this.#pending])
      if (pending.child === child) this.#fail(id, new ProcessEnd());
  }

  #fail(id: number, error: NishikiError): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    pending?.reject(error);
  }
}

/** The process ended while it decoded an image. */
class ProcessEnd extends NishikiError {
  constructor() {
    super("file", "The image cannot be decoded: the process that decodes images ended, or took too long.");
  }
}

function makeError(problem: string): NishikiError {
  const message = `The image cannot be decoded: it is damaged or of an unsupported kind (${showText(problem)}).`;
  return new NishikiError("file", message);
}

// Starts, asks and kills processes of the queue.
import { type ChildProcess, fork } from "node:child_process";
import { getPackageFile } from "../../src/engine/node.js";

/** In the package, also for a caller that was compiled to another folder. */
const script = getPackageFile("tests/support/queue-process.mjs");

interface Message {
  readonly ready?: boolean;
  readonly number?: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** One process, which may be killed and started again. */
export class QueueProcess {
  readonly #parameters: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child!: ChildProcess;
  #exited!: Promise<void>;
  #ready!: Promise<void>;
  #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #count = 0;
  isUp = false;

  constructor(
    role: "server" | "worker",
    folder: string,
    url = "",
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#parameters = [role, folder, url];
    this.#env = env;
    this.start();
  }

  start(): void {
    const child = fork(script, this.#parameters, {
      // It may end while its database is away, and is started again.
      stdio: ["ignore", "ignore", process.env.NISHIKI_TEST_TROUBLE ? "inherit" : "ignore", "ipc"],
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    this.isUp = true;
    this.#ready = new Promise((resolve, reject) => {
      child.on("message", (message: Message) => {
        if (message.ready) resolve();
        else this.#take(message);
      });
      child.once("exit", () => reject(new Error("The process ended before it was ready.")));
    });
    this.#ready.catch(() => undefined);
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => {
        if (this.#child === child) this.isUp = false;
        for (const { reject } of this.#waiting.values()) reject(new Error("The process ended."));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get ready(): Promise<void> {
    return this.#ready;
  }

  #take({ number, answer, error }: Message): void {
    const waiting = this.#waiting.get(number!);
    this.#waiting.delete(number!);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }

  async ask<T>(ask: string, about: object = {}): Promise<T> {
    await this.#ready;
    const number = this.#count++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(number, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ number, ask, ...about }, (error) => error && reject(error));
    });
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Ends it as its user would. */
  async close(): Promise<void> {
    if (!this.isUp) return;
    await this.ask("close").catch(() => undefined);
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#exited;
    clearTimeout(late);
  }
}

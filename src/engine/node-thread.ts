// The engine's thread as the caller sees it: calls that are answered, also when the thread dies.
import { Worker } from "node:worker_threads";
import { NishikiError } from "../errors.js";
import type { HostTensor, HostTensors } from "./engine.js";
import { type EngineData, type EngineMessage, type EngineReply, flags } from "./node-messages.js";
import { findWorker } from "./node-package.js";

const missingDevice =
  /no available backend|Failed to load shared library|provider.*not (found|available|enabled)|Failed to get a WebGPU adapter|No supported adapters/i;

/** Turns the runtime's messages into ours. */
function translate(message: string, device: string): NishikiError {
  const cause = new Error(message);
  if (/allocat|out of memory|bad_alloc|\bOOM\b|SafeIntOnOverflow|Integer overflow/i.test(message)) {
    const cure = "choose a smaller size or count, or close other programs";
    return new NishikiError("memory", `Not enough memory on ${device}: ${cure}. (${message})`, { cause });
  }
  if (/session is closed/i.test(message)) return new NishikiError("closed", message, { cause });
  if (device !== "cpu" && missingDevice.test(message)) {
    const cure = 'choose another, such as "cpu", which every machine has';
    return new NishikiError("device", `This machine has no ${device} device: ${cure}. (${message})`, {
      cause,
    });
  }
  return new NishikiError("device", `The ${device} device failed: ${message}`, { cause });
}

/** Sent as it is, a view of a large buffer would take the whole buffer along. */
function compact(tensors: HostTensors): HostTensors {
  const entries = Object.entries(tensors).map(([name, tensor]): [string, HostTensor] => {
    const { data } = tensor;
    return [name, data.byteLength === data.buffer.byteLength ? tensor : { ...tensor, data: data.slice() }];
  });
  return Object.fromEntries(entries);
}

/** The arrays that a message moves instead of copying them. */
function moved(message: EngineMessage): ArrayBuffer[] {
  return [...new Set(Object.values(given(message)).map(({ data }) => data.buffer as ArrayBuffer))];
}

function given(message: EngineMessage): HostTensors {
  if (message.kind === "keep") return message.tensors;
  if (message.kind === "readKept") return message.into;
  return message.kind === "run" && message.give ? message.inputs : {};
}

function compactMessage(message: EngineMessage): EngineMessage {
  if (message.kind === "keep") return { ...message, tensors: compact(message.tensors) };
  if (message.kind === "readKept") return { ...message, into: compact(message.into) };
  if (message.kind === "run") return { ...message, inputs: compact(message.inputs) };
  if (message.kind === "writeState") return { ...message, state: compact(message.state) };
  return message;
}

const source = () => new URL("./node-worker.js", import.meta.url);

/** Threads that have not ended. */
const living = new Set<EngineThread>();
let watching = false;

/**
 * Node ends threads when the process exits; inside of the runtime that would abort it with another exit code.
 * A run that is almost done is waited for; whoever exits in the middle of a long one wants the process to
 * end, so it is killed.
 */
function watchExit(thread: EngineThread): void {
  if (!watching) {
    process.on("exit", () => {
      const until = performance.now() + patience;
      const left = [...living].map(({ leaveRuntime }) => leaveRuntime(until - performance.now()));
      if (left.includes(false)) process.kill(process.pid, "SIGKILL");
    });
  }
  watching = true;
  living.add(thread);
}

/** Longest wait for a run to end when the process exits, in milliseconds. */
const patience = 1000;

/**
 * ONNX Runtime 1.30 reads the process's command line with a regular expression that recurses for every
 * character: with Node's usual 4 MB, an argument of 14,000 characters ends the process. Linux allows 131,072
 * in one; only what is used of a stack takes memory.
 */
const stackSizeMb = 64;

export class EngineThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(r: HostTensors): void; reject(e: Error): void }>();
  readonly #device: string;
  readonly #exited: Promise<void>;
  readonly #flags = new Int32Array(new SharedArrayBuffer(8));
  #count = 0;
  #dead: NishikiError | undefined;

  constructor(device: string) {
    this.#device = device;
    const workerData: EngineData = { flags: this.#flags };
    // The process's own options may not suit a thread, as `node --input-type=module -e …` does not.
    const resourceLimits = { stackSizeMb };
    this.#worker = new Worker(findWorker(source, "engine/node-worker.js"), {
      name: "nishiki-engine",
      workerData,
      execArgv: [],
      resourceLimits,
    });
    this.#worker.unref();
    this.#worker.on("message", (reply: EngineReply) => this.#settle(reply));
    this.#worker.on("messageerror", (error) =>
      this.#die(`The engine's answer is unreadable: ${error.message}`, error),
    );
    this.#worker.on("error", (error) => this.#die(`The engine's thread failed: ${error.message}`, error));
    watchExit(this);
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        living.delete(this);
        this.#die(`The engine's thread ended unasked (exit code ${code}). Make a new engine and try again.`);
        resolve();
      });
    });
  }

  /**
   * Blocks until nothing is computed, and nothing will be. For the end of the process, which cannot wait
   * otherwise.
   * @param milliseconds The longest wait.
   * @returns Whether nothing is computed any more.
   */
  readonly leaveRuntime = (milliseconds: number): boolean => {
    Atomics.store(this.#flags, flags.stop, 1);
    return Atomics.wait(this.#flags, flags.busy, 1, Math.max(0, milliseconds)) !== "timed-out";
  };

  /** Whether no call can succeed any more. */
  get ended(): boolean {
    return this.#dead !== undefined;
  }

  #settle({ id, result, error }: EngineReply): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    // A thread that is being ended is waited for, whatever it still answers.
    if (this.#waiting.size === 0 && !this.#dead) this.#worker.unref();
    if (error) call?.reject(translate(error.message, this.#device));
    else call?.resolve(result ?? {});
  }

  /** Nothing hangs when the thread is gone: all that wait are told, and all that come after. */
  #die(message: string, cause?: unknown): void {
    const code = /memory/i.test(message) ? "memory" : "device";
    this.#dead ??= new NishikiError(code, message, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }

  call(message: EngineMessage): Promise<HostTensors> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      const compacted = compactMessage(message);
      this.#worker.postMessage({ id, message: compacted }, moved(compacted));
      this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /**
   * Ends the thread: what waits is told at once, and what is being computed is finished first, because a
   * thread must not be ended inside of the runtime.
   */
  async end(): Promise<void> {
    const wasAlive = !this.#dead;
    this.#dead ??= new NishikiError("closed", "The engine is closed; make a new one.");
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
    if (wasAlive) {
      Atomics.store(this.#flags, flags.stop, 1);
      this.#worker.ref();
      this.#worker.postMessage({ id: -1, message: { kind: "end" } });
    }
    await this.#exited;
  }
}

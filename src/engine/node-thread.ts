// The caller's side of the engine's thread: every call gets an answer, even if the thread dies.
import { Worker } from "node:worker_threads";
import { NishikiError } from "../errors.js";
import type { HostTensor, HostTensors } from "./engine.js";
import { type EngineData, type EngineMessage, type EngineReply, flags } from "./node-messages.js";
import { findWorker } from "./node-package.js";

const missingDevice =
  /no available backend|Failed to load shared library|provider.*not (found|available|enabled)|Failed to get a WebGPU adapter|No supported adapters/i;

/** Translates the runtime's messages. */
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

/** Sending a view of a large buffer would send the whole buffer. */
function compact(tensors: HostTensors): HostTensors {
  const entries = Object.entries(tensors).map(([name, tensor]): [string, HostTensor] => {
    const { data } = tensor;
    return [name, data.byteLength === data.buffer.byteLength ? tensor : { ...tensor, data: data.slice() }];
  });
  return Object.fromEntries(entries);
}

/** Lists the arrays that a message transfers instead of copying. */
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

/** Threads that are still running. */
const living = new Set<EngineThread>();
let watching = false;

/**
 * Node terminates threads when the process exits; inside the runtime that would abort with another exit code.
 * So this waits for a run that is almost done; if a long run continues, it kills the process.
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
 * ONNX Runtime 1.30 reads the process's command line with a regular expression that recurses once per
 * character: with Node's default of 4 MB, an argument of 14,000 characters crashes the process. Linux allows
 * 131,072 in one; only the used part of a stack takes memory.
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
    // The process's options may not suit a thread, such as `node --input-type=module -e …`.
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
        this.#die(
          `The engine's thread ended unexpectedly (exit code ${code}). Make a new engine and try again.`,
        );
        resolve();
      });
    });
  }

  /**
   * Blocks until no computation is running or will start. For process exit, where waiting asynchronously is
   * impossible.
   * @param milliseconds The longest wait.
   * @returns Whether all computation has stopped.
   */
  readonly leaveRuntime = (milliseconds: number): boolean => {
    Atomics.store(this.#flags, flags.stop, 1);
    return Atomics.wait(this.#flags, flags.busy, 1, Math.max(0, milliseconds)) !== "timed-out";
  };

  /** Whether all further calls will fail. */
  get ended(): boolean {
    return this.#dead !== undefined;
  }

  #settle({ id, result, error }: EngineReply): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    // While the thread is ending, wait for it regardless of its answers.
    if (this.#waiting.size === 0 && !this.#dead) this.#worker.unref();
    if (error) call?.reject(translate(error.message, this.#device));
    else call?.resolve(result ?? {});
  }

  /** Rejects all pending and all future calls, so nothing hangs once the thread is gone. */
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
   * Ends the thread: rejects pending calls at once, but lets the current computation finish, because a thread
   * must not be terminated inside the runtime.
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

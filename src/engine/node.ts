// The engine of Node: ONNX Runtime in a thread of its own.
import { availableParallelism } from "node:os";
import { basename, dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { NishikiError, unknownName } from "../errors.js";
import { type DType, lowerProgram, type Program, type StoredParameter } from "../graph/index.js";
import type {
  DeviceName,
  Engine,
  HostTensor,
  HostTensors,
  LoadOptions,
  Session,
  WeightPlaces,
} from "./engine.js";
import { deviceNames } from "./engine.js";
import type { EngineMessage, EngineReply } from "./node-messages.js";
import { checkInputs, type Expected } from "./validate.js";

export interface EngineOptions {
  /** Default "auto": the CPU, which every machine has and which gives every picture the same bytes. */
  readonly device?: DeviceName;
  /** Threads of the CPU device. Default: one for each core that this process may use. */
  readonly threads?: number;
}

/** The worker is plain JavaScript: under a test runner that loads sources, the built one is used. */
function workerUrl(): URL {
  const here = import.meta.url;
  return here.endsWith(".ts")
    ? new URL("../../dist/engine/node-worker.js", here)
    : new URL("./node-worker.js", here);
}

/** Turns the runtime's messages into ours. */
function translate(message: string, device: string): NishikiError {
  if (/allocat|out of memory|bad_alloc|OOM/i.test(message)) {
    return new NishikiError(
      "memory",
      `Not enough memory on ${device}: choose a smaller size or count, or close other programs. (${message})`,
    );
  }
  if (/session is closed/i.test(message)) return new NishikiError("closed", message);
  return new NishikiError("device", `The ${device} device failed: ${message}`);
}

class EngineThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve(r: HostTensors): void; reject(e: Error): void }>();
  private readonly device: string;
  private count = 0;
  private dead: NishikiError | undefined;

  constructor(device: string) {
    this.device = device;
    this.worker = new Worker(workerUrl(), { name: "nishiki-engine" });
    this.worker.unref();
    this.worker.on("message", (reply: EngineReply) => this.settle(reply));
    this.worker.on("error", (error) => this.die(`The engine's thread failed: ${error.message}`, error));
    this.worker.on("exit", (code) => this.die(`The engine's thread ended (exit code ${code}).`));
  }

  private settle({ id, result, error }: EngineReply): void {
    const call = this.waiting.get(id);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker.unref();
    if (error) call?.reject(translate(error.message, this.device));
    else call?.resolve(result ?? {});
  }

  /** Nothing hangs when the thread is gone: all that wait are told, and all that come after. */
  private die(message: string, cause?: unknown): void {
    const memory = /memory/i.test(message);
    this.dead ??= new NishikiError(memory ? "memory" : "device", message, { cause });
    for (const { reject } of this.waiting.values()) reject(this.dead);
    this.waiting.clear();
  }

  call(message: EngineMessage): Promise<HostTensors> {
    if (this.dead) return Promise.reject(this.dead);
    const id = this.count++;
    this.worker.ref();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, message });
    });
  }

  async end(): Promise<void> {
    this.dead ??= new NishikiError("closed", "The engine is closed.");
    await this.worker.terminate();
  }
}

class NodeSession implements Session {
  readonly inputs: readonly Expected[];
  readonly outputs: readonly string[];
  private readonly thread: EngineThread;
  private readonly id: number;
  private closed = false;

  constructor(thread: EngineThread, id: number, inputs: readonly Expected[], outputs: readonly string[]) {
    this.thread = thread;
    this.id = id;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  private check(): void {
    if (this.closed) throw new NishikiError("closed", "The session is closed; load the program again.");
  }

  async run(inputs: HostTensors): Promise<Record<string, HostTensor>> {
    this.check();
    checkInputs(this.inputs, inputs);
    return this.thread.call({ kind: "run", session: this.id, inputs });
  }

  async readState(): Promise<Record<string, HostTensor>> {
    this.check();
    return this.thread.call({ kind: "readState", session: this.id });
  }

  async writeState(state: HostTensors): Promise<void> {
    this.check();
    await this.thread.call({ kind: "writeState", session: this.id, state });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.thread.call({ kind: "close", session: this.id });
  }
}

/** int8 rows come with a tensor of the same name and ".scale". */
function storedParameters(program: Program, weights: WeightPlaces): Map<string, StoredParameter> {
  const stored = new Map<string, StoredParameter>();
  const problems: string[] = [];
  for (const { name, shape } of program.parameters) {
    const place = weights.get(name);
    if (!place) continue;
    if (place.shape.join() !== shape.join()) {
      problems.push(
        `"${name}" is [${place.shape.join(", ")}] in the file, [${shape.join(", ")}] in the network`,
      );
      continue;
    }
    const scale = weights.get(`${name}.scale`);
    const part = (p: typeof place) => ({
      dtype: p.dtype as DType,
      file: basename(p.file),
      offset: p.offset,
      length: p.length,
    });
    stored.set(name, { ...part(place), scale: place.dtype === "i8" && scale ? part(scale) : undefined });
  }
  if (problems.length > 0)
    throw new NishikiError("checkpoint", `Weights do not fit the network: ${problems.join("; ")}.`);
  return stored;
}

function weightsFolder(program: Program, weights: WeightPlaces | undefined): string | undefined {
  const folders = new Set<string>();
  for (const { name } of program.parameters) {
    const place = weights?.get(name);
    if (place) folders.add(dirname(place.file));
  }
  if (folders.size > 1) {
    throw new NishikiError(
      "checkpoint",
      `The weights of one program must lie in one folder, not in ${[...folders].join(", ")}.`,
    );
  }
  return [...folders][0];
}

class NodeEngine implements Engine {
  readonly device: Exclude<DeviceName, "auto">;
  readonly threads: number;
  private readonly thread: EngineThread;
  private count = 0;

  constructor(device: Exclude<DeviceName, "auto">, threads: number) {
    this.device = device;
    this.threads = threads;
    this.thread = new EngineThread(device);
  }

  get target(): Exclude<DeviceName, "auto"> {
    return this.device;
  }

  async load(program: Program, options: LoadOptions = {}): Promise<Session> {
    const { weights, carried = {}, optimize = true, decompose } = options;
    const stored = weights ? storedParameters(program, weights) : undefined;
    const { onnx, fedParameters } = lowerProgram(program, { target: this.device, stored, decompose });
    const fed = program.parameters.filter(({ name }) => fedParameters.includes(name));
    const declared = [...program.inputs, ...fed].map(({ name, tensor: { dtype, shape } }) => ({
      name,
      dtype,
      shape,
    }));
    const inputs = declared.filter(({ name }) => !(name in carried));
    const carriedOutputs = Object.values(carried).map(({ output }) => output);
    const outputs = program.outputs.map(({ name }) => name).filter((name) => !carriedOutputs.includes(name));
    const session = this.count++;
    await this.thread.call({
      kind: "load",
      session,
      onnx,
      provider: this.device,
      threads: this.threads,
      optimize,
      weightsFolder: weightsFolder(program, weights),
      carried: Object.entries(carried).map(([input, { output, initial }]) => ({ input, output, ...initial })),
      outputs,
    });
    return new NodeSession(this.thread, session, inputs, outputs);
  }

  async close(): Promise<void> {
    await this.thread.end();
  }
}

/**
 * An engine on this machine.
 * @throws NishikiError "usage" for an unknown device; "device" when the first program is loaded on one that is missing.
 */
export function makeEngine({
  device = "auto",
  threads = availableParallelism(),
}: EngineOptions = {}): Engine {
  if (!deviceNames.includes(device)) throw unknownName("device", device, deviceNames);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new NishikiError("usage", `threads: expected a whole number from 1, got ${threads}.`);
  }
  return new NodeEngine(device === "auto" ? "cpu" : device, threads);
}

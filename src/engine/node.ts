// Node's engine: ONNX Runtime in a separate thread.
import { realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { NishikiError, unknownName } from "../errors.js";
import { lowerProgram, type Program } from "../graph/index.js";
import type {
  DeviceName,
  Engine,
  HostTensor,
  HostTensors,
  LoadOptions,
  RunOptions,
  Session,
  WeightPlace,
  WeightPlaces,
} from "./engine.js";
import { deviceNames } from "./engine.js";
import { EngineThread } from "./node-thread.js";
import { placeWeights } from "./stored-weights.js";
import {
  checkInputs,
  describeInterface,
  describePieces,
  type Expected,
  type SessionInterface,
} from "./validate.js";

export { findPackageRoot, findWorker, getPackageFile } from "./node-package.js";

export interface EngineOptions {
  /** Default "auto": the CPU, which every machine has and which produces identical bytes for every image. */
  readonly device?: DeviceName;
  /** Threads of the CPU device. Default: one per core available to this process. */
  readonly threads?: number;
}

class NodeSession implements Session {
  readonly inputs: readonly Expected[];
  readonly outputs: readonly string[];
  readonly #carried: readonly Expected[];
  readonly #thread: EngineThread;
  readonly #id: number;
  #closed = false;

  constructor(thread: EngineThread, id: number, interfaces: SessionInterface) {
    this.#thread = thread;
    this.#id = id;
    this.inputs = interfaces.inputs;
    this.outputs = interfaces.outputs;
    this.#carried = interfaces.carried;
  }

  #check(): void {
    if (this.#closed) throw new NishikiError("closed", "The session is closed; load the program again.");
  }

  async run(inputs: HostTensors, { give = false }: RunOptions = {}): Promise<Record<string, HostTensor>> {
    this.#check();
    checkInputs(this.inputs, inputs);
    return this.#thread.call({ kind: "run", session: this.#id, inputs, give });
  }

  async readState(): Promise<Record<string, HostTensor>> {
    this.#check();
    return this.#thread.call({ kind: "readState", session: this.#id });
  }

  async writeState(state: HostTensors): Promise<void> {
    this.#check();
    checkInputs(
      this.#carried.filter(({ name }) => Object.hasOwn(state, name)),
      state,
      "carried tensor",
    );
    await this.#thread.call({ kind: "writeState", session: this.#id, state });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A dead thread has already freed everything.
    if (!this.#thread.ended) await this.#thread.call({ kind: "close", session: this.#id });
  }
}

/** Resolves a program's weight files: the runtime follows no link that leaves the folder. */
async function resolveFiles(program: Program, weights: WeightPlaces): Promise<WeightPlaces> {
  const real = new Map<string, string>();
  const places = new Map<string, WeightPlace>();
  const resolve = async (place: WeightPlace): Promise<WeightPlace> => {
    const file = real.get(place.file) ?? (await resolveFile(place.file));
    real.set(place.file, file);
    return { ...place, file };
  };
  for (const { name } of program.parameters) {
    for (const key of [name, `${name}.scale`]) {
      const place = weights.get(key);
      if (!place) continue;
      const scale = place.scale && (await resolve(place.scale));
      places.set(key, { ...(await resolve(place)), ...(scale && { scale }) });
    }
  }
  return places;
}

async function resolveFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (cause) {
    throw new NishikiError("file", `The weight file ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

class NodeEngine implements Engine {
  readonly device: Exclude<DeviceName, "auto">;
  readonly threads: number;
  readonly #thread: EngineThread;
  #count = 0;

  constructor(device: Exclude<DeviceName, "auto">, threads: number) {
    this.device = device;
    this.threads = threads;
    this.#thread = new EngineThread(device);
  }

  get target(): Exclude<DeviceName, "auto"> {
    return this.device;
  }

  async load(program: Program, options: LoadOptions = {}): Promise<Session> {
    const {
      weights,
      carried = {},
      kept = {},
      pieces,
      optimize = true,
      decompose,
      inPlace,
      usualSizes,
    } = options;
    const places = weights && (await resolveFiles(program, weights));
    const { stored, folder } = placeWeights(program, places, [
      ...Object.keys(carried),
      ...Object.keys(kept.reads ?? {}),
    ]);
    const { onnx, fedParameters } = lowerProgram(program, {
      target: this.device,
      stored,
      decompose,
      inPlace,
      usualSizes,
    });
    const interfaces = pieces
      ? describePieces(program, pieces)
      : describeInterface(program, fedParameters, carried, kept);
    const session = this.#count++;
    await this.#thread.call({
      kind: "load",
      session,
      onnx,
      provider: this.device,
      threads: this.threads,
      optimize,
      isFixed: program.inputs.every(({ tensor }) => tensor.shape.every((dim) => typeof dim === "number")),
      weightsFolder: folder,
      carried: Object.entries(carried).map(([input, { output, initial }]) => ({ input, output, ...initial })),
      reads: Object.entries(kept.reads ?? {}).map(([input, name]) => ({ input, kept: name })),
      writes: interfaces.writes,
      outputs: interfaces.outputs,
      pieces,
    });
    return new NodeSession(this.#thread, session, interfaces);
  }

  async keep(tensors: HostTensors): Promise<void> {
    await this.#thread.call({ kind: "keep", tensors });
  }

  readKept(names: readonly string[], into: HostTensors = {}): Promise<Record<string, HostTensor>> {
    return this.#thread.call({ kind: "readKept", names, into });
  }

  takeKept(names: readonly string[]): Promise<Record<string, HostTensor>> {
    return this.#thread.call({ kind: "takeKept", names });
  }

  sibling(threads: number): Engine {
    return makeEngine({ device: this.device, threads });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    await this.#thread.end();
  }
}

/**
 * Makes an engine on this machine.
 * @throws NishikiError "usage" for an unknown device; "device" when the first program is loaded on a missing
 *   device.
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

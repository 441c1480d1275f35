// The engine's thread: ONNX Runtime blocks the calling thread, so it runs here.
import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import type { DType, TypedArray } from "../graph/index.js";
import type { HostTensor } from "./engine.js";
import {
  type EngineData,
  type EngineMessage,
  type EngineReply,
  flags,
  type LoadMessage,
} from "./node-messages.js";
import { runInPieces } from "./node-pieces.js";
import { emptyArray } from "./validate.js";

/** Training state has two sets of buffers: one is read while the other is written. */
interface Pair {
  readonly output: string;
  current: ort.Tensor;
  next: ort.Tensor;
}

/**
 * A tensor shared by all sessions of this thread; undefined while taken. The spare is for sessions that read
 * and overwrite it in one run.
 */
interface Kept {
  current: ort.Tensor | undefined;
  spare?: ort.Tensor;
}

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly carried: Map<string, Pair>;
  readonly reads: LoadMessage["reads"];
  readonly writes: readonly {
    readonly output: string;
    readonly name: string;
    readonly kept: Kept;
    readonly swaps: boolean;
  }[];
  readonly outputs: readonly string[];
  readonly pieces: LoadMessage["pieces"];
}

ort.env.logLevel = "fatal";

const sessions = new Map<number, Loaded>();
const keptTensors = new Map<string, Kept>();

const ortTypes: Record<DType, ort.Tensor.Type> = {
  f32: "float32",
  f64: "float64",
  f16: "float16",
  bf16: "uint16",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
  i32: "int32",
  i64: "int64",
};
const fromOrt = new Map(Object.entries(ortTypes).map(([ours, theirs]) => [theirs, ours as DType]));

function toOrt(dtype: DType, data: TypedArray, shape: readonly number[]): ort.Tensor {
  // float16 is stored as bits here; newer Node versions would otherwise expect a Float16Array.
  return new ort.Tensor(ortTypes[dtype], data as ort.Tensor.DataType, shape);
}

function toHost(tensor: ort.Tensor): HostTensor {
  const dtype = fromOrt.get(tensor.type) ?? "f32";
  // Results may be views of a larger buffer or of the runtime's memory. Node 24 returns arrays of 16-bit
  // floats; ours hold bits everywhere.
  const data = tensor.data.slice() as TypedArray;
  const bits = dtype === "f16" && !(data instanceof Uint16Array) ? new Uint16Array(data.buffer) : data;
  return { dtype, shape: [...tensor.dims], data: bits };
}

async function load(message: LoadMessage): Promise<void> {
  const { onnx, provider, threads, optimize, isFixed, weightsFolder } = message;
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // For variable sizes, memory is planned at run time, which takes up to twice the memory.
    enableMemPattern: isFixed,
    graphOptimizationLevel: optimize ? "all" : "disabled",
    logSeverityLevel: 4, // Failures come as errors; the runtime would print them too.
    extra: {
      session: {
        set_denormal_as_zero: "1",
        ...(weightsFolder ? { model_external_initializers_file_folder_path: weightsFolder } : {}),
      },
    },
  });
  const carried = new Map<string, Pair>();
  for (const { input, output, dtype, shape, data } of message.carried) {
    const current = toOrt(dtype, data, shape);
    carried.set(input, { output, current, next: toOrt(dtype, emptyArray(dtype, data.length), shape) });
  }
  const { reads, outputs } = message;
  const writes = message.writes.map(({ output, kept: name, dtype, shape }) => {
    const empty = () =>
      toOrt(
        dtype,
        emptyArray(
          dtype,
          shape.reduce((a, b) => a * b, 1),
        ),
        shape,
      );
    const kept: Kept = keptTensors.get(name) ?? { current: empty() };
    keptTensors.set(name, kept);
    const swaps = reads.some((read) => read.kept === name);
    if (swaps) kept.spare ??= empty();
    return { output, name, kept, swaps };
  });
  sessions.set(message.session, { session, carried, reads, writes, outputs, pieces: message.pieces });
}

function getKept(name: string): { readonly kept: Kept; readonly tensor: ort.Tensor } {
  const kept = keptTensors.get(name);
  if (!kept?.current) throw new Error(`Nothing is kept under "${name}".`);
  return { kept, tensor: kept.current };
}

function readKept(names: readonly string[], into: Readonly<Record<string, HostTensor>>) {
  const copied = names.map((name): [string, HostTensor] => {
    const { tensor } = getKept(name);
    const target = into[name];
    if (!target) return [name, toHost(tensor)];
    if (target.data.length !== tensor.size) {
      throw new Error(
        `"${name}" has ${tensor.size} elements, but the array to fill has ${target.data.length}.`,
      );
    }
    const source = tensor.data as TypedArray;
    // Compares bytes, because newer Node versions store 16-bit floats in arrays whose elements are numbers,
    // not bits.
    const bytes = (array: TypedArray) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes(target.data).set(bytes(source));
    return [name, target];
  });
  return Object.fromEntries(copied);
}

function takeKept(names: readonly string[]): Record<string, HostTensor> {
  const found = names.map((name) => ({ name, ...getKept(name) }));
  return Object.fromEntries(
    found.map(({ name, kept, tensor }) => {
      kept.current = undefined;
      const data = tensor.data as TypedArray;
      return [name, { dtype: fromOrt.get(tensor.type) ?? "f32", shape: [...tensor.dims], data }];
    }),
  );
}

function keep(tensors: Readonly<Record<string, HostTensor>>): void {
  for (const [name, { dtype, data, shape }] of Object.entries(tensors)) {
    const current = toOrt(dtype, data, shape);
    const kept = keptTensors.get(name);
    if (kept) kept.current = current;
    else keptTensors.set(name, { current });
  }
}

async function run(loaded: Loaded, inputs: Readonly<Record<string, HostTensor>>) {
  const { session, carried, reads, writes, outputs, pieces } = loaded;
  const feeds: Record<string, ort.Tensor> = {};
  const fetches: Record<string, ort.Tensor | null> = {};
  for (const [name, { dtype, data, shape }] of Object.entries(inputs))
    feeds[name] = toOrt(dtype, data, shape);
  if (pieces) {
    await runInPieces(session, pieces, feeds, (name) => getKept(name).tensor);
    return {};
  }
  for (const [name, { output, current, next }] of carried) {
    feeds[name] = current;
    fetches[output] = next;
  }
  for (const { input, kept } of reads) feeds[input] = getKept(kept).tensor;
  for (const { output, name, kept, swaps } of writes) {
    fetches[output] = swaps ? kept.spare! : getKept(name).tensor;
  }
  for (const name of outputs) fetches[name] ??= null;
  const results = await session.run(feeds, fetches as ort.InferenceSession.OnnxValueMapType);
  for (const pair of carried.values()) [pair.current, pair.next] = [pair.next, pair.current];
  for (const { kept, swaps } of writes) {
    if (swaps) [kept.current, kept.spare] = [kept.spare, kept.current];
  }
  const given: Record<string, HostTensor> = {};
  for (const name of outputs) given[name] = toHost(results[name]!);
  return given;
}

function readState({ carried }: Loaded): Record<string, HostTensor> {
  const state: Record<string, HostTensor> = {};
  for (const [name, { current }] of carried) state[name] = toHost(current);
  return state;
}

function writeState({ carried }: Loaded, state: Readonly<Record<string, HostTensor>>): void {
  for (const [name, tensor] of Object.entries(state)) {
    const pair = carried.get(name);
    if (!pair) throw new Error(`"${name}" is not carried between runs.`);
    // The message's copy belongs to this thread. Copying elements instead would convert 16-bit floats from
    // their bits.
    pair.current = toOrt(tensor.dtype, tensor.data, tensor.shape);
  }
}

async function answer(message: Exclude<EngineMessage, { kind: "end" }>): Promise<Record<string, HostTensor>> {
  if (message.kind === "load") {
    await load(message);
    return {};
  }
  if (message.kind === "keep") {
    keep(message.tensors);
    return {};
  }
  if (message.kind === "readKept") return readKept(message.names, message.into);
  if (message.kind === "takeKept") return takeKept(message.names);
  const loaded = sessions.get(message.session);
  if (!loaded) throw new Error("The session is closed.");
  switch (message.kind) {
    case "run":
      return run(loaded, message.inputs);
    case "readState":
      return readState(loaded);
    case "writeState":
      writeState(loaded, message.state);
      return {};
    case "close":
      sessions.delete(message.session);
      await loaded.session.release();
      return {};
  }
}

// One job at a time: two WebGPU sessions must not run at once (onnxruntime issue 32561), and on the CPU it
// costs nothing.
let queue: Promise<void> = Promise.resolve();

const shared = (workerData as EngineData).flags;

/** Runs a job that may enter the runtime; the caller can see when it is done. */
async function whileBusy(job: () => Promise<void>): Promise<void> {
  Atomics.store(shared, flags.busy, 1);
  try {
    await job();
  } finally {
    Atomics.store(shared, flags.busy, 0);
    Atomics.notify(shared, flags.busy);
  }
}

async function end(): Promise<void> {
  await whileBusy(async () => {
    for (const { session } of sessions.values()) await session.release();
  });
  process.exit(0);
}

async function reply(id: number, message: Exclude<EngineMessage, { kind: "end" }>): Promise<void> {
  let given: EngineReply | undefined;
  await whileBusy(async () => {
    // Checked only now: a caller that requested a stop and sees no work may rely on none starting.
    if (Atomics.load(shared, flags.stop) === 1) return;
    try {
      given = { id, result: await answer(message) };
    } catch (error) {
      given = { id, error: { message: error instanceof Error ? error.message : String(error) } };
    }
  });
  if (!given) return;
  const buffers = Object.values(given.result ?? {}).map(({ data }) => data.buffer as ArrayBuffer);
  parentPort?.postMessage(given, [...new Set(buffers)]);
}

parentPort?.on("message", ({ id, message }: { id: number; message: EngineMessage }) => {
  queue = queue.then(() => (message.kind === "end" ? end() : reply(id, message)));
});

/// <reference lib="esnext.disposable" preserve="true" />
// The narrow interface through which programs run. Nothing here knows a device's library: node.ts does.
import type { DType, LoweringTarget, Program, TypedArray } from "../graph/index.js";

/** Devices by the names that users give. `auto` is resolved by the engine. */
export const deviceNames = ["auto", "cpu", "webgpu", "cuda", "coreml", "dml"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** Elements with their shape, outside of any program. f16 and bf16 are held as bits, bool as bytes. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** Where a parameter's bytes lie on disk: absolute byte offsets in a `.safetensors` file. */
export interface WeightPlace {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The bytes are those of the transposed matrix; `shape` is the matrix's own. */
  readonly transposed?: boolean;
  /** Of 8-bit numbers: what they are multiplied with, one number for all or one for each row. */
  readonly scale?: WeightPlace;
}

export type WeightPlaces = ReadonlyMap<string, WeightPlace>;

/**
 * An input that is fed by an output of the run before, as training state is. Both stay where the device
 * works.
 */
export interface Carried {
  readonly output: string;
  readonly initial: HostTensor;
}

/**
 * Which of a session's tensors are kept by its engine: they stay where the device works and serve all its
 * sessions, so that what one program writes another reads without leaving the device.
 */
export interface KeptTensors {
  /** The kept tensor that an input (or fed parameter) reads, by the input's name. */
  readonly reads?: Readonly<Record<string, string>>;
  /** The kept tensor that an output overwrites, by the output's name. Shapes must be fixed. */
  readonly writes?: Readonly<Record<string, string>>;
}

/**
 * Sets of kept tensors that an elementwise program passes over piece by piece, so that what lies between its
 * operations stays in the processor's cache. The program's kept inputs and its outputs are vectors of one
 * symbolic length. Outputs are written in place: an input that is overwritten may be read by one operation
 * only, and that on the way to what overwrites it.
 */
export interface KeptPieces {
  /** Elements of a piece. */
  readonly size: number;
  /**
   * The kept tensors of each set, all of as many elements: by the inputs that read them, and by the outputs
   * that overwrite them.
   */
  readonly sets: readonly {
    readonly reads: Readonly<Record<string, string>>;
    readonly writes: Readonly<Record<string, string>>;
  }[];
}

export interface LoadOptions {
  /** Parameters found here are read in place; the others must be given to every run, or be carried. */
  readonly weights?: WeightPlaces;
  /** Inputs (or parameters) by name, each fed by an output of the run before. */
  readonly carried?: Readonly<Record<string, Carried>>;
  /** Inputs and outputs that are the engine's kept tensors. */
  readonly kept?: KeptTensors;
  /** In place of carried and kept tensors: a run passes over all these sets. Every output must be kept. */
  readonly pieces?: KeptPieces;
  /** Let the runtime rewrite the graph. Default true; tests compare both. */
  readonly optimize?: boolean;
  /** Write attention and norms by their parts even where the device has them fused. */
  readonly decompose?: boolean;
  /**
   * Leave large weights where they lie: their files are mapped into memory, which the system shares and may
   * take back, and every run widens what it comes to. Loading then takes no time and no memory, and runs take
   * about a tenth longer. Default false: weights are widened and packed once.
   */
  readonly inPlace?: boolean;
}

export interface RunOptions {
  /**
   * Hands the inputs' arrays over instead of copying them: the caller cannot use them any more. Default
   * false.
   */
  readonly give?: boolean;
}

/** A program on a device. Runs are queued; running never blocks the event loop. */
export interface Session extends AsyncDisposable {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly (number | string)[];
  }[];
  readonly outputs: readonly string[];
  /**
   * Runs the program once.
   * @param inputs One tensor for every declared input and fed parameter that is neither carried nor kept.
   * @returns The outputs that are neither carried nor kept.
   * @throws NishikiError "shape" (wrong name, type or shape), "memory", "device", "closed".
   */
  run(inputs: HostTensors, options?: RunOptions): Promise<Record<string, HostTensor>>;
  /** A copy of the carried tensors as they are now, by input name. */
  readState(): Promise<Record<string, HostTensor>>;
  /** Overwrites carried tensors. */
  writeState(state: HostTensors): Promise<void>;
  /** Frees the device's memory. A closed session says so when used. */
  close(): Promise<void>;
}

/** A device that programs run on. `await using` closes it, and its sessions likewise. */
export interface Engine extends AsyncDisposable {
  readonly device: Exclude<DeviceName, "auto">;
  readonly target: LoweringTarget;
  readonly threads: number;
  /** Lowers a program for the device and makes it ready to run. */
  load(program: Program, options?: LoadOptions): Promise<Session>;
  /**
   * Puts tensors where the device works, under names that sessions read and write; the arrays are handed
   * over.
   */
  keep(tensors: HostTensors): Promise<void>;
  /**
   * Copies of kept tensors.
   * @param into Tensors of the same sizes whose arrays are handed over and come back filled: new memory costs
   *   more than copying.
   * @throws NishikiError "device" for a name that nothing is kept under.
   */
  readKept(names: readonly string[], into?: HostTensors): Promise<Record<string, HostTensor>>;
  /**
   * Hands kept tensors over without copying them; before a session needs one again, something must be kept in
   * its place.
   */
  takeKept(names: readonly string[]): Promise<Record<string, HostTensor>>;
  /** Another engine on the same device, which works beside this one and is closed by itself. */
  sibling(threads: number): Engine;
  /** Closes all sessions. */
  close(): Promise<void>;
}

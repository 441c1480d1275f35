/// <reference lib="esnext.disposable" preserve="true" />
// The narrow interface through which programs run. Nothing here knows a device's library: node.ts does.
import type { DType, LoweringTarget, Program, TypedArray } from "../graph/index.js";

/** The device names that users specify. The engine resolves `auto`. */
export const deviceNames = ["auto", "cpu", "webgpu", "cuda", "coreml", "dml"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** Elements with their shape, outside any program. f16 and bf16 are stored as bits, bool as bytes. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** The location of a parameter on disk: absolute byte offsets in a `.safetensors` file. */
export interface WeightPlace {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The bytes hold the transposed matrix; `shape` is that of the matrix itself. */
  readonly transposed?: boolean;
  /** For 8-bit numbers: their scale, one number for all or one per row. */
  readonly scale?: WeightPlace;
}

export type WeightPlaces = ReadonlyMap<string, WeightPlace>;

/** An input fed by an output of the previous run, such as training state. Both stay on the device. */
export interface Carried {
  readonly output: string;
  readonly initial: HostTensor;
}

/**
 * The tensors of a session that its engine keeps: they stay on the device and serve all its sessions, so one
 * program reads what another writes without a transfer.
 */
export interface KeptTensors {
  /** The kept tensor that an input (or fed parameter) reads, by the input's name. */
  readonly reads?: Readonly<Record<string, string>>;
  /** The kept tensor that an output overwrites, by the output's name. Shapes must be fixed. */
  readonly writes?: Readonly<Record<string, string>>;
}

/**
 * Sets of kept tensors that an elementwise program processes piece by piece, so that intermediate results
 * stay in the processor's cache. The program's kept inputs and its outputs are vectors of one symbolic
 * length. Outputs are written in place: only one operation may read an overwritten input, and only on the way
 * to its output.
 */
export interface KeptPieces {
  /** Elements per piece. */
  readonly size: number;
  /**
   * The kept tensors of each set, all of equal length: by the inputs that read them, and by the outputs that
   * overwrite them.
   */
  readonly sets: readonly {
    readonly reads: Readonly<Record<string, string>>;
    readonly writes: Readonly<Record<string, string>>;
  }[];
}

export interface LoadOptions {
  /** Parameters found here are read in place; all others must be passed to every run, or be carried. */
  readonly weights?: WeightPlaces;
  /** Inputs (or parameters) by name, each fed by an output of the previous run. */
  readonly carried?: Readonly<Record<string, Carried>>;
  /** Inputs and outputs that are the engine's kept tensors. */
  readonly kept?: KeptTensors;
  /** Replaces carried and kept tensors: a run processes all these sets. Every output must be kept. */
  readonly pieces?: KeptPieces;
  /** Lets the runtime optimize the graph. Default true; tests compare both. */
  readonly optimize?: boolean;
  /** Decomposes attention and norms even if the device has fused kernels. */
  readonly decompose?: boolean;
  /**
   * The size of each symbol that the program usually runs with: on the CPU, convolutions and the layout of images are
   * chosen for it. Any other size gives equally right results. Default: convolutions as they are.
   */
  readonly usualSizes?: Readonly<Record<string, number>>;
  /**
   * Maps large weights from their files into memory, which the system shares and may reclaim; every run
   * widens the weights it reads. Loading then takes no time and no memory, but runs take about a tenth
   * longer. Default false: weights are widened and packed once.
   */
  readonly inPlace?: boolean;
}

export interface RunOptions {
  /**
   * Transfers the inputs' arrays instead of copying them: the caller can no longer use them. Default false.
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
   * @param inputs One tensor per declared input and fed parameter that is neither carried nor kept.
   * @returns The outputs that are neither carried nor kept.
   * @throws NishikiError "shape" (wrong name, type or shape), "memory", "device", "closed".
   */
  run(inputs: HostTensors, options?: RunOptions): Promise<Record<string, HostTensor>>;
  /** Copies the current carried tensors, by input name. */
  readState(): Promise<Record<string, HostTensor>>;
  /** Overwrites carried tensors. */
  writeState(state: HostTensors): Promise<void>;
  /** Frees the device's memory. Using a closed session throws. */
  close(): Promise<void>;
}

/** A device that runs programs. `await using` closes it together with its sessions. */
export interface Engine extends AsyncDisposable {
  readonly device: Exclude<DeviceName, "auto">;
  readonly target: LoweringTarget;
  readonly threads: number;
  /** Lowers a program for the device and prepares it to run. */
  load(program: Program, options?: LoadOptions): Promise<Session>;
  /** Stores tensors on the device, under names that sessions read and write; transfers the arrays. */
  keep(tensors: HostTensors): Promise<void>;
  /**
   * Copies kept tensors.
   * @param into Tensors of the same sizes, whose arrays are transferred and returned filled: allocating costs
   *   more than copying.
   * @throws NishikiError "device" for an unknown name.
   */
  readKept(names: readonly string[], into?: HostTensors): Promise<Record<string, HostTensor>>;
  /**
   * Takes kept tensors off the device without copying; store replacements before a session needs them again.
   */
  takeKept(names: readonly string[]): Promise<Record<string, HostTensor>>;
  /** Makes another engine on the same device, which runs beside this one and must be closed separately. */
  sibling(threads: number): Engine;
  /** Closes all sessions. */
  close(): Promise<void>;
}

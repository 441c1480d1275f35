// Messages between the engine's thread and the caller's thread.
import type { DType, TypedArray } from "../graph/index.js";
import type { HostTensors, KeptPieces } from "./engine.js";
import type { KeptOutput } from "./validate.js";

export interface LoadMessage {
  readonly kind: "load";
  readonly session: number;
  readonly onnx: Uint8Array;
  readonly provider: string;
  readonly threads: number;
  readonly optimize: boolean;
  /** Whether all inputs have fixed sizes. */
  readonly isFixed: boolean;
  /** Folder of the weight files that the model references. */
  readonly weightsFolder: string | undefined;
  readonly carried: readonly {
    readonly input: string;
    readonly output: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly data: TypedArray;
  }[];
  /** Inputs that read the thread's kept tensors, and outputs that overwrite them. */
  readonly reads: readonly { readonly input: string; readonly kept: string }[];
  readonly writes: readonly KeptOutput[];
  readonly outputs: readonly string[];
  readonly pieces: KeptPieces | undefined;
}

export type EngineMessage =
  | LoadMessage
  | {
      readonly kind: "run";
      readonly session: number;
      readonly inputs: HostTensors;
      /** The arrays are transferred to the thread, not copied. */
      readonly give: boolean;
    }
  | { readonly kind: "keep"; readonly tensors: HostTensors }
  | { readonly kind: "readKept"; readonly names: readonly string[]; readonly into: HostTensors }
  | { readonly kind: "takeKept"; readonly names: readonly string[] }
  | { readonly kind: "readState"; readonly session: number }
  | { readonly kind: "writeState"; readonly session: number; readonly state: HostTensors }
  | { readonly kind: "close"; readonly session: number }
  | { readonly kind: "end" };

/** Data that the thread receives at its start. */
export interface EngineData {
  /** Shared numbers, indexed by {@link flags}. */
  readonly flags: Int32Array;
}

export const flags = {
  /** Set to 1 by the caller: the thread then starts no further work. */
  stop: 0,
  /** 1 while the thread is inside the runtime, where terminating it would abort the whole process. */
  busy: 1,
} as const;

export interface EngineReply {
  readonly id: number;
  readonly result?: HostTensors;
  readonly error?: { readonly message: string };
}

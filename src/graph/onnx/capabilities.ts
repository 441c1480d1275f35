// What devices can do: all that differs between them stands in this table.

/** Devices a program can be lowered for. The accelerators other than WebGPU take the standard operators. */
export type LoweringTarget = "cpu" | "webgpu" | "cuda" | "coreml" | "dml" | "wasm" | "standard";

/** What a target's kernels can do beyond the standard operators of opset 21. */
export interface Capabilities {
  /** com.microsoft FusedMatMul: a matrix product that takes transposed operands. */
  readonly fusedMatMul: boolean;
  /** com.microsoft MultiHeadAttention. */
  readonly multiHeadAttention: boolean;
  /** LayerNormalization gives its optional outputs (mean, inverse deviation). */
  readonly layerNormStatistics: boolean;
  /** GroupNormalization (opset 21) has a kernel. */
  readonly groupNormalization: boolean;
  /**
   * ConvTranspose is right for groups that give one channel each: WebGPU's kernel reads other groups'
   * channels there.
   */
  readonly convTransposeToSingleChannels: boolean;
  /** ScatterElements with reduction "add". */
  readonly scatterAdd: boolean;
}

/** The one table of what devices can do. Measured on ONNX Runtime 1.30. */
export const capabilities: Record<LoweringTarget, Capabilities> = {
  cpu: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: true,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  wasm: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: true,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  webgpu: {
    fusedMatMul: false,
    multiHeadAttention: true,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: false,
    scatterAdd: false,
  },
  cuda: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  coreml: {
    fusedMatMul: false,
    multiHeadAttention: false,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: false,
  },
  /**
   * No device of this machine: the standard's own operators and no others, for who reads the program
   * elsewhere.
   */
  standard: {
    fusedMatMul: false,
    multiHeadAttention: false,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  dml: {
    fusedMatMul: false,
    multiHeadAttention: true,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: false,
  },
};

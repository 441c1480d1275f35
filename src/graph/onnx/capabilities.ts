// The capabilities of devices: all differences between them are in this table.

/** Lowering targets. Accelerators other than WebGPU take the standard operators. */
export type LoweringTarget = "cpu" | "webgpu" | "cuda" | "coreml" | "dml" | "wasm" | "standard";

/** What a target's kernels support beyond the standard operators of opset 21. */
export interface Capabilities {
  /** com.microsoft FusedMatMul: a matrix product with transposed operands. */
  readonly fusedMatMul: boolean;
  /** com.microsoft MultiHeadAttention. */
  readonly multiHeadAttention: boolean;
  /** LayerNormalization returns its optional outputs (mean, inverse deviation). */
  readonly layerNormStatistics: boolean;
  /** GroupNormalization (opset 21) has a kernel. */
  readonly groupNormalization: boolean;
  /**
   * ConvTranspose is correct for groups with one output channel each: WebGPU's kernel reads other groups'
   * channels there.
   */
  readonly convTransposeToSingleChannels: boolean;
  /** ScatterElements with reduction "add". */
  readonly scatterAdd: boolean;
}

/** Capabilities by target. Measured on ONNX Runtime 1.30. */
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
  /** Not a device of this machine: standard operators only, for readers of exported programs. */
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

export { getUsualSizes, type UsualSizes } from "./channels-last.js";
export { convolutionArithmetic } from "./convolution-table.js";
export { countMultiplications, countPeakBytes } from "./count.js";
export * from "./gradients.js";
export {
  type Attributes,
  type AttributeValue,
  apply,
  describe,
  fixedSize,
  type GradientContext,
  Graph,
  type GraphNode,
  type Operation,
  type Tensor,
} from "./graph.js";
export type { Capabilities, LoweringTarget } from "./onnx/capabilities.js";
export { type LoweredProgram, type LowerOptions, lowerProgram, type StoredParameter } from "./onnx/lower.js";
export type { Lowering, NarrowRows, OnnxAttribute } from "./onnx/lowering.js";
export * from "./ops/attention.js";
export { expand, type ReduceOptions, reshape, sum, sumTo, unsqueeze } from "./ops/broadcast.js";
export { cast, constant, fill, stopGradient, zerosLike } from "./ops/constant.js";
export { type ConvOptions, conv2d, convTranspose2d } from "./ops/conv.js";
export { convChannelsLast } from "./ops/conv-channels-last.js";
export { crop } from "./ops/crop.js";
export * from "./ops/elementwise.js";
export * from "./ops/index-ops.js";
export { addProduct, linear, matmul } from "./ops/matmul.js";
export {
  groupNorm,
  groupNormLast,
  l2Normalize,
  layerNorm,
  logSoftmax,
  type NormOptions,
  rmsNorm,
  softmax,
} from "./ops/norm.js";
export {
  averagePool2d,
  foldPixels,
  maxPool2d,
  type PoolOptions,
  unfoldPixels,
  upsampleBilinear2d,
  upsampleNearest2d,
} from "./ops/pool.js";
export * from "./ops/reduce.js";
export { concat, pad, slice, split, transpose } from "./ops/shape-ops.js";
export * from "./program.js";
export { type RewriteRule, rewriteRules, simplify } from "./rewrite.js";
export { formatShape, sameShape, sizeOf } from "./shape.js";
export * from "./types.js";

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
export * from "./ops/conv.js";
export * from "./ops/conv-channels-last.js";
export { crop } from "./ops/crop.js";
export * from "./ops/elementwise.js";
export * from "./ops/index-ops.js";
export { addProduct, linear, matmul } from "./ops/matmul.js";
export {
  groupNorm,
  l2Normalize,
  layerNorm,
  logSoftmax,
  type NormOptions,
  rmsNorm,
  softmax,
} from "./ops/norm.js";
export * from "./ops/pool.js";
export * from "./ops/reduce.js";
export * from "./ops/shape-ops.js";
export * from "./program.js";
export { type RewriteRule, rewriteRules, simplify } from "./rewrite.js";
export { formatShape, sameShape, sizeOf } from "./shape.js";
export * from "./types.js";

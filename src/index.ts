// What a program needs that draws images. The rooms below are subpaths: nishiki/pipeline, nishiki/image,
// nishiki/graph, …

export { type ErrorCode, NishikiError } from "./errors.js";
export {
  type Comparison,
  compareWithReceipt,
  type DecodeEvent,
  type EncodeEvent,
  encodeImage,
  expandWildcards,
  type FileRequest,
  type GenerateOptions,
  type ImageEvent,
  type ImageRequest,
  type ImageSettings,
  type InputImage,
  type LoadEvent,
  type LoadOptions,
  Pipeline,
  type PipelineEvent,
  type Pixels,
  parsePromptParameters,
  parseReceipt,
  type Receipt,
  type Runtime,
  type StepEvent,
  takeLoraTags,
  type WarningEvent,
} from "./pipeline/index.js";
export {
  loadPipeline,
  type OpenedModel,
  openModel,
  readImages,
  readInputImage,
  readMask,
  readWildcards,
} from "./pipeline/node.js";

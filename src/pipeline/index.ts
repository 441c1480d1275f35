export type { PictureEvent, PipelineEvent, StepEvent, WarningEvent } from "./events.js";
export type { Drawing, ModelFamily, Side } from "./family.js";
export { Forecast } from "./forecast.js";
export { type ModelDefaults, type ModelManifest, type ModelPart, parseManifest } from "./model-folder.js";
export {
  decodePixels,
  encodeWords,
  makeDenoiser,
  type NetworkSessions,
  type Words,
} from "./networks.js";
export { getOwnContext, makeOwnFamily, type OwnModel } from "./own-family.js";
export { type GenerateOptions, Pipeline, type PipelineParts } from "./pipeline.js";
export type { Pixels } from "./pixels.js";
export { type NetworkPrograms, traceNetworks } from "./programs.js";
export { type Environment, parseReceipt, type Receipt, receiptKey, sha256 } from "./receipt.js";
export {
  completeMachine,
  completeRequest,
  drawSeed,
  type Field,
  type MachineSettings,
  machineFields,
  type PictureRequest,
  type PictureSettings,
  type PictureSizes,
  pictureFields,
  type RequestContext,
  valueOfText,
} from "./request.js";
export { type Comparison, compareWithReceipt } from "./verify.js";

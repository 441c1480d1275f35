export { checkAborted, interruptible, type NetworkRun, type ProgressEvent, type Watch } from "./cancel.js";
export { completeRequest } from "./complete-request.js";
export { cropTo } from "./crop-region.js";
export { countNumbers, countTypes, type Description, formatBytes, formatCount } from "./description.js";
export { encodeImage, hiresLabels } from "./encode-image.js";
export { type HiresMethod, hiresMethods } from "./enlarge-latents.js";
export {
  type DecodeEvent,
  type EncodeEvent,
  type EventData,
  type ImageEvent,
  type LoadEvent,
  makeEvent,
  type PipelineEvent,
  type StageImageEvent,
  type StepEvent,
  type WaitEvent,
  type WarningEvent,
} from "./events.js";
export { getNishikiContext, makeNishikiModel, type NishikiParts } from "./families/nishiki/family.js";
export {
  describeName,
  type KnownName,
  type KnownWords,
  meanState,
  understand,
  wordsOf,
} from "./families/nishiki/known-words.js";
export {
  type FastPart,
  type ModelDefaults,
  type ModelManifest,
  type ModelPart,
  parseManifest,
  type SuperResolutionPart,
} from "./families/nishiki/manifest.js";
export {
  decodePixels,
  encodePrompt,
  getSchedule,
  makeDenoiser,
  type NetworkSessions,
  type PromptEmbeddings,
} from "./families/nishiki/networks.js";
export { otherNames } from "./families/nishiki/other-names.js";
export { placeThings } from "./families/nishiki/place-things.js";
export { type PlannedPrompt, tableNames } from "./families/nishiki/planner/plan-prompt.js";
export { makePlanner, type Planner } from "./families/nishiki/planner/planner.js";
export {
  firstScenes,
  type ScenePlan,
  scenePlanSchema,
} from "./families/nishiki/planner/scene-plan.js";
export {
  type NetworkPrograms,
  seesPlacement,
  traceEncoder,
  traceNetworks,
} from "./families/nishiki/programs.js";
export {
  doubleByDiffusion,
  type SuperResolution,
  type SuperResolutionSettings,
  traceSuperResolution,
} from "./families/nishiki/super-resolution.js";
export { Forecast, type Work } from "./forecast.js";
export {
  type ActionOptions,
  type ActionRequest,
  type DrawnPicture,
  makeBlend,
  makePan,
  makeRemix,
  makeSquare,
  makeUpscale,
  makeVariation,
  makeZoom,
  type PanDirection,
  panDirections,
  type UpscaleWay,
  type VariationWay,
  variationDistances,
} from "./image-actions.js";
export { ipAdapterSettings } from "./image-prompt-schema.js";
export {
  commonSettings,
  type FileRequest,
  type FillName,
  fileRequestSchema,
  fillNames,
  type ImageRequest,
  type ImageSettings,
  imageRequestSchema,
  type OptionalSetting,
  optionalSettings,
  type ReceiptRequest,
  receiptRequestSchema,
  type StoredRequest,
  storedRequestSchema,
  type UpscaleName,
  upscaleNames,
} from "./image-request.js";
export { drawSeed, getImageSettings, getRemainingSettings } from "./image-seeds.js";
export { enlargeByLanczos, halve } from "./lanczos.js";
export {
  type CompleteLoadOptions,
  completeLoadOptions,
  type LoadOptions,
  loadOptionsSchema,
  type PredictionName,
  predictionNames,
  type WeightedFile,
} from "./load-options.js";
export { type RandomName, randomNames } from "./noise.js";
export { type GenerateOptions, Pipeline, type PipelineParts } from "./pipeline.js";
export { fromBytes, type InputImage, type Pixels, toBytes } from "./pixels.js";
export type {
  Conditioning,
  DiffusionStage,
  GuidancePlan,
  ImageEncoder,
  InitPlan,
  Inpainting,
  Model,
  Plan,
  Stage,
  StageInput,
  StageResult,
  StageRun,
  StepPlan,
  TransformStage,
} from "./plan.js";
export type {
  AttentionMap,
  AttentionRecord,
  PredictionRecord,
  Probe,
  PromptTokens,
  PromptWord,
} from "./probe.js";
export {
  type Conditionings,
  getPartWeights,
  nameConditioning,
  type PromptPart,
  splitComposition,
} from "./prompt/composition.js";
export { type LoraTag, takeLoraTags } from "./prompt/lora-tags.js";
export {
  type ParameterOptions,
  type ParameterRequest,
  type ParsedPrompt,
  type PromptParameter,
  type PromptReading,
  parsePromptParameters,
  readPromptParameters,
} from "./prompt/parameters/index.js";
export { schedulePrompt } from "./prompt/prompt-editing.js";
export { type Expansion, expandWildcards, fillWildcards, type Lists } from "./prompt/wildcards.js";
export {
  type Environment,
  type LoadRecord,
  parseReceipt,
  type Receipt,
  receiptKey,
  sha256,
} from "./receipt.js";
export type { ImageSizes, RequestContext, RequestDefaults } from "./request-context.js";
export {
  type ForecastOptions,
  forecastRequest,
  getKind,
  learnSpeed,
  type MachineSpeed,
  type Measurement,
  type NetworkSpeed,
  type RequestForecast,
  RunMeter,
  unknownSpeed,
} from "./request-forecast.js";
export { listImages, mapImages } from "./request-images.js";
export { getLoadOptionsJsonSchema, getRequestJsonSchema } from "./request-json-schema.js";
export { type Extension, formatSize, type ImageReference, type ImageSize } from "./request-values.js";
export { getPixels, runPlan, type StageEvent } from "./run-plan.js";
export { decodeInTiles, encodeInTiles, type TileRunOptions } from "./run-tiles.js";
export type { Runtime } from "./runtime.js";
export {
  getBudget,
  type LazySession,
  ModelSessions,
  type Network,
  type NetworkKey,
  SessionPool,
  usualBudget,
} from "./session-pool.js";
export { findSmallerSize } from "./smaller-size.js";
export { defaultMemoryLimit, forecastMemory, getTiling, type LatentSize } from "./tile-forecast.js";
export {
  type TiledNetwork,
  traceKlDecoder,
  traceKlEncoder,
  traceTinyDecoder,
  traceTinyEncoder,
} from "./tiled-networks.js";
export type { Tiling } from "./tiles.js";
export type { TokenCount } from "./token-count.js";
export {
  type CompareOptions,
  type Comparison,
  compareWithReceipt,
  type GivenImages,
  restoreRequest,
} from "./verify.js";
export { countEvaluations, type NetworkWork, sumWork } from "./work.js";

// The part of the room that accesses files (node).

export { type LoraAdapter, makeLoraAdapter, type WeightedLora } from "./lora/adapt.js";
export {
  type BaseWeights,
  getBaseTitle,
  type LoraBase,
  readLoraBase,
  writeLoraBase,
} from "./lora/base.js";
export { getLoraNames, type LoraPart } from "./lora/names.js";
export type { Lora, LoraLayer } from "./lora/read.js";
export {
  type AtomicFile,
  type AtomicOptions,
  fileError,
  removeAbandoned,
  writeAtomically,
  writeFileAtomic,
} from "./node-atomic.js";
export { openAutoencoder } from "./node-autoencoder.js";
export { type OpenedClip, openClip } from "./node-clip.js";
export {
  autoencoderName,
  isSingleFile,
  type ModelComponent,
  readJson,
  textEncoderName,
} from "./node-component.js";
export { digestWeights } from "./node-digest.js";
export { isEmbedding, type LearnedVectors, type LearnedWord, openEmbedding } from "./node-embedding.js";
export {
  openSafetensors,
  readWeight,
  type SafetensorsFile,
  type TensorSource,
  type WeightLocation,
  writeSafetensors,
} from "./node-file.js";
export { expandHome, makeFolder } from "./node-folder.js";
export { type OpenedImageEncoder, openImageEncoder } from "./node-image-encoder.js";
export { type ImagePriorFiles, openImagePrior } from "./node-image-prior.js";
export { openInt8Of, openInt8Weights } from "./node-int8.js";
export { isIpAdapter, listEncoderPlaces, type OpenedIpAdapter, openIpAdapter } from "./node-ip-adapter.js";
export { type InspectedLora, inspectLora, isLora, openLora } from "./node-lora.js";
export { openPublishedFolder, type PublishedFolder, type PublishedPart } from "./node-published-folder.js";
export { isDiffusersFolder, openStableDiffusion, type StandIns } from "./node-stable-diffusion.js";
export type { StableDiffusionFiles } from "./node-stable-diffusion-files.js";
export { listNames, readTextFile } from "./node-text.js";
export {
  clearWeightCache,
  getCacheLimit,
  getWeightCache,
  listWeightCache,
  type PreparedWeights,
} from "./node-weight-cache.js";
export { openWeights, type Weights } from "./node-weights.js";

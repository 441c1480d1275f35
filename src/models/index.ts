export * from "./added-kv-unet.js";
export * from "./added-kv-unet-config.js";
export * from "./autoencoder.js";
export * from "./autoencoder-kl.js";
export * from "./autoencoder-kl-config.js";
export {
  type ClassEmbedding,
  type ClassEmbeddingSizes,
  getLabelInput,
} from "./class-embedding.js";
export * from "./classifier.js";
export * from "./clip-layer.js";
export * from "./clip-text.js";
export * from "./clip-text-config.js";
export * from "./clip-vision.js";
export * from "./clip-vision-config.js";
export * from "./conditional-unet.js";
export * from "./conditional-unet-config.js";
export * from "./denoiser.js";
export * from "./discriminator.js";
export * from "./dit.js";
export * from "./ip-adapter.js";
export * from "./layouts.js";
export * from "./minilm.js";
export * from "./movq.js";
export { isStatistics, recordedGroupNorm } from "./norm-statistics.js";
export * from "./placement.js";
export * from "./prior-transformer.js";
export { type ConfigRecord, readConfig } from "./published-config.js";
export * from "./super-resolution.js";
export * from "./t5-encoder.js";
export * from "./t5-encoder-config.js";
export * from "./tiny-autoencoder.js";
export * from "./unclip-text-projection.js";
export * from "./word-regions.js";

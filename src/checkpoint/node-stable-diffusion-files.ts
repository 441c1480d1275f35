// An opened Stable Diffusion model: its parts, inspected but not loaded.
import type { Json, ModelComponent } from "./node-component.js";
import type { ImageEmbeddingFiles } from "./node-image-embedding.js";

/**
 * A folder with vocab.json and merges.txt, or tokenizer.json; or CLIP's standard vocabulary with the token
 * that pads short texts.
 */
export type TokenizerPlace = { readonly folder: string } | { readonly padToken: string };

export interface StableDiffusionFiles {
  /** The model's name in receipts. */
  readonly name: string;
  readonly family: "sd1" | "sd2" | "sdxl";
  readonly unet: ModelComponent;
  readonly vae: ModelComponent;
  readonly textEncoder: ModelComponent;
  readonly textEncoder2?: ModelComponent;
  /** Stable unCLIP: what conditions the denoiser on an image's embedding. */
  readonly imageEmbedding?: ImageEmbeddingFiles;
  /** The content of scheduler_config.json. */
  readonly scheduler: Json;
  /** One per text encoder. */
  readonly tokenizers: readonly TokenizerPlace[];
  /** XL: an empty negative prompt is zeros, not the encoding of an empty text. */
  readonly zerosForEmptyPrompt: boolean;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
  /** Unrecognised tensors of a single file. */
  readonly unknown: readonly string[];
  /** Advice for the user of the model. */
  readonly hints: readonly string[];
}

/** A model that may lack its autoencoder. */
export type PartialFiles = Omit<StableDiffusionFiles, "vae"> & { readonly vae?: ModelComponent };

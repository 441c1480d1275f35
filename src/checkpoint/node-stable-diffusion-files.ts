// What an opened Stable Diffusion model is: its parts, looked at and not loaded.
import type { Json, ModelComponent } from "./node-component.js";

/** A folder with vocab.json and merges.txt, or tokenizer.json; or CLIP's own vocabulary, with what fills short texts. */
export type TokenizerPlace = { readonly folder: string } | { readonly padToken: string };

export interface StableDiffusionFiles {
  /** What receipts call it. */
  readonly name: string;
  readonly family: "sd1" | "sd2" | "sdxl";
  readonly unet: ModelComponent;
  readonly vae: ModelComponent;
  readonly textEncoder: ModelComponent;
  readonly textEncoder2?: ModelComponent;
  /** The content of scheduler_config.json. */
  readonly scheduler: Json;
  /** One for each text encoder. */
  readonly tokenizers: readonly TokenizerPlace[];
  /** XL: an empty negative prompt is zeros, not the encoding of an empty text. */
  readonly zerosForEmptyPrompt: boolean;
  /** All files that decide pixels, by what receipts call them. */
  readonly files: ReadonlyMap<string, string>;
  /** Tensors of a single file that nobody knows. */
  readonly unknown: readonly string[];
  /** What a person should know who draws with it. */
  readonly hints: readonly string[];
}

/** A model that may lack its autoencoder. */
export type PartialFiles = Omit<StableDiffusionFiles, "vae"> & { readonly vae?: ModelComponent };

// Which model draws, and where: settings of loading, as the table of request.ts holds those of a picture.
import { type DeviceName, deviceNames } from "../engine/index.js";
import { type Check, filledText, flag, listOf, oneOf, optional, wholeNumber } from "./check.js";
import type { Fields } from "./setting-field.js";

/** Kinds of prediction by the names of diffusers' configs. */
export const predictionSettings = ["epsilon", "v_prediction", "sample"] as const;
export type PredictionSetting = (typeof predictionSettings)[number];

/** In which form the denoiser's weights are held. */
export const precisions = ["float32", "int8"] as const;
export type PrecisionName = (typeof precisions)[number];

/** Which model draws, made of which files, and where. */
export interface MachineSettings {
  /** A model's folder, or a single file of Stable Diffusion. Default: the embedded model. */
  readonly model?: string;
  /** A folder or a single file with an autoencoder that stands in for the model's own, such as a tiny one. */
  readonly vae?: string;
  /** A small autoencoder that shows Stable Diffusion's pictures on their way, such as a tiny one; the last is the model's own. */
  readonly previewVae?: string;
  /** What Stable Diffusion's denoiser was trained to predict, where its files do not say or say it wrongly. */
  readonly prediction?: PredictionSetting;
  /** LoRA files that were trained for the model, each with its weight: "style.safetensors:0.8". */
  readonly lora?: readonly string[];
  /** Textual inversions for Stable Diffusion: files with the vectors of a word, which is then written in prompts. */
  readonly embedding?: readonly string[];
  /**
   * Stable Diffusion: "int8" holds the denoiser's matrices as int8 with a scale for each row, which takes a quarter of their
   * memory, changes pictures, and takes longer for each step. Left out, weights are what the files hold.
   */
  readonly precision?: PrecisionName;
  readonly device: DeviceName;
  /** Threads of the CPU device. */
  readonly threads?: number;
  /** Hold one stage's networks of Stable Diffusion at a time. On the CPU that is so by itself: there, loading is quick. */
  readonly lowMemory?: boolean;
  /** Hold all of them between pictures, which takes almost twice the memory and is quicker for several small pictures. */
  readonly keepLoaded?: boolean;
}

/** One text or several. */
const texts: Check<readonly string[]> = (value, where) =>
  typeof value === "string" ? [filledText(value, where)] : listOf(filledText)(value, where);

/** Where a picture is drawn. */
export const machineFields: Fields<MachineSettings, undefined> = {
  model: {
    check: (value, where) => (value === undefined ? undefined : filledText(value, where)),
    flag: "-m, --model <folder>",
    help: "a folder with a model.json; Stable Diffusion: a folder as diffusers lays it out, or a single .safetensors file",
    fallbackWords: "the embedded model",
  },
  vae: {
    check: optional(filledText),
    flag: "--vae <path>",
    help: "another autoencoder for Stable Diffusion: a folder, or a .safetensors file",
    fallbackWords: "the model's own",
  },
  previewVae: {
    check: optional(filledText),
    flag: "--preview-vae <path>",
    help: "a tiny autoencoder for Stable Diffusion's previews: a folder, or a .safetensors file",
    fallbackWords: "the model's own, which takes as long as a step",
  },
  prediction: {
    check: optional(oneOf(predictionSettings)),
    flag: "--prediction <name>",
    help: `what Stable Diffusion's denoiser predicts, one of ${predictionSettings.join(", ")}`,
    fallbackWords: "what its files say",
  },
  lora: {
    check: optional(texts),
    flag: "--lora <file:weight>",
    repeatable: true,
    help: "a LoRA that was trained for the model, with its weight; may be given several times",
    fallbackWords: "none",
  },
  embedding: {
    check: optional(texts),
    flag: "--embedding <file>",
    repeatable: true,
    help: "a textual inversion for Stable Diffusion; may be given several times",
    fallbackWords: "none",
  },
  precision: {
    check: optional(oneOf(precisions)),
    flag: "--precision <name>",
    help: "Stable Diffusion: int8 holds the denoiser's weights in a quarter of float32's memory, and changes pictures a little",
    fallbackWords: "float32",
  },
  device: {
    check: oneOf(deviceNames),
    fallback: () => "auto",
    flag: "-d, --device <name>",
    help: `one of ${deviceNames.join(", ")}`,
    fallbackWords: "auto",
  },
  threads: {
    check: (value, where) => (value === undefined ? undefined : wholeNumber(1, 1024)(value, where)),
    flag: "-t, --threads <number>",
    numeric: true,
    help: "threads of the CPU device",
    fallbackWords: "one for each core",
  },
  lowMemory: {
    check: optional(flag),
    flag: "--low-memory",
    help: "hold Stable Diffusion's networks in memory one after another; on the CPU that is so without asking",
  },
  keepLoaded: {
    check: optional(flag),
    flag: "--keep-loaded",
    help: "hold all of Stable Diffusion's networks in memory: quicker for several small pictures",
  },
};

// The options for loading a pipeline: which model, which files and which device. The library's types, the checks and the
// command-line options derive from this schema, as those of a request derive from image-request.ts.
import { deviceNames } from "../engine/index.js";
import { flag, nonEmptyText, numberBetween, oneOf, parse, wholeNumber, z } from "../schema/index.js";

/** Prediction types, named as in diffusers' configs. */
export const predictionNames = ["epsilon", "v_prediction", "sample"] as const;
export type PredictionName = (typeof predictionNames)[number];

/** Storage formats of the denoiser's weights. */
export const precisions = ["float32", "int8"] as const;

/** The largest absolute LoRA weight. */
const mostWeight = 10;

const weightedFile = z.strictObject({
  file: nonEmptyText.meta({ description: "a LoRA file, or the folder it was saved in" }),
  weight: numberBetween(-mostWeight, mostWeight).default(1).meta({ description: "weight of the LoRA" }),
});

/** A LoRA and its weight. */
export type WeightedFile = Readonly<z.output<typeof weightedFile>>;

/** "style.safetensors:0.8" → the file and its weight, 1 by default. */
function readWeightedFile(text: string): WeightedFile {
  const [, file, number] = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text) ?? [];
  return { file: file ?? text, weight: number === undefined ? 1 : Number(number) };
}

const loraSchema = z
  .union([nonEmptyText.refine((text) => Math.abs(readWeightedFile(text).weight) <= mostWeight), weightedFile])
  .transform((value) => (typeof value === "string" ? readWeightedFile(value) : value))
  .meta({
    expected: `a file with a weight from ${-mostWeight} to ${mostWeight}, such as "style.safetensors:0.8"`,
  });

/** One value or a list. */
const oneOrMore = <S extends z.ZodType>(item: S) =>
  z
    .union([z.array(item).readonly(), item])
    .transform((value): readonly z.output<S>[] =>
      Array.isArray(value) ? (value as z.output<S>[]) : [value as z.output<S>],
    );

export const loadOptionsSchema = z.strictObject({
  model: nonEmptyText.optional().meta({
    description:
      "model: a folder with a model.json; for Stable Diffusion, a diffusers folder, a single .safetensors file, or org/name in the hub's cache",
    flag: "-m, --model <path>",
    defaultText: "the embedded model",
  }),
  vae: nonEmptyText.optional().meta({
    description: "autoencoder for Stable Diffusion: a folder or a .safetensors file",
    flag: "--vae <path>",
    defaultText: "the model's own",
  }),
  base: nonEmptyText.optional().meta({
    description:
      "complete Stable Diffusion model that supplies the text encoders or autoencoder missing from --model",
    flag: "--base <path>",
    defaultText: "none",
  }),
  prior: nonEmptyText.optional().meta({
    description:
      "folder of the prior, or org/name in the hub's cache, for Kandinsky 2.2's decoder, or Karlo's for Stable unCLIP",
    flag: "--prior <path>",
    defaultText: "found by the decoder's name",
  }),
  previewVae: nonEmptyText.optional().meta({
    description: "tiny autoencoder for Stable Diffusion previews: a folder or a .safetensors file",
    flag: "--preview-vae <path>",
    defaultText: "the model's own, which is as slow as a step",
  }),
  prediction: oneOf(predictionNames)
    .optional()
    .meta({
      description: `prediction type of Stable Diffusion's denoiser: ${predictionNames.join(", ")}`,
      flag: "--prediction <name>",
      defaultText: "read from its files",
    }),
  lora: oneOrMore(loraSchema).optional().meta({
    description: "LoRA and its weight; may be repeated",
    flag: "--lora <file:weight>",
    defaultText: "none",
  }),
  allowPartialLora: flag.optional().meta({
    description:
      "apply LoRAs in part if some of their parts are unknown or not in the model, instead of refusing them",
    flag: "--lora-partial",
  }),
  embedding: oneOrMore(nonEmptyText).optional().meta({
    description: "textual inversion for Stable Diffusion; may be repeated",
    flag: "--embedding <file>",
    defaultText: "none",
  }),
  superResolution: oneOrMore(nonEmptyText).optional().meta({
    description:
      "model of the next stage of a cascade, such as DeepFloyd IF's stage 2: a folder, or org/name in the hub's cache; may be repeated",
    flag: "--super-resolution <path>",
    defaultText: "none",
  }),
  ipAdapter: nonEmptyText.optional().meta({
    description:
      "IP-Adapter for Stable Diffusion, which makes it take image prompts: a .safetensors file, or org/name/file in the hub's cache",
    flag: "--ip-adapter <file>",
    defaultText: "none",
  }),
  imageEncoder: nonEmptyText.optional().meta({
    description:
      "image encoder that the IP-Adapter was trained with, or CLIP ViT-L/14 for image prompts with Karlo: a folder or a .safetensors file",
    flag: "--image-encoder <path>",
    defaultText: "image_encoder near the IP-Adapter, or in the model",
  }),
  clip: nonEmptyText.optional().meta({
    description:
      "CLIP whose texts are blended with image prompts by Stable unCLIP: a folder of the CLIPModel that its image encoder is from",
    flag: "--clip <path>",
    defaultText: "none",
  }),
  precision: oneOf(precisions).optional().meta({
    description:
      "precision of a published model's denoiser, and of T5: float32, or int8 for a quarter of the memory and slightly different images",
    flag: "--precision <name>",
    defaultText: "float32",
  }),
  device: oneOf(deviceNames)
    .default("auto")
    .meta({ description: `device: ${deviceNames.join(", ")}`, flag: "-d, --device <name>" }),
  threads: wholeNumber(1, 1024).optional().meta({
    description: "number of threads on the CPU",
    flag: "-t, --threads <number>",
    defaultText: "one per core",
  }),
  lowMemory: flag.optional().meta({
    description: "keep one stage of Stable Diffusion in memory at a time; the default on the CPU",
    flag: "--low-memory",
  }),
  keepLoaded: flag.optional().meta({
    description: "keep all of Stable Diffusion's networks in memory: faster for several small images",
    flag: "--keep-loaded",
  }),
});

/** Options that every family supports; a family rejects any other option that it does not list. */
export const commonLoadOptions = ["model", "device", "threads", "lowMemory", "keepLoaded"] as const;

/** A load option that only some families support. */
export type FamilyLoadOption = Exclude<
  keyof z.output<typeof loadOptionsSchema>,
  (typeof commonLoadOptions)[number]
>;

/** The names of all load options that only some families support. */
export const familyLoadOptions = Object.keys(loadOptionsSchema.shape).filter(
  (name): name is FamilyLoadOption => !(commonLoadOptions as readonly string[]).includes(name),
);

/** Options for loading a pipeline; all are optional. */
export type LoadOptions = Readonly<z.input<typeof loadOptionsSchema>>;
/** Load options, validated and with defaults. */
export type CompleteLoadOptions = Readonly<z.output<typeof loadOptionsSchema>>;

/** Validates load options and fills in defaults. @throws NishikiError "usage" */
export function completeLoadOptions(options: LoadOptions): CompleteLoadOptions {
  return parse(loadOptionsSchema, options, { name: "the load options", noun: "option" });
}

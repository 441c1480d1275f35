// Which model draws, made of which files, and where: what loading a pipeline takes. The library's types, the checks and the
// command line's options come from this declaration, as those of a request from image-request.ts.
import { deviceNames } from "../engine/index.js";
import { flag, nonEmptyText, numberBetween, oneOf, parse, wholeNumber, z } from "../schema/index.js";

/** Kinds of prediction by the names of diffusers' configs. */
export const predictionNames = ["epsilon", "v_prediction", "sample"] as const;
export type PredictionName = (typeof predictionNames)[number];

/** How the denoiser's weights are held. */
export const precisions = ["float32", "int8"] as const;

/** The largest weight of a LoRA, on either side of 0. */
const mostWeight = 10;

const weightedFile = z.strictObject({
  file: nonEmptyText.meta({ description: "a LoRA file, or the folder it was saved in" }),
  weight: numberBetween(-mostWeight, mostWeight).default(1).meta({ description: "weight of the LoRA" }),
});

/** A LoRA and its weight. */
export type WeightedFile = Readonly<z.output<typeof weightedFile>>;

/** "style.safetensors:0.8" → the file and its weight; without a number 1. */
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

/** One value, or a list. */
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
  precision: oneOf(precisions).optional().meta({
    description:
      "precision of Stable Diffusion's denoiser: float32, or int8 for a quarter of the memory and slightly different images",
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

/** Options that every family takes; the others are refused by a family that does not name them. */
export const commonLoadOptions = ["model", "device", "threads", "lowMemory", "keepLoaded"] as const;

/** Load options of some families only. */
export type FamilyLoadOption = Exclude<
  keyof z.output<typeof loadOptionsSchema>,
  (typeof commonLoadOptions)[number]
>;

/** Their names. */
export const familyLoadOptions = Object.keys(loadOptionsSchema.shape).filter(
  (name): name is FamilyLoadOption => !(commonLoadOptions as readonly string[]).includes(name),
);

/** What loading a pipeline takes; all of it may be left out. */
export type LoadOptions = Readonly<z.input<typeof loadOptionsSchema>>;
/** The same, checked and with defaults. */
export type CompleteLoadOptions = Readonly<z.output<typeof loadOptionsSchema>>;

/** Checks where to draw and with what. @throws NishikiError "usage" */
export function completeLoadOptions(options: LoadOptions): CompleteLoadOptions {
  return parse(loadOptionsSchema, options, { name: "the load options", noun: "option" });
}

// What may be asked of a pipeline: the one declaration from which the library's types, the checks, the command line's options
// and help, JSON Schema and receipts come. A setting is added here, as one row (ARCHITECTURE.md, "Add a setting").
import { samplers, stepSchedules } from "../diffusion/index.js";
import { flag, getShape, nonEmptyText, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import { randomNames } from "./noise.js";
import {
  extensionSchema,
  imageFileSchema,
  imageReferenceSchema,
  inputImageSchema,
  intervalSchema,
  samplerSchema,
  scheduleSchema,
  seedSchema,
  shareSchema,
  sizeSchema,
} from "./request-values.js";

/** How an image reaches a size above the model's own: a second diffusion model, or a plain filter. */
export const upscaleNames = ["super-resolution", "lanczos"] as const;
export type UpscaleName = (typeof upscaleNames)[number];

/** Names that settings had before 0.2. */
const renamed = {
  negative: "negativePrompt",
  image: "init.image",
  strength: "init.strength",
  mask: "inpaint.mask",
  extend: "inpaint.extend",
  variationSeed: "variation.seed",
  variationStrength: "variation.strength",
  reuse: "deepCache.interval",
  tile: "seamless",
};

/** The request, with images as `image` declares them: pixels, files, or references. */
const declareRequest = <I extends z.ZodType>(image: I) =>
  z
    .strictObject({
      prompt: nonEmptyText.meta({ description: "what the image shows" }),
      negativePrompt: z
        .string()
        .default("")
        .meta({
          description: "what the image does not show",
          flag: "-n, --negative-prompt <text>",
          aliases: ["--negative"],
          defaultText: "nothing in particular",
        }),
      seed: seedSchema.optional().meta({
        description: "seed of the first image; image i has seed + i",
        flag: "-s, --seed <number>",
        defaultText: "drawn at random, and printed",
      }),
      count: wholeNumber(1, 10_000).default(1).meta({
        description: "how many images",
        flag: "-c, --count <number>",
      }),
      steps: wholeNumber(1, 1000).optional().meta({
        description: "steps of the sampler; more take longer",
        flag: "--steps <number>",
        defaultText: "the model's",
      }),
      guidance: numberBetween(0, 100).optional().meta({
        description: "how closely to follow the prompt; 1 is the plain model, 0 ignores the prompt",
        flag: "-g, --guidance <number>",
        defaultText: "the model's",
      }),
      guidanceRescale: shareSchema.default(0).meta({
        description: "0 to 1: how far to keep guidance from raising the contrast",
        flag: "--guidance-rescale <number>",
      }),
      guidanceInterval: intervalSchema.default([0, 1]).meta({
        description: "the part of the steps that is guided, such as 0,0.5 for the first half",
        flag: "--guidance-interval <from,to>",
        defaultText: "0,1",
      }),
      sampler: samplerSchema.optional().meta({
        description: `one of ${Object.keys(samplers).join(", ")}; names of other programs work too, such as "DPM++ 2M Karras"`,
        flag: "--sampler <name>",
        defaultText: "the model's",
      }),
      schedule: scheduleSchema.optional().meta({
        description: `how the steps are spaced, one of ${Object.keys(stepSchedules).join(", ")}`,
        flag: "--schedule <name>",
        defaultText: "the model's",
      }),
      size: sizeSchema.optional().meta({
        description: "size in pixels; some models draw one size only",
        flag: "--size <width>x<height>",
        defaultText: "that of --image, or the model's",
      }),
      rng: oneOf(randomNames)
        .optional()
        .meta({
          description: `whose random numbers seeds stand for, one of ${randomNames.join(", ")}`,
          flag: "--rng <name>",
          defaultText: "the model's",
        }),
      init: z
        .strictObject({
          image: image.meta({
            description: "start from this image in place of noise alone",
            flag: "-i, --image <file>",
          }),
          strength: shareSchema.optional().meta({
            description: "0 to 1: how far to change --image",
            flag: "--strength <number>",
            defaultText: "0.8; 1 with a mask",
          }),
        })
        .optional()
        .meta({ description: "start from an image" }),
      inpaint: z
        .strictObject({
          mask: image.optional().meta({
            description: "a picture as large as --image: white where it is redrawn, black where it stays",
            flag: "--mask <file>",
          }),
          extend: extensionSchema.optional().meta({
            description: "grow --image by pixels that are drawn, such as left=128,top=64",
            flag: "--extend <sides>",
          }),
          pasteBack: flag.optional().meta({
            description:
              "paste what stays back over the result, with a soft edge within the mask; without, masks and pixels are as diffusers makes them",
            flag: "--no-paste-back",
          }),
        })
        .optional()
        .meta({ description: "redraw a part of init.image, or grow it" }),
      variation: z
        .strictObject({
          strength: shareSchema.meta({
            description: "0 to 1: how far each image differs from the one that the seed alone gives",
            flag: "--variation-strength <number>",
          }),
          seed: seedSchema.optional().meta({
            description: "seed of what makes the images differ; image i has this seed + i",
            flag: "--variation-seed <number>",
            defaultText: "drawn at random",
          }),
        })
        .optional()
        .meta({ description: "variations of one image: all have the same seed" }),
      clipSkip: wholeNumber(0, 11).optional().meta({
        description: "how many of the text encoder's last layers to leave out",
        flag: "--clip-skip <layers>",
        defaultText: "0",
      }),
      seamless: flag.optional().meta({
        description: "make the image tile: its opposite sides fit together",
        flag: "--seamless",
        aliases: ["--tile"],
      }),
      deepCache: z
        .strictObject({
          interval: wholeNumber(2, 10).meta({
            description:
              "compute the denoiser's deep layers at every Nth evaluation only: faster, less exact",
            flag: "--deep-cache <N>",
            aliases: ["--reuse <N>"],
            defaultText: "at every evaluation",
          }),
        })
        .optional()
        .meta({ description: "reuse the denoiser's deep features (DeepCache)" }),
      upscale: oneOf(upscaleNames)
        .optional()
        .meta({
          description: `how to reach a --size above the model's own, one of ${upscaleNames.join(", ")}`,
          flag: "--upscale <way>",
          defaultText: "super-resolution, where the model has it",
        }),
      upscaleSampler: samplerSchema.optional().meta({
        description: "the sampler of super-resolution, one of those of --sampler",
        flag: "--upscale-sampler <name>",
        defaultText: "euler",
      }),
      fast: flag.optional().meta({
        description: "draw in few steps without guidance, with a network distilled for that; less exact",
        flag: "--fast",
      }),
    })
    .meta({ renamed });

/** A request: all that decides what images look like, apart from the model. */
export const imageRequestSchema = declareRequest(inputImageSchema);
/** A request whose images are paths of files. */
export const fileRequestSchema = declareRequest(imageFileSchema);
/** A request as receipts hold it. */
export const receiptRequestSchema = declareRequest(imageReferenceSchema);

/** A request as a caller gives it: all but the prompt has a default. */
export type ImageRequest = Readonly<z.input<typeof imageRequestSchema>>;
/** A request whose images are paths of files. */
export type FileRequest = Readonly<z.input<typeof fileRequestSchema>>;

/** Settings that every model takes; the others only some. */
export const commonSettings = [
  "prompt",
  "negativePrompt",
  "seed",
  "count",
  "steps",
  "guidance",
  "guidanceRescale",
  "guidanceInterval",
  "sampler",
  "size",
] as const;
type CommonSetting = (typeof commonSettings)[number];

type Checked<S extends z.ZodType> = z.output<S>;
type Completed<T extends Checked<typeof imageRequestSchema | typeof receiptRequestSchema>> = Readonly<
  Required<Pick<T, CommonSetting>> &
    Omit<T, CommonSetting | "init" | "variation"> & {
      readonly init?: Readonly<Required<NonNullable<T["init"]>>>;
      readonly variation?: Readonly<Required<NonNullable<T["variation"]>>>;
    }
>;

/** A request with everything filled in: settings that are left out are not used. */
export type ImageSettings = Completed<Checked<typeof imageRequestSchema>>;
/** The settings of one finished image, as its receipt holds them. */
export type ReceiptRequest = Completed<Checked<typeof receiptRequestSchema>>;

/** A setting, or a group of them, that only some models take. */
export type OptionalSetting = Exclude<keyof ImageSettings, CommonSetting>;

/** All settings that only some models take. */
export const optionalSettings = Object.keys(getShape(imageRequestSchema)!).filter(
  (name): name is OptionalSetting => !(commonSettings as readonly string[]).includes(name),
);

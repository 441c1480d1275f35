// What may be asked of a pipeline: the one declaration from which the library's types, the checks, the command line's options
// and help, JSON Schema and receipts come. A setting is added here, as one row (ARCHITECTURE.md, "Add a setting").
import { samplers, stepSchedules } from "../diffusion/index.js";
import { flag, getShape, nonEmptyText, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import { cadsSchema } from "./cads-schema.js";
import { stagesSchema, superResolutionSchema, timestepsSchema } from "./cascade-schema.js";
import { hiresMethods } from "./enlarge-latents.js";
import { declareImagePrompt, declareReference } from "./image-prompt-schema.js";
import { randomNames } from "./noise.js";
import { priorSchema } from "./prior-schema.js";
import {
  checkPrompt,
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
  storedImageSchema,
} from "./request-values.js";

/** How an image reaches a size above the model's own: a second diffusion model, or a plain filter. */
export const upscaleNames = ["super-resolution", "lanczos"] as const;
export type UpscaleName = (typeof upscaleNames)[number];

/** What is inside a mask before it is drawn: the image, the colours around it, or latents of noise or of zeros. */
export const fillNames = ["original", "surroundings", "noise", "nothing"] as const;
export type FillName = (typeof fillNames)[number];

/** Former names of settings, before 0.2. */
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
      // Empty only where an image prompt stands in its place, which completeRequest checks.
      prompt: z
        .string()
        .superRefine(checkPrompt)
        .meta({ description: "what the image should show", expected: "text that is not empty" }),
      negativePrompt: z
        .string()
        .superRefine(checkPrompt)
        .default("")
        .meta({
          description: "what the image should not show",
          flag: "-n, --negative-prompt <text>",
          aliases: ["--negative"],
          defaultText: "none",
        }),
      seed: seedSchema.optional().meta({
        description: "seed of the first image; each further image adds 1",
        flag: "-s, --seed <number>",
        defaultText: "random, and printed",
      }),
      count: wholeNumber(1, 10_000).default(1).meta({
        description: "number of images",
        flag: "-c, --count <number>",
      }),
      steps: wholeNumber(1, 1000).optional().meta({
        description: "number of sampling steps",
        flag: "--steps <number>",
        defaultText: "the model's",
      }),
      guidance: numberBetween(0, 100).optional().meta({
        description: "classifier-free guidance scale; 1 turns guidance off",
        flag: "-g, --guidance <number>",
        defaultText: "the model's",
      }),
      guidanceRescale: shareSchema.default(0).meta({
        description: "how much of the contrast added by guidance to remove, 0 to 1",
        flag: "--guidance-rescale <number>",
      }),
      guidanceInterval: intervalSchema.default([0, 1]).meta({
        description: "part of the steps with guidance, such as 0,0.5 for the first half",
        flag: "--guidance-interval <from,to>",
        defaultText: "0,1",
      }),
      stopAt: numberBetween(0.01, 1).optional().meta({
        description:
          "share of the steps after which to stop and decode what the model predicts by then, such as 0.5",
        flag: "--stop-at <share>",
        defaultText: "1, all steps",
      }),
      sampler: samplerSchema.optional().meta({
        description: `sampler: ${Object.keys(samplers).join(", ")}; other programs' names, such as "DPM++ 2M Karras", work too`,
        flag: "--sampler <name>",
        defaultText: "the model's",
      }),
      schedule: scheduleSchema.optional().meta({
        description: `spacing of the steps: ${Object.keys(stepSchedules).join(", ")}`,
        flag: "--schedule <name>",
        defaultText: "the model's",
      }),
      timesteps: timestepsSchema,
      eta: shareSchema.optional().meta({
        description:
          "share of the noise that the sampler renews in each step, 0 to 1; not every sampler has one",
        flag: "--eta <number>",
        defaultText: "the sampler's",
      }),
      size: sizeSchema.optional().meta({
        description: "size in pixels; some models limit it",
        flag: "--size <width>x<height>",
        defaultText: "the size of --image, or the model's",
      }),
      rng: oneOf(randomNames)
        .optional()
        .meta({
          description: `random number generator: ${randomNames.join(", ")}`,
          flag: "--rng <name>",
          defaultText: "the model's",
        }),
      init: z
        .strictObject({
          image: image.meta({
            description: "image to start from (image to image)",
            flag: "-i, --image <file>",
          }),
          strength: shareSchema.optional().meta({
            description: "how much to change --image, 0 to 1",
            flag: "--strength <number>",
            defaultText: "0.8, or 1 with a mask",
          }),
        })
        .optional()
        .meta({ description: "init image" }),
      inpaint: z
        .strictObject({
          mask: image.optional().meta({
            description: "mask of the same size as --image: white is redrawn, black is kept",
            flag: "--mask <file>",
          }),
          extend: extensionSchema.optional().meta({
            description: "pixels to add on each side of --image (outpainting), such as left=128,top=64",
            flag: "--extend <sides>",
          }),
          pasteBack: flag.optional().meta({
            description:
              "paste the pixels outside the mask back over the result, with a soft edge inside the mask",
            flag: "--no-paste-back",
          }),
          feather: wholeNumber(0, 250).optional().meta({
            description: "width in pixels of the soft edge inside the mask, when pasting back",
            flag: "--feather <pixels>",
            defaultText: "a hundredth of the shorter side",
          }),
          fill: oneOf(fillNames)
            .optional()
            .meta({
              description: `what the masked area begins with: ${fillNames.join(", ")}; matters below --strength 1`,
              flag: "--fill <way>",
              defaultText: "original",
            }),
          onlyMasked: wholeNumber(0, 4096).optional().meta({
            description:
              "draw only the masked area and this many pixels around it, at --size, and put it back into --image, which may have any size",
            flag: "--only-masked <pixels>",
            defaultText: "all of --image",
          }),
        })
        .optional()
        .meta({ description: "inpainting and outpainting of the init image" }),
      variation: z
        .strictObject({
          strength: shareSchema.meta({
            description: "how much each image differs from the image of --seed alone, 0 to 1",
            flag: "--variation-strength <number>",
          }),
          seed: seedSchema.optional().meta({
            description: "seed of the first variation; each further image adds 1",
            flag: "--variation-seed <number>",
            defaultText: "random",
          }),
        })
        .optional()
        .meta({ description: "variations of the image of one seed" }),
      imagePrompt: declareImagePrompt(image),
      styleReference: declareReference(image, "style"),
      layoutReference: declareReference(image, "layout"),
      promptSpread: shareSchema.optional().meta({
        description:
          "how far each image strays at random from what the prompt says, 0 to 1: the same for every step of an image",
        flag: "--prompt-spread <number>",
        defaultText: "0",
      }),
      cads: cadsSchema,
      hires: z
        .strictObject({
          from: sizeSchema.meta({
            description: "size of the first of two passes; the second enlarges its image to --size",
            flag: "--hires-from <width>x<height>",
          }),
          strength: shareSchema.optional().meta({
            description: "how much the second pass changes the enlarged image, 0 to 1",
            flag: "--hires-strength <number>",
            defaultText: "0.7",
          }),
          steps: wholeNumber(1, 1000).optional().meta({
            description: "number of steps of the second pass",
            flag: "--hires-steps <number>",
            defaultText: "that of --steps",
          }),
          method: oneOf(hiresMethods)
            .optional()
            .meta({
              description: `how the first pass is enlarged: ${hiresMethods.join(", ")}`,
              flag: "--hires-method <name>",
              defaultText: "latent",
            }),
          sampler: samplerSchema.optional().meta({
            description: "sampler of the second pass",
            flag: "--hires-sampler <name>",
            defaultText: "that of --sampler",
          }),
          schedule: scheduleSchema.optional().meta({
            description: "spacing of the steps of the second pass",
            flag: "--hires-schedule <name>",
            defaultText: "that of --schedule",
          }),
          prompt: nonEmptyText.superRefine(checkPrompt).optional().meta({
            description: "prompt of the second pass",
            flag: "--hires-prompt <text>",
            defaultText: "the prompt",
          }),
          negativePrompt: z.string().superRefine(checkPrompt).optional().meta({
            description: "negative prompt of the second pass",
            flag: "--hires-negative-prompt <text>",
            defaultText: "that of --negative-prompt",
          }),
        })
        .optional()
        .meta({ description: "two passes: a small image first, then its details at full size" }),
      clipSkip: wholeNumber(0, 11).optional().meta({
        description: "number of last layers of the text encoder to skip",
        flag: "--clip-skip <layers>",
        defaultText: "0",
      }),
      seamless: flag.optional().meta({
        description: "make the image tileable",
        flag: "--seamless",
        aliases: ["--tile"],
      }),
      deepCache: z
        .strictObject({
          interval: wholeNumber(2, 10).meta({
            description:
              "interval, in evaluations, at which to compute the denoiser's deep layers (DeepCache): faster, less exact",
            flag: "--deep-cache <N>",
            aliases: ["--reuse <N>"],
            defaultText: "every evaluation",
          }),
        })
        .optional()
        .meta({ description: "reuse of the denoiser's deep features (DeepCache)" }),
      prior: priorSchema,
      stages: stagesSchema,
      superResolution: superResolutionSchema,
      upscale: oneOf(upscaleNames)
        .optional()
        .meta({
          description: `method for sizes above the model's own: ${upscaleNames.join(", ")}`,
          flag: "--upscale <way>",
          defaultText: "super-resolution, if the model has it",
        }),
      upscaleSampler: samplerSchema.optional().meta({
        description: "sampler for super-resolution; takes the same names as --sampler",
        flag: "--upscale-sampler <name>",
        defaultText: "euler",
      }),
      fast: flag.optional().meta({
        description: "draw in few steps: several times faster, less detail",
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

/** A request whose images are named by their SHA-256: images that a server holds. */
export const storedRequestSchema = declareRequest(storedImageSchema);

/** A request as a caller gives it: all but the prompt has a default. */
export type ImageRequest = Readonly<z.input<typeof imageRequestSchema>>;
/** A request whose images are paths of files. */
export type FileRequest = Readonly<z.input<typeof fileRequestSchema>>;
/** A request whose images are named by their SHA-256. */
export type StoredRequest = Readonly<z.input<typeof storedRequestSchema>>;

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
/** The second pass takes what is left out from the first. */
type CompleteHires<T extends { strength?: unknown; steps?: unknown; method?: unknown }> = Readonly<
  T & Required<Pick<T, "strength" | "steps" | "method">>
>;
type Completed<T extends Checked<typeof imageRequestSchema | typeof receiptRequestSchema>> = Readonly<
  Required<Pick<T, CommonSetting>> &
    Omit<T, CommonSetting | "init" | "variation" | "hires" | "cads"> & {
      readonly init?: Readonly<Required<NonNullable<T["init"]>>>;
      readonly variation?: Readonly<Required<NonNullable<T["variation"]>>>;
      readonly hires?: CompleteHires<NonNullable<T["hires"]>>;
      readonly cads?: Readonly<Required<NonNullable<T["cads"]>>>;
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

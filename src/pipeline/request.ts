// What may be asked of a pipeline: one table from which the library, the command line, the HTTP interface and the
// receipts take names, checks, defaults and help. A default stands here or in the model's manifest, nowhere else.
import { samplers, stepSchedules } from "../diffusion/index.js";
import { filledText, flag, numberWithin, oneOf, optional, text, wholeNumber } from "./check.js";
import { type RandomName, randomNames } from "./noise.js";
import type { InputPicture } from "./pixels.js";
import {
  type Extension,
  extension,
  inputPicture,
  interval,
  samplerName,
  scheduleName,
  scheduleOfSampler,
  sizeText,
} from "./setting-checks.js";
import type { Fields } from "./setting-field.js";

/** Everything that decides what a picture looks like, apart from the model. */
export interface PictureSettings {
  /** What the picture shall show. */
  readonly prompt: string;
  /** What it shall not show; "" for nothing in particular. */
  readonly negative: string;
  /** Seed of the first picture, a whole number from 0; picture i has seed + i. */
  readonly seed: number;
  /** How many pictures. */
  readonly count: number;
  /** Steps of the sampler. */
  readonly steps: number;
  /** Guidance scale: 1 is the plain model, 0 the model without the prompt, more is closer to the prompt. */
  readonly guidance: number;
  /** From 0 to 1: how far guidance is kept from raising the contrast. */
  readonly guidanceRescale: number;
  /** The part of the steps in which guidance acts: [0, 1] is all of them, [0, 0.5] the first, noisier half. */
  readonly guidanceInterval: readonly [from: number, to: number];
  /** Name of a sampler; one that says a step schedule too, such as "DPM++ 2M Karras", sets that where it is left out. */
  readonly sampler: string;
  /** Width and height in pixels, as "256x256". */
  readonly size: string;
  /** Where on its way down the noise the sampler stops: the name of a step schedule. */
  readonly schedule?: string;
  /** Whose random numbers seeds stand for. Left out: Nishiki's own. */
  readonly rng?: RandomName;
  /** The picture to begin from, in place of noise alone. */
  readonly image?: InputPicture;
  /** White where the picture shall be drawn anew, black where it stays; as large as the picture. */
  readonly mask?: InputPicture;
  /** Pixels by which the picture grows at its sides; they are drawn anew. */
  readonly extend?: Extension;
  /** From 0 to 1: how much of the noise is put upon the picture, and so how little of it stays. */
  readonly strength?: number;
  /** Seed of a second noise that is mixed in; picture i has variationSeed + i, and all have the same seed. */
  readonly variationSeed?: number;
  /** From 0 to 1: how much of the second noise. */
  readonly variationStrength?: number;
  /** How many of the text encoder's last layers are left out. */
  readonly clipSkip?: number;
  /** Whether the picture's sides fit to each other. */
  readonly tile?: boolean;
  /** Of so many evaluations of the denoiser one computes all; the others take its deep features. Left out: all do. */
  readonly reuse?: number;
  /** How a picture comes to a size that is larger than what the model draws by itself. */
  readonly upscale?: UpscaleName;
  /** Whether a network draws that needs only a few steps and no guidance. */
  readonly fast?: boolean;
}

/** A second diffusion model, or a plain filter. */
export const upscaleNames = ["super-resolution", "lanczos"] as const;
export type UpscaleName = (typeof upscaleNames)[number];

/** Settings that only some models or requests have; not given is a choice of its own. */
export const optionalSettings = [
  "schedule",
  "rng",
  "image",
  "mask",
  "extend",
  "strength",
  "variationSeed",
  "variationStrength",
  "clipSkip",
  "tile",
  "reuse",
  "upscale",
  "fast",
] as const satisfies readonly (keyof PictureSettings)[];

export type OptionalSetting = (typeof optionalSettings)[number];

/** A request as a caller gives it: all but the prompt has a default. */
export type PictureRequest = Pick<PictureSettings, "prompt"> & Partial<PictureSettings>;

/** What suits a model where a request leaves it open. */
export interface RequestDefaults {
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  readonly schedule?: string;
  readonly rng?: RandomName;
}

/** What may be asked of a model, and what it does where it is not asked. */
export interface RequestContext {
  readonly defaults: RequestDefaults;
  /** What it does where few steps are asked for. */
  readonly fast?: RequestDefaults;
  readonly sizes: PictureSizes;
  /** The optional settings that this model takes. */
  readonly takes: readonly OptionalSetting[];
  /** The model's own limits, and what goes together in it. @throws NishikiError "usage" */
  readonly check?: (settings: PictureSettings) => void;
}

/** The sizes that a model draws. */
export interface PictureSizes {
  /** In pixels; the only one where no others are said to be possible. */
  readonly usual: readonly [width: number, height: number];
  /** Other sizes: both sides a multiple of `step`, from `least` to `most`. */
  readonly range?: { readonly step: number; readonly least: number; readonly most: number };
  /** What {@link usual} can be enlarged by, as whole factors, and how. */
  readonly enlarging?: { readonly factors: readonly number[]; readonly ways: readonly UpscaleName[] };
}

/** By what a size is larger than the usual one, if that can be. */
export function enlargingFactor(
  { usual: [width, height], enlarging }: PictureSizes,
  size: unknown,
): number | undefined {
  return enlarging?.factors.find((factor) => `${width * factor}x${height * factor}` === size);
}

const noExtension: Extension = { left: 0, right: 0, top: 0, bottom: 0 };

/** What suits the model, and what is asked of it. */
const suiting = ({ defaults, fast }: RequestContext, given: { readonly fast?: unknown }) =>
  given.fast === true && fast ? fast : defaults;

/** Seeds and seed + count stay whole numbers that JavaScript holds exactly. */
export const SEED_LIMIT = 2 ** 53 - 1;
const COUNT_LIMIT = 10_000;

/** Seeds that are drawn for the caller are short enough to be typed again. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Every setting of a picture. */
export const pictureFields: Fields<PictureSettings, RequestContext> = {
  prompt: { check: filledText, help: "what the picture shall show" },
  negative: {
    check: text,
    fallback: () => "",
    flag: "-n, --negative <text>",
    help: "what the picture shall not show",
    fallbackWords: "nothing in particular",
  },
  seed: {
    check: wholeNumber(0, SEED_LIMIT),
    fallback: drawSeed,
    flag: "-s, --seed <number>",
    numeric: true,
    help: "seed of the first picture; picture i has seed + i",
    fallbackWords: "drawn at random, and printed",
  },
  count: {
    check: wholeNumber(1, COUNT_LIMIT),
    fallback: () => 1,
    flag: "-c, --count <number>",
    numeric: true,
    help: "how many pictures",
    fallbackWords: "1",
  },
  steps: {
    check: wholeNumber(1, 1000),
    fallback: (context, given) => suiting(context, given).steps,
    flag: "--steps <number>",
    numeric: true,
    help: "steps of the sampler; more take longer",
    fallbackWords: "the model's",
  },
  guidance: {
    check: numberWithin(0, 100),
    fallback: (context, given) => suiting(context, given).guidance,
    flag: "-g, --guidance <number>",
    numeric: true,
    help: "how closely to follow the prompt; 1 is the plain model, 0 ignores the prompt",
    fallbackWords: "the model's",
  },
  guidanceRescale: {
    check: numberWithin(0, 1),
    fallback: () => 0,
    flag: "--guidance-rescale <number>",
    numeric: true,
    help: "0 to 1: how far to keep guidance from raising the contrast",
    fallbackWords: "0",
  },
  guidanceInterval: {
    check: interval,
    fallback: () => [0, 1] as const,
    flag: "--guidance-interval <from,to>",
    help: "part of the steps that are guided, such as 0,0.5 for the first half",
    fallbackWords: "0,1",
  },
  sampler: {
    check: samplerName,
    fallback: (context, given) => samplerName(suiting(context, given).sampler, "sampler"),
    flag: "--sampler <name>",
    help: `one of ${Object.keys(samplers).join(", ")}; other programs' names are known too, such as "DPM++ 2M Karras"`,
    fallbackWords: "the model's",
  },
  size: {
    check: sizeText,
    fallback: ({ sizes }, { image, extend }) => usualSize(sizes, image, extend),
    flag: "--size <width>x<height>",
    help: "in pixels; some models draw one size only",
    fallbackWords: "the picture's that is given, or the model's",
  },
  schedule: {
    check: optional(scheduleName),
    fallback: ({ defaults }, { sampler }) => scheduleOfSampler(sampler) ?? defaults.schedule,
    flag: "--schedule <name>",
    help: `how the steps are spaced, one of ${Object.keys(stepSchedules).join(", ")}`,
    fallbackWords: "the model's",
  },
  rng: {
    check: optional(oneOf(randomNames)),
    fallback: ({ defaults }) => defaults.rng,
    flag: "--rng <name>",
    help: `whose random numbers seeds stand for, one of ${randomNames.join(", ")}`,
    fallbackWords: "the model's",
  },
  image: {
    check: optional(inputPicture),
    flag: "-i, --image <file>",
    help: "begin from this picture",
  },
  mask: {
    check: optional(inputPicture),
    flag: "--mask <file>",
    help: "a picture that is white where --image shall be drawn anew, and black elsewhere",
  },
  extend: {
    check: optional(extension),
    flag: "--extend <sides>",
    help: "let --image grow by pixels that are drawn anew, such as left=128,top=64",
  },
  strength: {
    check: optional(numberWithin(0, 1)),
    fallback: (_, { image, mask, extend }) => {
      if (image === undefined) return undefined;
      return mask === undefined && extend === undefined ? 0.8 : 1;
    },
    flag: "--strength <number>",
    numeric: true,
    help: "0 to 1: how far to change --image",
    fallbackWords: "0.8; 1 with a mask",
  },
  variationStrength: {
    check: optional(numberWithin(0, 1)),
    flag: "--variation-strength <number>",
    numeric: true,
    help: "0 to 1: how far each picture differs from the one that the seed alone gives",
    fallbackWords: "0",
  },
  variationSeed: {
    check: optional(wholeNumber(0, SEED_LIMIT)),
    fallback: (_, { variationStrength }) => (variationStrength === undefined ? undefined : drawSeed()),
    flag: "--variation-seed <number>",
    numeric: true,
    help: "seed of what makes the pictures differ",
    fallbackWords: "drawn at random",
  },
  clipSkip: {
    check: optional(wholeNumber(0, 11)),
    flag: "--clip-skip <layers>",
    numeric: true,
    help: "leave out the last layers of the text encoder",
    fallbackWords: "0",
  },
  tile: { check: optional(flag), flag: "--tile", help: "let the picture's sides fit to each other" },
  reuse: {
    check: optional(wholeNumber(2, 10)),
    flag: "--reuse <steps>",
    numeric: true,
    help: "compute the denoiser's depth at every so manieth step only, which is faster and less exact",
    fallbackWords: "at every step",
  },
  upscale: {
    check: optional(oneOf(upscaleNames)),
    fallback: ({ sizes }, { size }) => {
      const isLarger = size !== undefined && enlargingFactor(sizes, sizeText(size, "size")) !== undefined;
      return isLarger ? upscaleNames[0] : undefined;
    },
    flag: "--upscale <way>",
    help: `how to come to a larger --size than the model's own, one of ${upscaleNames.join(", ")}`,
    fallbackWords: "super-resolution, where the model has it",
  },
  fast: {
    check: optional(flag),
    flag: "--fast",
    help: "draw in a few steps without guidance, by a network that was distilled for that; other pictures, and less exact",
  },
};

/** The given picture's size with what it grows by; else the model's. What is wrong with them is told by their own checks. */
function usualSize(sizes: PictureSizes, image: unknown, extend: unknown): string {
  if (image === undefined || !sizes.range) return sizes.usual.join("x");
  const { width, height } = inputPicture(image, "image");
  const { left, right, top, bottom } = extend === undefined ? noExtension : extension(extend, "extend");
  return `${width + left + right}x${height + top + bottom}`;
}

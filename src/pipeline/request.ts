// What may be asked of a pipeline: one table from which the library, the command line, the HTTP interface and the
// receipts take names, checks, defaults and help. A default stands here or in the model's manifest, nowhere else.
import { getSampler, samplers } from "../diffusion/index.js";
import { type DeviceName, deviceNames } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type Check, filledText, numberWithin, oneOf, reject, text, wholeNumber } from "./check.js";
import type { ModelDefaults } from "./model-folder.js";

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
  /** Name of a sampler. */
  readonly sampler: string;
  /** Width and height in pixels, as "256x256". */
  readonly size: string;
}

/** A request as a caller gives it: all but the prompt has a default. */
export type PictureRequest = Pick<PictureSettings, "prompt"> & Partial<PictureSettings>;

/** Where the work is done; of no influence on the request's meaning. */
export interface MachineSettings {
  /** A model's folder. Default: the embedded model. */
  readonly model?: string;
  readonly device: DeviceName;
  /** Threads of the CPU device. */
  readonly threads?: number;
}

/** What defaults depend on. */
export interface RequestContext {
  readonly defaults: ModelDefaults;
  readonly sizes: PictureSizes;
}

/** The sizes that a model draws. */
export interface PictureSizes {
  /** In pixels; the only one where no others are said to be possible. */
  readonly usual: readonly [width: number, height: number];
}

/** One row: how a setting is checked, what it is by default, and how the command line takes and explains it. */
export interface Field<T, C> {
  readonly check: Check<T>;
  /** Undefined where the caller must give it, or where "not given" is itself a choice. */
  readonly fallback?: (context: C) => T;
  /** The command line's option, as in "-s, --steps <number>". None for what is no option, the prompt. */
  readonly flag?: string;
  /** Command-line texts become numbers or stay texts. Default: text. */
  readonly numeric?: boolean;
  readonly help: string;
  /** The default in words, for help texts. */
  readonly fallbackWords?: string;
}

type Fields<T, C> = { readonly [K in keyof T]-?: Field<T[K], C> };

/** Seeds and seed + count stay whole numbers that JavaScript holds exactly. */
const SEED_LIMIT = 2 ** 53 - 1;
const COUNT_LIMIT = 10_000;

/** Seeds that are drawn for the caller are short enough to be typed again. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

const interval: Check<readonly [number, number]> = (value, where) => {
  const expected = "two numbers from 0 to 1, the second above the first, such as 0,0.5";
  const parts: unknown = typeof value === "string" ? value.split(/[,-]/).map(Number) : value;
  if (!Array.isArray(parts) || parts.length !== 2) return reject(where, expected, value);
  const [from, to] = parts as [unknown, unknown];
  const within = (n: unknown): n is number => typeof n === "number" && n >= 0 && n <= 1;
  if (!within(from) || !within(to) || from >= to) return reject(where, expected, value);
  return [from, to];
};

const sizeText: Check<string> = (value, where) => {
  const match = typeof value === "string" ? /^(\d{1,5})(?:[x×](\d{1,5}))?$/i.exec(value.trim()) : null;
  if (!match) return reject(where, "width x height in pixels, such as 256x256", value);
  return `${Number(match[1])}x${Number(match[2] ?? match[1])}`;
};

/** A sampler's own name, whatever alias it was asked for by: "DPM++ 2M" → "dpmpp-2m". */
const samplerName: Check<string> = (value, where) =>
  typeof value === "string" ? getSampler(value).name : reject(where, "the name of a sampler", value);

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
    fallback: ({ defaults }) => defaults.steps,
    flag: "--steps <number>",
    numeric: true,
    help: "steps of the sampler; more take longer",
    fallbackWords: "the model's",
  },
  guidance: {
    check: numberWithin(0, 100),
    fallback: ({ defaults }) => defaults.guidance,
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
    fallback: ({ defaults }) => samplerName(defaults.sampler, "sampler"),
    flag: "--sampler <name>",
    help: `one of ${Object.keys(samplers).join(", ")}`,
    fallbackWords: "the model's",
  },
  size: {
    check: sizeText,
    fallback: ({ sizes }) => sizes.usual.join("x"),
    flag: "--size <width>x<height>",
    help: "in pixels; the model draws one size",
    fallbackWords: "the model's",
  },
};

/** Where a picture is drawn. */
export const machineFields: Fields<MachineSettings, undefined> = {
  model: {
    check: (value, where) => (value === undefined ? undefined : filledText(value, where)),
    flag: "-m, --model <folder>",
    help: "a folder with a model.json",
    fallbackWords: "the embedded model",
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
};

function complete<T, C>(fields: Fields<T, C>, given: object, context: C, kind: string): T {
  const names = Object.keys(fields) as (keyof T & string)[];
  const unknown = Object.keys(given).find((name) => !(names as string[]).includes(name));
  if (unknown !== undefined) {
    throw new NishikiError("usage", `Unknown setting "${unknown}". ${kind} takes: ${names.join(", ")}.`);
  }
  const values = given as Partial<Record<keyof T, unknown>>;
  const result: Partial<T> = {};
  for (const name of names) {
    const { check, fallback } = fields[name];
    const value = values[name];
    result[name] = value === undefined && fallback ? fallback(context) : check(value, name);
  }
  return result as T;
}

/**
 * Checks a request and fills in what was left open.
 * @throws NishikiError "usage" with one sentence: which setting, what was expected, what came.
 */
export function completeRequest(request: PictureRequest, context: RequestContext): PictureSettings {
  if (typeof request !== "object" || request === null) reject("request", "an object with a prompt", request);
  const settings = complete(pictureFields, request, context, "A request");
  const size = context.sizes.usual.join("x");
  if (settings.size !== size) {
    throw new NishikiError("usage", `size: this model draws ${size} pixels only, got ${settings.size}.`);
  }
  if (settings.seed > SEED_LIMIT - (settings.count - 1)) {
    reject("seed", `a whole number from 0 to ${SEED_LIMIT - settings.count + 1}`, settings.seed);
  }
  return settings;
}

/** Checks where to draw. @throws NishikiError "usage" */
export function completeMachine(settings: Partial<MachineSettings>): MachineSettings {
  return complete(machineFields, settings, undefined, "Loading a pipeline");
}

/** A command-line text as the value that a field's check expects: "7.5" → 7.5, "x" stays "x" and is refused there. */
export function valueOfText(field: { readonly numeric?: boolean }, given: string): unknown {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim()) || given.trim() === "NaN";
  return field.numeric && isNumber ? Number(given) : given;
}

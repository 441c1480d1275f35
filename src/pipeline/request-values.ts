// Schemas for request values that are more than a number or a text.
import { getStepSchedule, parseSamplerName, stepSchedules } from "../diffusion/index.js";
import { quote } from "../errors.js";
import { numberBetween, wholeNumber, z } from "../schema/index.js";
import type { InputImage } from "./pixels.js";

/** The largest seed: seeds, including seed + count, must be exact in JavaScript. */
export const seedLimit = Number.MAX_SAFE_INTEGER;

/** A remedy for a seed that is too large: 64-bit seeds come from programs whose generator only reads the low bits. */
function seedCure(value: unknown): string {
  const isWhole = (typeof value === "string" && /^\d{1,20}$/.test(value)) || typeof value === "bigint";
  if (!isWhole || BigInt(value) <= BigInt(seedLimit)) return "";
  const low = BigInt(value) % 2n ** 32n;
  return ` PyTorch's CPU generator only reads the low 32 bits: with rng torch-cpu, ${low} is the same seed.`;
}

/** Characters of a prompt: more than any model reads. */
export const maxPromptLength = 100_000;

/** A text that a model can be given and that a receipt in a PNG can hold; use with `superRefine`. */
export function checkPrompt(
  text: string,
  context: { addIssue(issue: { code: "custom"; message: string }): void },
): void {
  const add = (message: string) => context.addIssue({ code: "custom", message });
  if (text.length > maxPromptLength)
    add(`expected at most ${maxPromptLength} characters, got ${text.length}.`);
  else if (text.includes("\0") || /\p{Surrogate}/u.test(text))
    add(`expected text without NUL characters and halves of characters, got ${quote(text)}.`);
}

/** A whole number from 0 to 2^53 − 1. */
export const seedSchema = z
  .custom<number>()
  .superRefine((value: unknown, context) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return;
    const got = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : describe(value);
    const message = `expected a whole number from 0 to ${seedLimit} (2^53 − 1), got ${got}.${seedCure(value)}`;
    context.addIssue({ code: "custom", message });
  })
  .meta({ type: "integer", minimum: 0, maximum: seedLimit });

const describe = (value: unknown) =>
  typeof value === "object" && value !== null ? "an object" : String(value);

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

const mostPixels = 32_768;
const side = wholeNumber(1, mostPixels);

function readSize(size: string | ImageSize): ImageSize {
  if (typeof size !== "string") return size;
  const [, width, height = width] = /^\s*(\d{1,5})(?:\s*[x×X*]\s*(\d{1,5}))?\s*$/.exec(size) ?? [];
  return { width: Number(width), height: Number(height) };
}

const isSize = (text: string) =>
  Object.values(readSize(text)).every((pixels) => pixels >= 1 && pixels <= mostPixels);

/** "512x768", "512" for a square, or `{ width, height }`. */
export const sizeSchema = z
  .union([z.string().refine(isSize), z.strictObject({ width: side, height: side })])
  .transform(readSize)
  .meta({ expected: "width x height in pixels, such as 512x512" });

export const formatSize = ({ width, height }: ImageSize) => `${width}x${height}`;

/** A part of the steps: [0, 1] is all of them. */
export type StepInterval = readonly [from: number, to: number];

function readInterval(interval: string | StepInterval): StepInterval {
  if (typeof interval !== "string") return interval;
  const [from = Number.NaN, to = Number.NaN] = interval.split(/\s*[,-]\s*/).map(Number);
  return [from, to];
}

const isInterval = (value: string | StepInterval) => {
  const [from, to] = readInterval(value);
  return from >= 0 && from < to && to <= 1;
};

/** Two numbers from 0 to 1, the second above the first, or the text "0,0.5". */
export const intervalSchema = z
  .union([z.string().refine(isInterval), z.tuple([z.number(), z.number()]).readonly().refine(isInterval)])
  .transform(readInterval)
  .meta({ expected: "two numbers from 0 to 1, the second above the first, such as 0,0.5" });

/** A text that `read` accepts; its error message becomes the fault. */
const nameThat = (read: (name: string) => unknown, expected: string) =>
  z
    .string()
    .superRefine((name, context) => {
      try {
        read(name);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const message = `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
        context.addIssue({ code: "custom", message });
      }
    })
    .meta({ expected });

/** The name of a sampler, by any of its aliases. */
export const samplerSchema = nameThat(parseSamplerName, "the name of a sampler");

/** The name of a step schedule, by any of its aliases. */
export const scheduleSchema = nameThat(getStepSchedule, "the name of a step schedule");

/** A step schedule's canonical name, from any of its aliases. */
export function getScheduleName(alias: string): string {
  const schedule = getStepSchedule(alias);
  return Object.entries(stepSchedules).find(([, info]) => info === schedule)![0];
}

/** Pixels to add on each side of an image. */
export interface Extension {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const mostGrowth = 16_384;
const sides = ["left", "right", "top", "bottom"] as const;
const growth = wholeNumber(0, mostGrowth).default(0);
const isGrowing = (extension: Extension) => sides.some((name) => extension[name] > 0);

/** Parses "left=128,top=64"; undefined for any other text. */
function readSides(text: string): Extension | undefined {
  const extension = { left: 0, right: 0, top: 0, bottom: 0 };
  for (const part of text.split(",")) {
    const [, name, digits] = /^\s*(\w+)\s*=\s*(\d{1,5})\s*$/.exec(part) ?? [];
    const side = sides.find((each) => each === name);
    if (side === undefined || Number(digits) > mostGrowth) return undefined;
    extension[side] = Number(digits);
  }
  return isGrowing(extension) ? extension : undefined;
}

/** "left=128,top=64", or the equivalent object. */
export const extensionSchema = z
  .union([
    z.string().refine((text) => readSides(text) !== undefined),
    z.strictObject({ left: growth, right: growth, top: growth, bottom: growth }).refine(isGrowing),
  ])
  .transform((value) => (typeof value === "string" ? readSides(value)! : value))
  .meta({ expected: "pixels for some of left, right, top and bottom, such as left=128,top=64" });

/** Describes what is wrong with an image; undefined if it is valid. */
function findImageFault(value: unknown): string | undefined {
  const { width, height, channels, data, name } = (value ?? {}) as Partial<Record<keyof InputImage, unknown>>;
  if (channels !== 3 || !(data instanceof Uint8Array))
    return `expected an image: { width, height, channels: 3, data }, got ${typeof value === "string" ? `the text ${JSON.stringify(value.slice(0, 60))}; read a file with readInputImage` : describe(value)}.`;
  const fits = (length: unknown): length is number =>
    Number.isSafeInteger(length) && (length as number) >= 1 && (length as number) <= 32_768;
  if (!fits(width) || !fits(height)) return `expected sides of 1 to 32768 pixels, got ${width}x${height}.`;
  const bytes = width * height * 3;
  if (data.length !== bytes)
    return `expected ${bytes} bytes for ${width}x${height} pixels, got ${data.length}.`;
  return name === undefined || typeof name === "string" ? undefined : "expected its name to be a string.";
}

/** The pixels of an image. */
export const inputImageSchema = z
  .custom<InputImage>()
  .superRefine((value: unknown, context) => {
    const fault = findImageFault(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  })
  .meta({ isImage: true });

/** The path of an image file. */
export const imageFileSchema = z
  .string()
  .refine((path) => path !== "")
  .meta({ isImage: true, expected: "the path of an image" });

/** The SHA-256 of an image file that a server holds. */
export const storedImageSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ isImage: true, expected: "the id of a stored image: 64 hexadecimal digits" });

/** Identifies an image in a receipt, which holds no pixels. */
export interface ImageReference {
  /** The file's base name; "" for an image from memory. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** SHA-256 of its pixels, 8-bit RGB row by row. */
  readonly sha256: string;
}

/** An image reference in a receipt. */
export const imageReferenceSchema = z
  .object({ name: z.string(), width: side, height: side, sha256: z.string() })
  .meta({ isImage: true, expected: "a reference to an image: { name, width, height, sha256 }" });

/** A fraction from 0 to 1, such as a strength. */
export const shareSchema = numberBetween(0, 1);

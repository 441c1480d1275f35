// A receipt: what is needed to make a picture again, and to say what differs where that fails. It lies in the PNG.
import { NishikiError } from "../errors.js";
import {
  anyRecord,
  type Check,
  filledText,
  isRecord,
  optional,
  recordOf,
  reject,
  text,
  wholeNumber,
} from "./check.js";
import { completePictureFields } from "./complete-request.js";
import type { InputPicture } from "./pixels.js";
import type { Model } from "./plan.js";
import { optionalSettings, type PictureSettings, pictureFields } from "./request.js";
import { parseSize, sizeText } from "./setting-checks.js";

/** The PNG text under which a receipt lies. */
export const receiptKey = "nishiki";

/** What draws: where a picture differs from its receipt, one of these usually does too. */
export interface Environment {
  /** Version of this program. */
  readonly version: string;
  readonly device: string;
  /** What runs the networks, with its version: "onnxruntime-node 1.30.0". */
  readonly runtime: string;
  /** Operating system and processor: "linux-x64". */
  readonly platform: string;
  /** SHA-256 of every file of the model that decides pixels, by file name. */
  readonly weights: Readonly<Record<string, string>>;
}

/** Which picture was given: pixels do not go into receipts. */
export interface PictureReference {
  /** "" where it came from memory. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** SHA-256 of its pixels, RGB of 8 bits row by row. */
  readonly sha256: string;
}

/** References to the pictures of a request. */
export interface References {
  readonly image?: PictureReference;
  readonly mask?: PictureReference;
}

/** Settings as receipts hold them. */
export type ReceiptRequest = Omit<PictureSettings, keyof References> & References;

/** Threads, batch size and time of day are not in it: they decide nothing, and equal pictures are to be equal files. */
export interface Receipt extends Omit<Environment, "weights"> {
  /** Version of this layout. */
  readonly format: 1;
  /** The request that makes this very picture alone: count is 1, seed is its own. */
  readonly request: ReceiptRequest;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly weights: Readonly<Record<string, string>>;
  };
  /** SHA-256 of the pixels, RGB of 8 bits row by row: tells a picture that was edited from one that is drawn otherwise. */
  readonly pixels: string;
}

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function refer({ name = "", width, height, data }: InputPicture): Promise<PictureReference> {
  return { name, width, height, sha256: await sha256(data) };
}

/** What stands in receipts for the pictures of a request. */
export async function referTo({ image, mask }: PictureSettings): Promise<References> {
  return { ...(image && { image: await refer(image) }), ...(mask && { mask: await refer(mask) }) };
}

/** Settings as a receipt holds them. */
export function replacePictures(
  { image, mask, ...settings }: PictureSettings,
  references: References,
): ReceiptRequest {
  return { ...settings, ...references };
}

/** The receipt of the picture that `request` alone makes. */
export async function makeReceipt(
  request: ReceiptRequest,
  { name, version }: Model["identity"],
  { weights, ...environment }: Environment,
  pixels: Uint8Array,
): Promise<Receipt> {
  return {
    format: 1,
    ...environment,
    request,
    model: { name, version, weights },
    pixels: await sha256(pixels),
  };
}

const texts: Check<Readonly<Record<string, string>>> = (value, where) => {
  for (const [name, entry] of Object.entries(anyRecord(value, where))) text(entry, `${where}.${name}`);
  return value as Readonly<Record<string, string>>;
};

const reference = recordOf<PictureReference>({
  name: text,
  width: wholeNumber(1),
  height: wholeNumber(1),
  sha256: filledText,
});

const references = recordOf<References>({ image: optional(reference), mask: optional(reference) });

/** Settings of a receipt: complete, so that no default of this version slips in. What a model takes is its own matter. */
const settings: Check<ReceiptRequest> = (value, where) => {
  if (!isRecord(value)) return reject(where, "an object", value);
  const size = parseSize(sizeText(value.size, `${where}.size`));
  for (const name of Object.keys(pictureFields)) {
    const isOptional = (optionalSettings as readonly string[]).includes(name);
    if (value[name] === undefined && !isOptional) reject(`${where}.${name}`, "a value", undefined);
  }
  const { image, mask, ...rest } = value;
  const defaults = { steps: 1, guidance: 1, sampler: String(value.sampler) };
  const complete = completePictureFields(rest, { defaults, sizes: { usual: size }, takes: optionalSettings });
  return replacePictures(complete, references({ image, mask }, where));
};

const receiptChecks = recordOf<Receipt>({
  format: (value, where) => (value === 1 ? 1 : reject(where, "1, the layout that this version reads", value)),
  version: filledText,
  device: filledText,
  runtime: filledText,
  platform: filledText,
  request: settings,
  model: recordOf<Receipt["model"]>({ name: filledText, version: filledText, weights: texts }),
  pixels: filledText,
});

/**
 * Reads a receipt from the text in a PNG.
 * @throws NishikiError "file" that says what is wrong with it.
 */
export function parseReceipt(json: string): Receipt {
  try {
    return receiptChecks(JSON.parse(json), "");
  } catch (error) {
    const reason = error instanceof NishikiError ? error.message : "it is not valid JSON.";
    throw new NishikiError("file", `The picture's receipt cannot be read: ${reason}`, { cause: error });
  }
}

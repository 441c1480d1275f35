// A receipt: the metadata in a PNG that is needed to reproduce an image, or to explain why the result differs.
import { NishikiError } from "../errors.js";
import { nonEmptyText, oneOf, parse, reject, z } from "../schema/index.js";
import {
  commonSettings,
  type ImageSettings,
  imageRequestSchema,
  type ReceiptRequest,
  receiptRequestSchema,
} from "./image-request.js";
import { precisions, predictionNames } from "./load-options.js";
import type { InputImage } from "./pixels.js";
import { upgradeFormat1 } from "./receipt-format-1.js";
import { mapImages } from "./request-images.js";
import type { ImageReference } from "./request-values.js";

/** The keyword of the PNG text that holds a receipt. */
export const receiptKey = "nishiki";

const hashes = z.record(z.string(), z.string());
const loadedFile = { file: z.string(), sha256: z.string() };

const loadRecordSchema = z.object({
  model: z.string().optional(),
  base: z.string().optional(),
  prior: z.string().optional(),
  superResolution: z.array(z.string()).optional(),
  loras: z.array(z.object({ ...loadedFile, weight: z.number(), beside: hashes.optional() })).optional(),
  embeddings: z.array(z.object(loadedFile)).optional(),
  vae: z.object(loadedFile).optional(),
  ipAdapter: z.object(loadedFile).optional(),
  imageEncoder: z.object(loadedFile).optional(),
  clip: z.object(loadedFile).optional(),
  allowPartialLora: z.boolean().optional(),
  precision: oneOf(precisions).optional(),
  prediction: oneOf(predictionNames).optional(),
});

/**
 * What was loaded in addition to the model's own files. Files are base names; `model`, `base` and `prior` are set only for hub models,
 * as "org/name"; `superResolution` holds such names, or base names of folders. A LoRA's `beside` lists its other files; `allowPartialLora` is set if parts of LoRAs that did not fit were
 * ignored.
 */
export type LoadRecord = Readonly<z.output<typeof loadRecordSchema>>;

const receiptSchema = z.object({
  format: z.literal([1, 2]).meta({ expected: "1 or 2, the formats that this version reads" }),
  version: nonEmptyText,
  device: nonEmptyText,
  runtime: nonEmptyText,
  platform: nonEmptyText,
  arithmetic: nonEmptyText.optional(),
  request: receiptRequestSchema,
  model: z.object({ name: nonEmptyText, version: nonEmptyText, weights: hashes }),
  load: loadRecordSchema,
  pixels: nonEmptyText,
});

/** Everything outside the request that may change pixels. If a reproduced image differs, one of these usually does too. */
export interface Environment {
  /** Version of this program. */
  readonly version: string;
  readonly device: string;
  /** The library that runs the networks, with its version: "onnxruntime-node 1.30.0". */
  readonly runtime: string;
  /** Operating system and processor: "linux-x64". */
  readonly platform: string;
  /** The form of convolutions and feed-forward layers, if it is not the runtime's own: "winograd 2". */
  readonly arithmetic?: string;
  /** SHA-256 of every model file that affects pixels, by its name. */
  readonly weights: Readonly<Record<string, string>>;
  /** What was loaded in addition to the model. */
  readonly load: LoadRecord;
}

/** Leaves out threads, batch size and time: they do not affect pixels, and equal images should be equal files. */
export interface Receipt extends Omit<Environment, "weights"> {
  /** The format that the receipt was read from; new receipts have format 2. */
  readonly format: 1 | 2;
  /** The request for this single image: count is 1, and the seed is this image's. */
  readonly request: ReceiptRequest;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly weights: Readonly<Record<string, string>>;
  };
  /** SHA-256 of the pixels, 8-bit RGB row by row: distinguishes an edited image from one that cannot be reproduced. */
  readonly pixels: string;
}

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function refer({ name = "", width, height, data }: InputImage): Promise<ImageReference> {
  return { name, width, height, sha256: await sha256(data) };
}

/** Replaces the images in settings with references, as stored in receipts. */
export async function referToImages(settings: ImageSettings): Promise<ReceiptRequest> {
  const change = (image: unknown) => refer(image as InputImage);
  return (await mapImages(imageRequestSchema, settings, change)) as ReceiptRequest;
}

/** Makes the receipt of a single image. */
export async function makeReceipt(
  request: ReceiptRequest,
  { name, version }: { readonly name: string; readonly version: string },
  { weights, load, ...environment }: Environment,
  pixels: Uint8Array,
): Promise<Receipt> {
  const model = { name, version, weights };
  return { format: 2, ...environment, request, model, load, pixels: await sha256(pixels) };
}

/** A receipt must be complete, so that no default of this version slips in. */
function checkComplete(json: unknown): void {
  const { request } = (json ?? {}) as { readonly request?: Readonly<Record<string, unknown>> };
  for (const name of commonSettings)
    if (request && request[name] === undefined) reject(`request.${name}`, "a value", undefined);
}

/**
 * Parses the receipt text of a PNG, in format 1 or 2.
 * @throws NishikiError "file" with the reason
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseReceipt } from "nishiki";
 * import { decodePng } from "nishiki/image";
 *
 * const { text } = decodePng(await readFile("cat.png"));
 * const { request } = parseReceipt(text.nishiki!);
 * console.log(request.prompt, request.seed); // → a cat 1
 * ```
 */
export function parseReceipt(json: string): Receipt {
  try {
    const value = upgradeFormat1(JSON.parse(json));
    const receipt = parse(receiptSchema, value, { name: "the receipt" });
    checkComplete(value);
    return receipt as Receipt;
  } catch (error) {
    const reason = error instanceof NishikiError ? error.message : "it is not valid JSON.";
    throw new NishikiError("file", `The image's receipt cannot be read: ${reason}`, { cause: error });
  }
}

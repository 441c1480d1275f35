// A receipt: what is needed to make a picture again, and to say what differs where that fails. It lies in the PNG.
import { NishikiError } from "../errors.js";
import { anyRecord, type Check, filledText, isRecord, recordOf, reject, text } from "./check.js";
import type { ModelFamily } from "./family.js";
import { completeRequest, type PictureRequest, type PictureSettings, pictureFields } from "./request.js";

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

/** Threads, batch size and time of day are not in it: they decide nothing, and equal pictures are to be equal files. */
export interface Receipt extends Omit<Environment, "weights"> {
  /** Version of this layout. */
  readonly format: 1;
  /** The request that makes this very picture alone: count is 1, seed is its own. */
  readonly request: PictureSettings;
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

/** The receipt of one picture. */
export async function makeReceipt(
  settings: PictureSettings,
  seed: number,
  { name, version }: ModelFamily["model"],
  { weights, ...environment }: Environment,
  pixels: Uint8Array,
): Promise<Receipt> {
  return {
    format: 1,
    ...environment,
    request: { ...settings, seed, count: 1 },
    model: { name, version, weights },
    pixels: await sha256(pixels),
  };
}

const texts: Check<Readonly<Record<string, string>>> = (value, where) => {
  for (const [name, entry] of Object.entries(anyRecord(value, where))) text(entry, `${where}.${name}`);
  return value as Readonly<Record<string, string>>;
};

/** Settings of a receipt: complete, so that no default of this version slips in. The model's size is its own. */
const settings: Check<PictureSettings> = (value, where) => {
  if (!isRecord(value)) return reject(where, "an object", value);
  const sides = /^(\d+)x(\d+)$/.exec(String(value.size))?.slice(1).map(Number);
  if (!sides) return reject(`${where}.size`, "a size such as 256x256", value.size);
  for (const name of Object.keys(pictureFields)) {
    if (value[name] === undefined) reject(`${where}.${name}`, "a value", undefined);
  }
  return completeRequest(value as unknown as PictureRequest, {
    sizes: { usual: [sides[0]!, sides[1]!] },
    defaults: { steps: 1, guidance: 1, sampler: String(value.sampler) },
  });
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

// Is a picture what its receipt says? It is drawn again, and every difference that could explain another is named.
import { NishikiError } from "../errors.js";
import type { ImageEvent } from "./events.js";
import type { Pipeline } from "./pipeline.js";
import type { InputPicture, Pixels } from "./pixels.js";
import { type Environment, type Receipt, sha256 } from "./receipt.js";

/** What came out of drawing a picture again. */
export interface Comparison {
  readonly identical: boolean;
  /** Whether the pixels are no longer those that the receipt was made for. */
  readonly edited: boolean;
  /** Pixels that differ between the file and the picture drawn anew, of how many. */
  readonly differingPixels: number;
  readonly totalPixels: number;
  /** The largest difference of a colour value, 0 … 255. */
  readonly maxDifference: number;
  /** What is not as it was when the picture was drawn, one sentence each: version, device, weights … */
  readonly changes: readonly string[];
}

function listChanges({ model, ...receipt }: Receipt, now: Environment): string[] {
  const changes: string[] = [];
  const compare = (what: string, was: string | undefined, is: string | undefined) => {
    if (was !== is) changes.push(`${what}: was ${was ?? "not there"}, is ${is ?? "not there"}`);
  };
  compare("version", receipt.version, now.version);
  compare("device", receipt.device, now.device);
  compare("runtime", receipt.runtime, now.runtime);
  compare("platform", receipt.platform, now.platform);
  for (const file of new Set([...Object.keys(model.weights), ...Object.keys(now.weights)])) {
    compare(`SHA-256 of ${file}`, model.weights[file]?.slice(0, 12), now.weights[file]?.slice(0, 12));
  }
  return changes;
}

function countDifferences(a: Uint8Array, b: Uint8Array): { pixels: number; max: number } {
  let pixels = 0;
  let max = 0;
  for (let i = 0; i < a.length; i += 3) {
    const differences = [0, 1, 2].map((c) => Math.abs(a[i + c]! - b[i + c]!));
    const largest = Math.max(...differences);
    if (largest > 0) pixels += 1;
    max = Math.max(max, largest);
  }
  return { pixels, max };
}

/** The pictures that a request began from: a receipt only names them. */
export interface GivenPictures {
  readonly image?: InputPicture;
  readonly mask?: InputPicture;
}

async function redraw(
  pipeline: Pipeline,
  { request }: Receipt,
  given: GivenPictures,
  signal?: AbortSignal,
): Promise<ImageEvent> {
  for (const name of ["image", "mask"] as const) {
    if (request[name] && !given[name]) {
      const { name: file, width, height } = request[name];
      const which = `${file || "a picture"} of ${width}x${height} pixels`;
      throw new NishikiError("usage", `${name}: the picture was drawn from ${which}; give it too.`);
    }
  }
  const { image, mask, ...settings } = request;
  const all = { ...settings, ...(image && { image: given.image }), ...(mask && { mask: given.mask }) };
  for await (const event of pipeline.generate(all, { signal })) {
    if (event.kind === "image") return event;
  }
  throw new NishikiError("internal", "The pipeline ended without a picture.");
}

/**
 * Draws a picture again from its receipt and compares.
 * @param picture The pixels of the file, RGB.
 * @param options The pictures that it was drawn from, where it was; a signal stops the work.
 * @throws NishikiError "usage" where this model cannot draw what the receipt asks for.
 */
export async function compareWithReceipt(
  picture: Pixels,
  receipt: Receipt,
  pipeline: Pipeline,
  { signal, ...given }: GivenPictures & { readonly signal?: AbortSignal } = {},
): Promise<Comparison> {
  const drawn = await redraw(pipeline, receipt, given, signal);
  const totalPixels = picture.width * picture.height;
  const edited = (await sha256(picture.data)) !== receipt.pixels;
  const changes = listChanges(receipt, await pipeline.environment());
  for (const name of ["image", "mask"] as const) {
    const [was, is] = [receipt.request[name]?.sha256, drawn.receipt.request[name]?.sha256];
    if (was !== is)
      changes.push(`SHA-256 of the ${name}'s pixels: was ${was?.slice(0, 12)}, is ${is?.slice(0, 12)}`);
  }
  if (picture.width !== drawn.width || picture.height !== drawn.height) {
    changes.push(`size: was ${drawn.width}x${drawn.height}, is ${picture.width}x${picture.height}`);
    return {
      identical: false,
      edited,
      differingPixels: totalPixels,
      totalPixels,
      maxDifference: 255,
      changes,
    };
  }
  const { pixels, max } = countDifferences(picture.data, drawn.pixels);
  return {
    identical: pixels === 0,
    edited,
    differingPixels: pixels,
    totalPixels,
    maxDifference: max,
    changes,
  };
}

// Verifies an image by drawing it again from its receipt, and lists every change that may explain a difference.
import { NishikiError, showText } from "../errors.js";
import type { ImageEvent, PipelineEvent } from "./events.js";
import { type ImageRequest, type ReceiptRequest, receiptRequestSchema } from "./image-request.js";
import type { Pipeline } from "./pipeline.js";
import type { InputImage, Pixels } from "./pixels.js";
import { type Environment, type LoadRecord, type Receipt, sha256 } from "./receipt.js";
import { listImages, mapImages } from "./request-images.js";
import type { ImageReference } from "./request-values.js";

/** The result of drawing an image again. */
export interface Comparison {
  readonly identical: boolean;
  /** Whether the file's pixels were edited: they no longer match the receipt's hash. */
  readonly edited: boolean;
  /** Number of pixels that differ between the file and the redrawn image; `totalPixels` is their total. */
  readonly differingPixels: number;
  readonly totalPixels: number;
  /** The largest difference of a colour channel, 0 to 255. */
  readonly maxDifference: number;
  /** Changes since the image was drawn, one line each: version, device, weights … */
  readonly changes: readonly string[];
}

/** A loaded file or option: `decides` identifies it (file names do not matter), `text` describes it. */
interface LoadedRow {
  readonly decides: string;
  readonly text: string;
}

/** What was loaded, by a title for each file or option. */
function listLoaded({
  loras = [],
  embeddings = [],
  vae,
  ipAdapter,
  imageEncoder,
  clip,
  precision,
  prediction,
}: LoadRecord): ReadonlyMap<string, LoadedRow> {
  const hash = (sha256: string) => `SHA-256 ${showText(sha256.slice(0, 12))}`;
  const file = (name: string, sha256: string, more = ""): LoadedRow => ({
    decides: `${sha256}${more}`,
    text: `${showText(name)}, ${hash(sha256)}${more}`,
  });
  const choice = (name: string): LoadedRow => ({ decides: name, text: name });
  const rows: (readonly [string, LoadedRow | undefined])[] = [
    ...loras.map(({ file: name, sha256, weight, beside = {} }, i) => {
      const others = Object.entries(beside).map(([other, sum]) => `, with ${showText(other)}, ${hash(sum)}`);
      return [`LoRA ${i + 1}`, file(name, sha256, `, weight ${weight}${others.join("")}`)] as const;
    }),
    ...embeddings.map(({ file: name, sha256 }, i) => [`embedding ${i + 1}`, file(name, sha256)] as const),
    ["VAE", vae && file(vae.file, vae.sha256)],
    ["IP-Adapter", ipAdapter && file(ipAdapter.file, ipAdapter.sha256)],
    ["image encoder", imageEncoder && file(imageEncoder.file, imageEncoder.sha256)],
    ["CLIP", clip && file(clip.file, clip.sha256)],
    ["precision", precision && choice(precision)],
    ["prediction", prediction && choice(prediction)],
  ];
  return new Map(rows.filter((row): row is readonly [string, LoadedRow] => row[1] !== undefined));
}

function listChanges({ model, load, ...receipt }: Receipt, now: Environment): string[] {
  const changes: string[] = [];
  const compare = (what: string, was: string | undefined, is: string | undefined) => {
    if (was !== is) changes.push(`${showText(what)}: was ${was ?? "absent"}, is ${is ?? "absent"}`);
  };
  for (const name of ["version", "device", "runtime", "platform", "arithmetic"] as const) {
    const was = receipt[name];
    compare(name, was && showText(was), now[name]);
  }
  for (const file of new Set([...Object.keys(model.weights), ...Object.keys(now.weights)])) {
    const [was, is] = [model.weights[file], now.weights[file]];
    compare(`SHA-256 of ${file}`, was && showText(was.slice(0, 12)), is?.slice(0, 12));
  }
  // Receipts of format 1 do not name a replacement VAE, but their file hashes include it.
  const loaded = receipt.format === 1 ? { ...now.load, vae: undefined } : now.load;
  const [was, is] = [listLoaded(load), listLoaded(loaded)];
  for (const what of new Set([...was.keys(), ...is.keys()]))
    if (was.get(what)?.decides !== is.get(what)?.decides)
      compare(what, was.get(what)?.text, is.get(what)?.text);
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

/** The input images of a request by path ("init.image"); the receipt itself holds only references. */
export type GivenImages = Readonly<Record<string, InputImage>>;

export interface CompareOptions {
  /** The images that the image was drawn from, if any. */
  readonly images?: GivenImages;
  /** Cancels the work. */
  readonly signal?: AbortSignal;
  /** Called with the pipeline's events. */
  readonly onEvent?: (event: PipelineEvent) => void;
}

/** @throws NishikiError "usage" that names the receipt's model, if another model does not support the request */
function checkModel(pipeline: Pipeline, { name, version }: Receipt["model"], request: ImageRequest): void {
  try {
    pipeline.complete(request);
  } catch (cause) {
    const { model } = pipeline;
    if (model.name === name || !(cause instanceof NishikiError)) throw cause;
    const drawn = `The image was drawn by ${showText(name)} ${showText(version)}`;
    const message = `${drawn}, and ${model.name} ${model.version} cannot draw it: choose its model with --model.`;
    throw new NishikiError("usage", `${message}\n${cause.message}`, { cause });
  }
}

/**
 * The request of a receipt, with the images that it names.
 * @throws NishikiError "usage" if an image is missing
 */
export async function restoreRequest({ request }: Receipt, images: GivenImages): Promise<ImageRequest> {
  const getImage = (reference: unknown, path: string) => {
    const image = images[path];
    if (image) return image;
    const { name, width, height } = reference as ImageReference;
    const source = `${showText(name) || "an image"} of ${width}x${height} pixels`;
    throw new NishikiError("usage", `${path}: the image was drawn from ${source}; provide it too.`);
  };
  return (await mapImages(receiptRequestSchema, request, getImage)) as ImageRequest;
}

async function redraw(
  pipeline: Pipeline,
  receipt: Receipt,
  { images = {}, signal, onEvent }: CompareOptions,
): Promise<ImageEvent> {
  const whole = await restoreRequest(receipt, images);
  checkModel(pipeline, receipt.model, whole);
  for await (const event of pipeline.generate(whole, { signal })) {
    onEvent?.(event);
    if (event.kind === "image") return event;
  }
  throw new NishikiError("internal", "The pipeline ended without an image.");
}

async function listImageChanges(was: ReceiptRequest, is: ReceiptRequest): Promise<string[]> {
  const now = await listImages(receiptRequestSchema, is);
  const then = await listImages(receiptRequestSchema, was);
  const getHash = (image: unknown) => (image as ImageReference | undefined)?.sha256.slice(0, 12);
  return [...then]
    .filter(([path, image]) => getHash(image) !== getHash(now.get(path)))
    .map(
      ([path, image]) =>
        `SHA-256 of the pixels of ${path}: was ${getHash(image)}, is ${getHash(now.get(path))}`,
    );
}

/**
 * Draws an image again from its receipt and compares the pixels.
 * @param image The RGB pixels of the file.
 * @throws NishikiError "usage" if this model cannot draw the receipt's request
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { compareWithReceipt, loadPipeline, parseReceipt, readInputImage } from "nishiki";
 * import { decodePng } from "nishiki/image";
 *
 * const receipt = parseReceipt(decodePng(await readFile("cat.png")).text.nishiki!);
 * const pipeline = await loadPipeline();
 * const { identical } = await compareWithReceipt(await readInputImage("cat.png"), receipt, pipeline);
 * console.log(identical); // → true
 * await pipeline.dispose();
 * ```
 */
export async function compareWithReceipt(
  image: Pixels,
  receipt: Receipt,
  pipeline: Pipeline,
  options: CompareOptions = {},
): Promise<Comparison> {
  const drawn = await redraw(pipeline, receipt, options);
  const totalPixels = image.width * image.height;
  const edited = (await sha256(image.data)) !== receipt.pixels;
  const changes = listChanges(receipt, await pipeline.environment());
  changes.push(...(await listImageChanges(receipt.request, drawn.receipt.request)));
  if (image.width !== drawn.width || image.height !== drawn.height) {
    changes.push(`size: was ${drawn.width}x${drawn.height}, is ${image.width}x${image.height}`);
    return {
      identical: false,
      edited,
      differingPixels: totalPixels,
      totalPixels,
      maxDifference: 255,
      changes,
    };
  }
  const { pixels, max } = countDifferences(image.data, drawn.pixels);
  return {
    identical: pixels === 0,
    edited,
    differingPixels: pixels,
    totalPixels,
    maxDifference: max,
    changes,
  };
}

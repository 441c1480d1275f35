// Images from files, as requests take them (node).
import { basename } from "node:path";
import { NishikiError } from "../errors.js";
import { readPicture, scalePicture } from "../image/node.js";
import { parse, type z } from "../schema/index.js";
import {
  type FileRequest,
  fileRequestSchema,
  type ImageRequest,
  imageRequestSchema,
} from "./image-request.js";
import type { InputImage } from "./pixels.js";
import { isSameSize, type RequestContext } from "./request-context.js";
import { mapImages } from "./request-images.js";
import { formatSize, type ImageSize } from "./request-values.js";

/**
 * An image from a file of any common format, its transparent pixels white.
 * @param size To which it is scaled; left out, it stays as it is.
 * @throws NishikiError "file"
 *
 * @example
 * ```ts
 * import { loadPipeline, readInputImage } from "nishiki";
 *
 * const image = await readInputImage("cat.png", { width: 256, height: 256 });
 * const pipeline = await loadPipeline();
 * const request = { prompt: "a dog", seed: 1, steps: 4, init: { image, strength: 0.5 } };
 * for await (const event of pipeline.generate(request)) {
 *   if (event.kind === "image") console.log(event.receipt.request.init?.image.name); // → cat.png
 * }
 * await pipeline.dispose();
 * ```
 */
export async function readInputImage(path: string, size?: ImageSize): Promise<InputImage> {
  const { width, height, data } = await readPicture(path);
  const picture = { width, height, channels: 3 as const, data: Uint8Array.from(data), name: basename(path) };
  return size && !isSameSize(size, picture) ? scale(picture, size) : picture;
}

async function scale(picture: InputImage, { width, height }: ImageSize): Promise<InputImage> {
  const { data } = await scalePicture(picture, width, height);
  return { ...picture, width, height, data: Uint8Array.from(data) };
}

/** The size at which the image goes into the drawing: what was asked for, else the nearest below that the model draws. */
function getDrawnSize(
  { size, inpaint }: CheckedFileRequest,
  image: ImageSize,
  { sizes }: RequestContext,
): ImageSize {
  const { usual, range } = sizes;
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  if (size !== undefined || !range) {
    const { width, height } = size ?? usual;
    return { width: width - left - right, height: height - top - bottom };
  }
  const below = (side: number) => side - (side % range.step);
  if (Math.min(image.width, image.height) < range.least) {
    const least = `at least ${range.least}x${range.least} pixels`;
    const message = `init.image: expected an image of ${least}, got ${formatSize(image)}. Give a size to draw it larger.`;
    throw new NishikiError("usage", message);
  }
  return { width: below(image.width), height: below(image.height) };
}

const isBlack = (mask: InputImage | undefined) => mask?.data.every((value) => value < 128) ?? false;

/** A request whose images are paths of files, checked. */
type CheckedFileRequest = z.output<typeof fileRequestSchema>;

/**
 * Reads the images that a request names by their files, and scales them to the size that is drawn.
 * @returns The request with pixels, and sentences about what was scaled and about a mask without effect.
 * @throws NishikiError "file", "usage"
 *
 * @example
 * ```ts
 * import { openModel, readImages } from "nishiki";
 *
 * const { context } = await openModel();
 * const { request } = await readImages({ prompt: "a dog", init: { image: "cat.png" } }, context);
 * console.log(request.init?.image.width, request.init?.image.height); // → 256 256
 * ```
 */
export async function readImages(
  request: FileRequest,
  context: RequestContext,
): Promise<{ readonly request: ImageRequest; readonly notices: readonly string[] }> {
  const checked = parse(fileRequestSchema, request, { name: "the request", noun: "setting" });
  const read = (file: unknown) => readInputImage(file as string);
  const whole = (await mapImages(fileRequestSchema, checked, read)) as z.output<typeof imageRequestSchema>;
  const { init, inpaint } = whole;
  if (!init) return { request: whole, notices: [] };
  const { image } = init;
  const mask = inpaint?.mask;
  const notices =
    isBlack(mask) && inpaint?.extend === undefined
      ? [`${checked.inpaint?.mask} is black all over: nothing is drawn anew.`]
      : [];
  const size = getDrawnSize(checked, image, context);
  const isMisfit = mask !== undefined && !isSameSize(mask, image);
  // What does not fit is reported by the request's own checks.
  if (isSameSize(size, image) || isMisfit || size.width < 1 || size.height < 1)
    return { request: whole, notices };
  const toSize = (input: unknown) => scale(input as InputImage, size);
  const scaled = (await mapImages(imageRequestSchema, whole, toSize)) as typeof whole;
  const notice = `${checked.init?.image} has ${formatSize(image)} pixels; it is scaled to ${formatSize(size)}.`;
  return { request: scaled, notices: [...notices, notice] };
}

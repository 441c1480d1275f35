// Reads a request's images from files (node).
import { basename } from "node:path";
import { NishikiError } from "../errors.js";
import { readImage, scaleImage } from "../image/node.js";
import { parse, type z } from "../schema/index.js";
import { cropMiddle, describeSides, fitWithin, getCrop, growSides } from "./fit-image.js";
import {
  type FileRequest,
  fileRequestSchema,
  type ImageRequest,
  imageRequestSchema,
} from "./image-request.js";
import { isLight } from "./init-image.js";
import { findMaskMeaning, flattenMask, maskMeanings, scaleMask } from "./mask-meaning.js";
import type { InputImage, Pixels } from "./pixels.js";
import { sha256 } from "./receipt.js";
import {
  getDrawnSize,
  getInitScale,
  getStageSizes,
  isSameSize,
  type RequestContext,
} from "./request-context.js";
import { mapImages } from "./request-images.js";
import { formatSize, type ImageReference, type ImageSize } from "./request-values.js";

/**
 * Reads an image file of any common format; transparent pixels become white.
 * @param size Output size: center-crops to its aspect ratio, then scales. Omit it to keep the file's size.
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
  const { width, height, data } = await readImage(path);
  const image = { width, height, channels: 3 as const, data: Uint8Array.from(data), name: basename(path) };
  return size ? cropAndScale(image, size) : image;
}

async function cropAndScale(image: InputImage, size: ImageSize): Promise<InputImage> {
  const part = cropMiddle(image, getCrop(image, size));
  return isSameSize(part, size) ? part : scale(part, size);
}

/** Crops and scales a mask. */
function cropAndScaleMask(mask: InputImage, size: ImageSize): InputImage {
  const part = cropMiddle(mask, getCrop(mask, size));
  if (isSameSize(part, size)) return part;
  return { ...scaleMask(part, size), ...(mask.name !== undefined && { name: mask.name }) };
}

async function scale(image: InputImage, { width, height }: ImageSize): Promise<InputImage> {
  const { data } = await scaleImage(image, width, height);
  return { ...image, width, height, data: Uint8Array.from(data) };
}

/** A mask from a file, with notices for the user. */
export interface ReadMask {
  /** White where the image is redrawn, black where it stays. */
  readonly mask: InputImage;
  /** How transparent pixels are interpreted, and a warning if the mask is entirely black. */
  readonly notices: readonly string[];
}

/**
 * Reads a mask file of any common format. White is redrawn; masks with transparent pixels are interpreted.
 * @param image The image that the mask belongs to; helps to recognize a copy of it with a hole.
 * @throws NishikiError "file"
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { readInputImage, readMask } from "nishiki";
 * import { encodePng } from "nishiki/image";
 *
 * const image = await readInputImage("cat.png");
 * await writeFile("mask.png", encodePng({ ...image, data: image.data.map(() => 255) }));
 * const { mask, notices } = await readMask("mask.png", image);
 * console.log(mask.name, mask.data[0], notices.length); // → mask.png 255 0
 * ```
 */
export async function readMask(path: string, image?: Pixels): Promise<ReadMask> {
  const file = await readImage(path, { alpha: true });
  const notices: string[] = [];
  let flat: Pixels;
  if (file.channels === 4) {
    const meaning = findMaskMeaning(file, image);
    const isTransparent = file.data.some((value, i) => i % 4 === 3 && value < 128);
    if (isTransparent) notices.push(`The mask ${path} has transparent pixels: ${maskMeanings[meaning]}.`);
    flat = flattenMask(file, meaning);
  } else flat = { ...file, channels: 3, data: Uint8Array.from(file.data) };
  const hasWhite = flat.data.some((_, i) => i % 3 === 0 && isLight(flat.data, i / 3));
  if (!hasWhite) notices.push(`The mask ${path} is entirely black: nothing is redrawn.`);
  return { mask: { ...flat, name: basename(path) }, notices };
}

/** The size of the init image within the output: from the requested size, else the nearest smaller size of the model. */
function getInitSize(
  { size, inpaint, superResolution, stages }: CheckedFileRequest,
  image: ImageSize,
  context: RequestContext,
): ImageSize {
  const sizes = getStageSizes(context, stages);
  const { usual, range } = sizes;
  const use = { inpaint, superResolution };
  const initScale = getInitScale(sizes, use);
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  if (size !== undefined || !range) {
    const { width, height } = getDrawnSize(sizes, size ?? usual, use);
    return { width: width - left - right, height: height - top - bottom };
  }
  const below = (side: number) => side - (side % (range.step / initScale));
  const leastSide = range.least / initScale;
  if (Math.min(image.width, image.height) < leastSide) {
    const least = `at least ${leastSide}x${leastSide} pixels`;
    const message = `init.image: expected an image of ${least}, got ${formatSize(image)}. Set size to draw it larger.`;
    throw new NishikiError("usage", message);
  }
  return { width: below(image.width), height: below(image.height) };
}

/** A validated request whose images are file paths. */
type CheckedFileRequest = z.output<typeof fileRequestSchema>;
type CheckedRequest = z.output<typeof imageRequestSchema>;

/**
 * Reads a request's image files and fits them to the output size, keeping their aspect ratio.
 * @returns The request with pixels, and notices about scaling and masks.
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
  const notices: string[] = [];
  const file = checked.init?.image as string | undefined;
  const image = file === undefined ? undefined : await readInputImage(file);
  const read = async (path: unknown, where: string) => {
    if (where === "init.image") return image;
    if (where !== "inpaint.mask") return readInputImage(path as string);
    const { mask, notices: maskNotices } = await readMask(path as string, image);
    const isExtended = checked.inpaint?.extend !== undefined;
    notices.push(...maskNotices.filter((notice) => !(isExtended && / is entirely black/.test(notice))));
    return mask;
  };
  const whole = (await mapImages(fileRequestSchema, checked, read)) as CheckedRequest;
  // Of an image whose masked area alone is drawn, every pixel stays.
  if (!image || checked.inpaint?.onlyMasked !== undefined) return { request: whole, notices };
  const size = getInitSize(checked, image, context);
  const mask = whole.inpaint?.mask;
  const isMisfit = mask !== undefined && !isSameSize(mask, image);
  // completeRequest reports a misfit.
  if (isSameSize(size, image) || isMisfit || size.width < 1 || size.height < 1)
    return { request: whole, notices };
  const fitted = await fitImages(whole, image, size);
  return {
    request: fitted.request,
    notices: [...notices, `${file} has ${formatSize(image)} pixels; ${fitted.notice}`],
  };
}

/** Fits a request's images to a size: an extended image keeps all of its content, any other is center-cropped. */
async function fitImages(
  request: CheckedRequest,
  image: InputImage,
  size: ImageSize,
): Promise<{ readonly request: ImageRequest; readonly notice: string }> {
  const { extend } = request.inpaint ?? {};
  if (extend) {
    const fitted = fitWithin(image, size);
    const sides = growSides(extend, {
      width: size.width - fitted.width,
      height: size.height - fitted.height,
    });
    const changed = await scaleImages(request, fitted);
    const more = isSameSize(fitted, size)
      ? "."
      : ` and extended by ${describeSides(sides)} to keep its aspect ratio.`;
    const inpaint = { ...changed.inpaint, extend: sides };
    return { request: { ...changed, inpaint }, notice: `it is scaled to ${formatSize(fitted)}${more}` };
  }
  const crop = getCrop(image, size);
  const part = isSameSize(crop, image) ? "it" : `its center of ${formatSize(crop)}`;
  return { request: await scaleImages(request, size), notice: `${part} is scaled to ${formatSize(size)}.` };
}

async function scaleImages(request: CheckedRequest, size: ImageSize): Promise<CheckedRequest> {
  const change = async (input: unknown, where: string) => {
    if (where === "inpaint.mask") return cropAndScaleMask(input as InputImage, size);
    // What an image prompt looks like does not depend on the size that is drawn.
    return where === "init.image" ? cropAndScale(input as InputImage, size) : input;
  };
  return (await mapImages(imageRequestSchema, request, change)) as CheckedRequest;
}

/**
 * Reads an image that a receipt refers to, processed as it was for drawing.
 * @param where Its path in the request: "init.image" or "inpaint.mask".
 * @param initPath The file of the init image that a mask belongs to.
 * @throws NishikiError "file"
 */
export async function readReferencedImage(
  path: string,
  where: string,
  reference: ImageReference,
  initPath?: string,
): Promise<InputImage> {
  const read = async () => {
    if (where !== "inpaint.mask") return readInputImage(path, reference);
    const image = initPath === undefined ? undefined : await readInputImage(initPath);
    return cropAndScaleMask((await readMask(path, image)).mask, reference);
  };
  const image = await read();
  if ((await sha256(image.data)) === reference.sha256) return image;
  // Before 0.2, images were stretched, and masks were read like images.
  const whole = await readInputImage(path);
  const stretched = isSameSize(whole, reference) ? whole : await scale(whole, reference);
  return (await sha256(stretched.data)) === reference.sha256 ? stretched : image;
}

// Pictures from files, as requests take them (node).
import { basename } from "node:path";
import { NishikiError } from "../errors.js";
import { readPicture, scalePicture } from "../image/node.js";
import type { InputPicture } from "./pixels.js";
import type { PictureRequest, RequestContext } from "./request.js";
import { extension, parseSize, sizeText } from "./setting-checks.js";

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A picture from a file of any common format, its transparent pixels white.
 * @param size To which it is scaled; left out, it stays as it is.
 * @throws NishikiError "file"
 */
export async function readInputPicture(path: string, size?: Size): Promise<InputPicture> {
  const { width, height, data } = await readPicture(path);
  const picture = { width, height, channels: 3 as const, data: Uint8Array.from(data), name: basename(path) };
  return size && show(size) !== show(picture) ? scale(picture, size) : picture;
}

const show = ({ width, height }: Size) => `${width}x${height}`;

async function scale(picture: InputPicture, { width, height }: Size): Promise<InputPicture> {
  const { data } = await scalePicture(picture, width, height);
  return { ...picture, width, height, data: Uint8Array.from(data) };
}

/** A request whose pictures are still files' paths. */
export type RequestWithFiles = Omit<PictureRequest, "image" | "mask"> & {
  readonly image?: string;
  readonly mask?: string;
};

/** The size in which the picture goes into the drawing: what was asked for, else the nearest below that the model draws. */
function wantedSize({ size, extend }: RequestWithFiles, image: Size, { sizes }: RequestContext): Size {
  const { usual, range } = sizes;
  const {
    left = 0,
    right = 0,
    top = 0,
    bottom = 0,
  } = extend === undefined ? {} : extension(extend, "extend");
  if (size !== undefined || !range) {
    const [width, height] = size === undefined ? usual : parseSize(sizeText(size, "size"));
    return { width: width - left - right, height: height - top - bottom };
  }
  const below = (side: number) => side - (side % range.step);
  if (Math.min(image.width, image.height) < range.least) {
    const message = `image: expected a picture of at least ${range.least}x${range.least} pixels, got ${show(image)}. Give a size to draw it larger.`;
    throw new NishikiError("usage", message);
  }
  return { width: below(image.width), height: below(image.height) };
}

const isBlack = (mask: InputPicture | undefined) => mask?.data.every((value) => value < 128) ?? false;

/**
 * Reads the pictures that a request names and brings them to the size that is drawn.
 * @returns The request with pixels, and sentences of what was scaled, and of a mask without effect.
 * @throws NishikiError "file", "usage"
 */
export async function readPictures(
  request: RequestWithFiles,
  context: RequestContext,
): Promise<{ readonly request: PictureRequest; readonly notices: readonly string[] }> {
  const { image: imageFile, mask: maskFile, ...rest } = request;
  const mask = maskFile === undefined ? undefined : await readInputPicture(maskFile);
  if (imageFile === undefined) return { request: { ...rest, ...(mask && { mask }) }, notices: [] };
  const image = await readInputPicture(imageFile);
  const notices =
    isBlack(mask) && rest.extend === undefined
      ? [`${maskFile} is black all over: nothing is drawn anew.`]
      : [];
  const wanted = wantedSize(request, image, context);
  const isMisfit = mask && show(mask) !== show(image);
  if (show(wanted) === show(image) || isMisfit || wanted.width < 1 || wanted.height < 1) {
    // What does not fit is told by the request's own checks.
    return { request: { ...rest, image, ...(mask && { mask }) }, notices };
  }
  const pictures = { image: await scale(image, wanted), ...(mask && { mask: await scale(mask, wanted) }) };
  const notice = `${imageFile} has ${show(image)} pixels; it is drawn from at ${show(wanted)}.`;
  return { request: { ...rest, ...pictures }, notices: [...notices, notice] };
}

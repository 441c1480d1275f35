// The in-memory image type of the whole project.

import { NishikiError } from "../errors.js";

/** Pixels row by row from the top left, 8 bits per channel, RGB or RGBA (alpha not premultiplied), sRGB. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** [height, width, channels], values in [0, 255]. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** The largest width and height accepted from files; anything larger is a mistake or an attack. */
export const MAX_SIDE = 32_768;

/** The most pixels that an image from a file may have where all of them are decoded: 8,192 × 8,192. */
export const MAX_PIXELS = 2 ** 26;

/**
 * Rejects an image that would take too much memory, before decoding it.
 *
 * @param name The image's name at the start of the message.
 * @throws NishikiError `file`
 */
export function checkSize(
  name: string,
  { width, height }: Pick<Image, "width" | "height">,
  maxPixels = MAX_PIXELS,
): void {
  if (width * height <= maxPixels) return;
  const most = Math.floor(maxPixels / 1e6);
  throw new NishikiError(
    "file",
    `${name} has ${width}x${height} pixels; the limit is ${most} million. Make it smaller first.`,
  );
}

/**
 * Checks an image's size, channels and data.
 *
 * @throws NishikiError `shape` if a size is not a positive integer or the data does not match the size
 */
export function checkImage({ width, height, channels, data }: Image): void {
  const isSize = (size: number) => Number.isInteger(size) && size > 0 && size <= MAX_SIDE;
  if (!isSize(width) || !isSize(height) || (channels !== 3 && channels !== 4)) {
    throw new NishikiError(
      "shape",
      `Expected an image with sides of 1 to ${MAX_SIDE} pixels and 3 or 4 channels, got ${width}x${height} with ${channels}.`,
    );
  }
  if (data.length !== width * height * channels) {
    const expected = width * height * channels;
    throw new NishikiError(
      "shape",
      `Expected ${expected} bytes for an image of ${width}x${height} with ${channels} channels, got ${data.length}.`,
    );
  }
}

/** Composites an image over a background, [red, green, blue] in [0, 255]. Returns RGB images unchanged. */
export function toRgb(image: Image, background: readonly [number, number, number] = [255, 255, 255]): Image {
  checkImage(image);
  if (image.channels === 3) return image;
  const { width, height, data } = image;
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const alpha = data[pixel * 4 + 3]! / 255;
    for (let c = 0; c < 3; c++) {
      out[pixel * 3 + c] = Math.round(data[pixel * 4 + c]! * alpha + background[c]! * (1 - alpha));
    }
  }
  return { width, height, channels: 3, data: out };
}

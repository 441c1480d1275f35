// What an image is in memory, everywhere in the project.

import { NishikiError } from "../errors.js";

/** Pixels row by row from the top left, 8 bits per channel, RGB or RGBA (alpha not premultiplied), sRGB. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** [height, width, channels], values in [0, 255]. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** The largest width and height that is accepted from files: more is a mistake or an attack. */
export const MAX_SIDE = 32_768;

/** The most pixels that an image from a file may have where all of them are decoded: 8,192 × 8,192. */
export const MAX_PIXELS = 2 ** 26;

/**
 * Refuses an image that would take too much memory, before it does.
 *
 * @param name What to call it, at a sentence's beginning.
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
    `${name} has ${width}x${height} pixels; pictures of up to ${most} million are read. Make it smaller first.`,
  );
}

/**
 * Checks that an image is what it says.
 *
 * @throws NishikiError `shape` where sizes are not positive integers or the data does not fit them
 */
export function checkImage({ width, height, channels, data }: Image): void {
  const isSize = (size: number) => Number.isInteger(size) && size > 0 && size <= MAX_SIDE;
  if (!isSize(width) || !isSize(height) || (channels !== 3 && channels !== 4)) {
    throw new NishikiError(
      "shape",
      `A picture has 1 to ${MAX_SIDE} pixels a side and 3 or 4 channels; this one is ${width}x${height} with ${channels}.`,
    );
  }
  if (data.length !== width * height * channels) {
    const expected = width * height * channels;
    throw new NishikiError(
      "shape",
      `A picture of ${width}x${height} with ${channels} channels has ${expected} bytes; this one has ${data.length}.`,
    );
  }
}

/** An image without alpha: laid over a background, [red, green, blue] in [0, 255]. RGB images come back as they are. */
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

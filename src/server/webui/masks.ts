// webui's masks: white is repainted, or what is opaque if the mask has transparent pixels. Its blur reaches outside the mask.
import type { Image } from "../../image/index.js";
import type { ImageSize } from "../../pipeline/index.js";

/** Shares of the mask, [height, width]: 1 where the image is repainted. */
export interface Mask extends ImageSize {
  readonly data: Uint8Array;
}

/** Reads a mask's pixels, as webui does: opaque ones if some are transparent, otherwise those lighter than middle grey. */
export function readMaskPixels({ width, height, channels, data }: Image, isInverted: boolean): Mask {
  const count = width * height;
  const alphaAt = (pixel: number) => data[pixel * channels + 3]!;
  let hasHoles = false;
  if (channels === 4) for (let i = 0; i < count && !hasHoles; i++) hasHoles = alphaAt(i) < 255;
  const isWhite = (pixel: number) => {
    if (hasHoles) return alphaAt(pixel) > 128;
    const at = pixel * channels;
    return (data[at]! * 299 + data[at + 1]! * 587 + data[at + 2]! * 114) / 1000 > 128;
  };
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = isWhite(i) !== isInverted ? 1 : 0;
  return { width, height, data: out };
}

/** How far a blur of this size reaches, in pixels: two standard deviations. */
export const getReach = (blur: number) => Math.round(2 * blur);

/** Grows the ones by a number of pixels in each direction, along rows and then along columns. */
export function growMask({ width, height, data }: Mask, reach: number): Mask {
  if (reach === 0) return { width, height, data };
  const wide = spread(data, { lines: height, length: width, next: 1, line: width }, reach);
  return { width, height, data: spread(wide, { lines: width, length: height, next: width, line: 1 }, reach) };
}

interface Lines {
  readonly lines: number;
  readonly length: number;
  /** Distance of neighbours in a line, and of lines. */
  readonly next: number;
  readonly line: number;
}

function spread(data: Uint8Array, { lines, length, next, line }: Lines, reach: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let l = 0; l < lines; l++) {
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) {
      if (data[l * line + i * next] === 1) last = i;
      if (i - last <= reach) out[l * line + i * next] = 1;
    }
    last = Number.POSITIVE_INFINITY;
    for (let i = length - 1; i >= 0; i--) {
      if (data[l * line + i * next] === 1) last = i;
      if (last - i <= reach) out[l * line + i * next] = 1;
    }
  }
  return out;
}

/** The mask as black and white pixels. */
export function toImage({ width, height, data }: Mask): Image {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) if (data[i] === 1) pixels.fill(255, i * 3, i * 3 + 3);
  return { width, height, channels: 3, data: pixels };
}

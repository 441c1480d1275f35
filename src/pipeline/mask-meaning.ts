// Interprets masks with transparent pixels: programs save masks as white on black, as strokes on a transparent layer, or as
// the image itself with a hole.
import { isLight } from "./init-image.js";
import type { Pixels } from "./pixels.js";

/** RGBA pixels [height, width, 4]. */
export interface TransparentPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Which pixels of a mask mark the area to redraw. */
export type MaskMeaning = "light" | "opaque" | "transparent";

/** A description of each meaning, for notices. */
export const maskMeanings: Readonly<Record<MaskMeaning, string>> = {
  light: "its white pixels are redrawn, and its black and transparent ones stay",
  opaque: "its opaque pixels are redrawn, and its transparent ones stay",
  transparent: "its transparent pixels are redrawn, and its opaque ones stay",
};

type Bytes = Uint8Array | Uint8ClampedArray;

const isOpaque = (data: Bytes, pixel: number) => data[pixel * 4 + 3]! >= 128;

/** The share of a white-on-black mask's opaque pixels that is nearly white or nearly black; brushes have soft edges. */
const leastPlain = 0.9;

/** A layer counts as a copy of the image up to this mean colour difference. */
const sameColours = 8;

/**
 * Detects the meaning of a mask.
 * @param image The image that the mask belongs to, if their sizes match.
 */
export function findMaskMeaning(mask: TransparentPixels, image?: Pixels): MaskMeaning {
  const { width, height, data } = mask;
  const opaque: number[] = [];
  for (let pixel = 0; pixel < width * height; pixel++) if (isOpaque(data, pixel)) opaque.push(pixel);
  if (opaque.length === width * height) return "light";
  if (image && isCopy(mask, opaque, image)) return "transparent";
  const darkest = opaque.filter((pixel) => brightness(data, pixel) < 64).length;
  const lightest = opaque.filter((pixel) => brightness(data, pixel) >= 192).length;
  const isWhiteOnBlack =
    darkest > 0 &&
    lightest > 0 &&
    darkest + lightest >= leastPlain * opaque.length &&
    darkest > lightest / 100;
  if (isWhiteOnBlack) return "light";
  // Strokes leave most of the border transparent; an image with a hole does not.
  return countBorder(mask) * 2 > 2 * (width + height) - 4 ? "transparent" : "opaque";
}

const brightness = (data: Bytes, pixel: number) =>
  (data[pixel * 4]! * 299 + data[pixel * 4 + 1]! * 587 + data[pixel * 4 + 2]! * 114) / 1000;

/** Counts the opaque pixels of the border. */
function countBorder({ width, height, data }: TransparentPixels): number {
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isBorder = y === 0 || x === 0 || y === height - 1 || x === width - 1;
      if (isBorder && isOpaque(data, y * width + x)) count++;
    }
  }
  return count;
}

/** Whether the opaque pixels copy the image. A single colour does not count: it may be strokes on a plain background. */
function isCopy(
  { width, height, data }: TransparentPixels,
  opaque: readonly number[],
  image: Pixels,
): boolean {
  if (image.width !== width || image.height !== height || opaque.length === 0) return false;
  let difference = 0;
  let spread = 0;
  const first = opaque[0]!;
  for (const pixel of opaque) {
    for (let c = 0; c < 3; c++) {
      difference += Math.abs(data[pixel * 4 + c]! - image.data[pixel * 3 + c]!);
      spread = Math.max(spread, Math.abs(data[pixel * 4 + c]! - data[first * 4 + c]!));
    }
  }
  return difference / (3 * opaque.length) <= sameColours && spread > 2 * sameColours;
}

/** Converts a mask to white and black pixels according to its meaning. */
export function flattenMask({ width, height, data }: TransparentPixels, meaning: MaskMeaning): Pixels {
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const isWhite =
      meaning === "light"
        ? isOpaque(data, pixel) && isLight(data.subarray(pixel * 4, pixel * 4 + 3), 0)
        : isOpaque(data, pixel) === (meaning === "opaque");
    if (isWhite) out.fill(255, pixel * 3, pixel * 3 + 3);
  }
  return { width, height, channels: 3, data: out };
}

/** Resizes a mask: a pixel is white if any source pixel is, so that scaling loses no stroke. */
export function scaleMask({ width, height, data }: Pixels, to: { width: number; height: number }): Pixels {
  const out = new Uint8Array(to.width * to.height * 3);
  for (let y = 0; y < to.height; y++) {
    const [top, bottom] = [Math.floor((y * height) / to.height), Math.ceil(((y + 1) * height) / to.height)];
    for (let x = 0; x < to.width; x++) {
      const [left, right] = [Math.floor((x * width) / to.width), Math.ceil(((x + 1) * width) / to.width)];
      let isWhite = false;
      for (let fromY = top; fromY < bottom && !isWhite; fromY++)
        for (let fromX = left; fromX < right && !isWhite; fromX++)
          isWhite = isLight(data, fromY * width + fromX);
      if (isWhite) out.fill(255, (y * to.width + x) * 3, (y * to.width + x) * 3 + 3);
    }
  }
  return { width: to.width, height: to.height, channels: 3, data: out };
}

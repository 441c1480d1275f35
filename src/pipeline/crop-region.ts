// Drawing only the masked part of an image, at full size: the region around the mask is enlarged to the size that the model
// draws, and the result goes back into the image. stable-diffusion-webui calls it "only masked".
import { resize } from "../image/index.js";
import type { Pixels } from "./pixels.js";
import type { ImageSize } from "./request-values.js";

export interface Region extends ImageSize {
  readonly left: number;
  readonly top: number;
}

/** The box around the ones of a mask [height, width]; undefined if it has none. */
function getBox(mask: Uint8Array, { width, height }: ImageSize): Region | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    const row = mask.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(1));
    top = Math.min(top, y);
    bottom = y;
  }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Grows an interval to a length around its middle, moved to stay within [0, most]. */
function grow(start: number, length: number, wanted: number, most: number): readonly [number, number] {
  const size = Math.min(most, Math.max(length, wanted));
  const from = start - Math.floor((size - length) / 2);
  return [Math.min(most - size, Math.max(0, from)), size];
}

/**
 * The region to draw: the box around the mask with `padding` pixels on each side, grown to the aspect ratio of `size` as far as
 * the image reaches. The whole image if the mask is empty.
 */
export function getCropRegion(mask: Uint8Array, image: ImageSize, padding: number, size: ImageSize): Region {
  const box = getBox(mask, image);
  if (!box) return { left: 0, top: 0, ...image };
  const [x, width] = clampPadded(box.left, box.width, padding, image.width);
  const [y, height] = clampPadded(box.top, box.height, padding, image.height);
  const [left, wide] = grow(x, width, Math.round((height * size.width) / size.height), image.width);
  const [top, high] = grow(y, height, Math.round((width * size.height) / size.width), image.height);
  return { left, top, width: wide, height: high };
}

function clampPadded(
  start: number,
  length: number,
  padding: number,
  most: number,
): readonly [number, number] {
  const from = Math.max(0, start - padding);
  return [from, Math.min(most, start + length + padding) - from];
}

/** The pixels of a region, scaled to a size. */
export function cropTo(image: Pixels, region: Region, size: ImageSize): Pixels {
  const part = new Uint8Array(region.width * region.height * 3);
  for (let y = 0; y < region.height; y++) {
    const from = ((region.top + y) * image.width + region.left) * 3;
    part.set(image.data.subarray(from, from + region.width * 3), y * region.width * 3);
  }
  return scalePixels({ width: region.width, height: region.height, channels: 3, data: part }, size);
}

/** The mask of a region at a size: a pixel is 1 if any source pixel is, so that no stroke is lost. */
export function cropMask(mask: Uint8Array, image: ImageSize, region: Region, size: ImageSize): Uint8Array {
  const out = new Uint8Array(size.width * size.height);
  const range = (index: number, length: number, count: number) => [
    Math.floor((index * length) / count),
    Math.ceil(((index + 1) * length) / count),
  ];
  for (let y = 0; y < size.height; y++) {
    const [top, bottom] = range(y, region.height, size.height) as [number, number];
    for (let x = 0; x < size.width; x++) {
      const [left, right] = range(x, region.width, size.width) as [number, number];
      let isWhite = false;
      for (let row = top; row < bottom && !isWhite; row++) {
        const start = (region.top + row) * image.width + region.left;
        isWhite = mask.subarray(start + left, start + right).includes(1);
      }
      out[y * size.width + x] = isWhite ? 1 : 0;
    }
  }
  return out;
}

/** A copy of the image with the drawn pixels in the region. */
export function placeRegion(image: Pixels, drawn: Pixels, region: Region): Pixels {
  const part = scalePixels(drawn, region);
  const data = Uint8Array.from(image.data);
  for (let y = 0; y < region.height; y++)
    data.set(
      part.data.subarray(y * region.width * 3, (y + 1) * region.width * 3),
      ((region.top + y) * image.width + region.left) * 3,
    );
  return { ...image, data };
}

function scalePixels(image: Pixels, { width, height }: ImageSize): Pixels {
  if (image.width === width && image.height === height) return image;
  return { width, height, channels: 3, data: Uint8Array.from(resize(image, width, height).data) };
}

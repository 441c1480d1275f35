// Bringing an image to the size that is drawn without changing its proportions.
import type { InputImage } from "./pixels.js";
import type { Extension, ImageSize } from "./request-values.js";

/** Sides that differ by less than this share of a size are rounding: such an image is scaled as it is. */
const rounding = 0.02;

/** The largest size of an image's proportions within a size. */
export function fitWithin(image: ImageSize, { width, height }: ImageSize): ImageSize {
  const factor = Math.min(width / image.width, height / image.height);
  const side = (length: number, most: number) => {
    const exact = length * factor;
    return exact > most * (1 - rounding) ? most : Math.max(1, Math.round(exact));
  };
  return { width: side(image.width, width), height: side(image.height, height) };
}

/** The part of an image that has a size's proportions. */
export function getCrop(image: ImageSize, { width, height }: ImageSize): ImageSize {
  const factor = Math.max(width / image.width, height / image.height);
  const side = (length: number, scaled: number) => {
    const part = scaled / factor;
    return part > length * (1 - rounding) ? length : Math.max(1, Math.round(part));
  };
  return { width: side(image.width, width), height: side(image.height, height) };
}

/** The middle of an image. */
export function cropMiddle(image: InputImage, { width, height }: ImageSize): InputImage {
  if (image.width === width && image.height === height) return image;
  const [left, top] = [Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2)];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((y + top) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { ...image, width, height, data };
}

/** Sides that take up the rest: those of the same direction that grow anyway, else both alike. */
export function growSides(extend: Extension, rest: ImageSize): Extension {
  const share = (first: number, second: number, more: number): [number, number] => {
    if (first > 0 === second > 0) {
      const half = Math.floor(more / 2);
      return [first + half, second + more - half];
    }
    return first > 0 ? [first + more, second] : [first, second + more];
  };
  const [left, right] = share(extend.left ?? 0, extend.right ?? 0, rest.width);
  const [top, bottom] = share(extend.top ?? 0, extend.bottom ?? 0, rest.height);
  return { left, right, top, bottom };
}

/** "left=64, top=32" */
export function describeSides(sides: Extension): string {
  return Object.entries(sides)
    .filter(([, length]) => length > 0)
    .map(([name, length]) => `${name}=${length}`)
    .join(", ");
}

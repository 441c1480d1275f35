// Fits an image to the output size without changing its aspect ratio.
import type { InputImage } from "./pixels.js";
import type { Extension, ImageSize } from "./request-values.js";

/** Relative differences below this are rounding: the image is scaled without a crop. */
const rounding = 0.02;

/** The largest size with the image's aspect ratio that fits within a size. */
export function fitWithin(image: ImageSize, { width, height }: ImageSize): ImageSize {
  const factor = Math.min(width / image.width, height / image.height);
  const side = (length: number, most: number) => {
    const exact = length * factor;
    return exact > most * (1 - rounding) ? most : Math.max(1, Math.round(exact));
  };
  return { width: side(image.width, width), height: side(image.height, height) };
}

/** The largest crop of an image with a size's aspect ratio. */
export function getCrop(image: ImageSize, { width, height }: ImageSize): ImageSize {
  const factor = Math.max(width / image.width, height / image.height);
  const side = (length: number, scaled: number) => {
    const part = scaled / factor;
    return part > length * (1 - rounding) ? length : Math.max(1, Math.round(part));
  };
  return { width: side(image.width, width), height: side(image.height, height) };
}

/** Crops an image to its center. */
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

/** Distributes the rest over the sides of each axis that already grow; over both if neither or both do. */
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

// What helps where an image does not fit into memory.
import type { ImageSizes } from "./request-context.js";
import type { ImageSize } from "./request-values.js";

/** The next smaller size that the model draws, of about the same shape: half as many pixels or less. */
export function findSmallerSize(
  size: ImageSize,
  { usual, range, enlarging }: ImageSizes,
): ImageSize | undefined {
  const area = ({ width, height }: ImageSize) => width * height;
  const scaled = (image: ImageSize, factor: number, step: number) => ({
    width: Math.floor((image.width * factor) / step) * step,
    height: Math.floor((image.height * factor) / step) * step,
  });
  if (!range) {
    const sizes = [1, ...(enlarging?.factors ?? [])].map((factor) => scaled(usual, factor, 1));
    return sizes.filter((one) => area(one) < area(size)).sort((a, b) => area(b) - area(a))[0];
  }
  const target = Math.min(area(usual), area(size) / 2);
  const smaller = scaled(size, Math.sqrt(target / area(size)), range.step);
  const isPossible = Math.min(smaller.width, smaller.height) >= range.least && area(smaller) < area(size);
  return isPossible ? smaller : undefined;
}

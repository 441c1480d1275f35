// Numbers about images of one size.
import { NishikiError } from "../errors.js";
import type { Pixels } from "../pipeline/index.js";

export function checkSizes(images: readonly Pixels[]): void {
  const [first] = images;
  if (first && images.every(({ width, height }) => width === first.width && height === first.height)) return;
  throw new NishikiError("usage", "Expected images of one size.");
}

/** Mean squared difference of two images' values, 0 to 255². */
function meanSquare(a: Pixels, b: Pixels): number {
  checkSizes([a, b]);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return sum / a.data.length;
}

/** Peak signal-to-noise ratio in dB; 99 for equal images. */
export function psnr(a: Pixels, b: Pixels): number {
  const error = meanSquare(a, b);
  return error === 0 ? 99 : 10 * Math.log10(255 ** 2 / error);
}

/** How much each pixel changed: [height, width], mean absolute difference of the channels, 0 to 1. */
export function differ(a: Pixels, b: Pixels): Float32Array {
  checkSizes([a, b]);
  const { channels } = a;
  return Float32Array.from({ length: a.width * a.height }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += Math.abs(a.data[i * channels + c]! - b.data[i * channels + c]!);
    return sum / channels / 255;
  });
}

/** The pixel-wise mean. */
export function meanImage(images: readonly Pixels[]): Pixels {
  checkSizes(images);
  const [first] = images as readonly [Pixels];
  const data = Uint8Array.from({ length: first.data.length }, (_, i) =>
    Math.round(images.reduce((sum, image) => sum + image.data[i]!, 0) / images.length),
  );
  return { ...first, data };
}

/** Root mean square distance between two different images, averaged over all pairs; 0 for a single image. */
export function meanPairDistance(images: readonly Pixels[]): number {
  let [sum, pairs] = [0, 0];
  images.forEach((a, i) => {
    for (const b of images.slice(i + 1)) {
      sum += Math.sqrt(meanSquare(a, b));
      pairs++;
    }
  });
  return pairs === 0 ? 0 : sum / pairs;
}

/** Pearson's correlation; 0 if one of them is constant. */
export function correlate(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const mean = (values: ArrayLike<number>) => Array.prototype.reduce.call(values, add, 0) as number;
  const [meanA, meanB] = [mean(a) / a.length, mean(b) / b.length];
  let [both, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    both += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return squaresA === 0 || squaresB === 0 ? 0 : both / Math.sqrt(squaresA * squaresB);
}

const add = (sum: unknown, value: number) => (sum as number) + value;

// Enlarges planes of numbers by cubic convolution (Keys 1981, a = -1/2), as PyTorch's interpolate does with `antialias`: near
// the edges, the weights of the pixels that exist add up to 1.
import type { ImageSize } from "./request-values.js";

/** Planes `[channels, height, width]`. */
export interface SizedPlanes extends ImageSize {
  readonly data: Float32Array;
}

const support = 2;

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Which pixels each new one is made of; `to` is at least `from`. */
function getTaps(from: number, to: number): Taps[] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (__, j) => cubic(first + j - centre + 0.5));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/** Enlarges rows `[rows, from]` → `[rows, to]`, or with a stride `[rows, from, stride]` → `[rows, to, stride]`. */
function enlargeAxis(data: Float32Array, from: number, to: number, stride: number): Float32Array {
  const rows = data.length / (from * stride);
  const taps = getTaps(from, to);
  const out = new Float32Array(rows * to * stride);
  for (let row = 0; row < rows; row++)
    taps.forEach(({ first, weights }, i) => {
      for (let k = 0; k < stride; k++) {
        let sum = 0;
        weights.forEach((weight, j) => {
          sum += weight * data[(row * from + first + j) * stride + k]!;
        });
        out[(row * to + i) * stride + k] = sum;
      }
    });
  return out;
}

/** Enlarges planes to a size that is no smaller on either side. */
export function enlargeBicubic({ data, width, height }: SizedPlanes, size: ImageSize): Float32Array {
  const wide = enlargeAxis(data, width, size.width, 1);
  return enlargeAxis(wide, height, size.height, size.width);
}

// Bilinear interpolation whose corners are the centres of the corner pixels (torch's align_corners).
import type { ImageSize } from "./request-values.js";

/** The two neighbours of a position on an axis, and the weight of the second. */
function locate(at: number, from: number, to: number): readonly [low: number, high: number, weight: number] {
  const place = to === 1 ? 0 : (at * (from - 1)) / (to - 1);
  const low = Math.min(from - 1, Math.floor(place));
  return [low, Math.min(from - 1, low + 1), place - low];
}

/** Resizes planes `[channels, height, width]`. */
export function resizeBilinear(
  { width, height, data }: ImageSize & { readonly data: Float32Array },
  to: ImageSize,
): Float32Array {
  const channels = data.length / (width * height);
  const columns = Array.from({ length: to.width }, (_, x) => locate(x, width, to.width));
  const result = new Float32Array(channels * to.width * to.height);
  let i = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < to.height; y++) {
      const [top, bottom, down] = locate(y, height, to.height);
      const [first, second] = [top, bottom].map((row) => (channel * height + row) * width) as [
        number,
        number,
      ];
      for (const [left, right, across] of columns) {
        const upper = data[first + left]! * (1 - across) + data[first + right]! * across;
        const lower = data[second + left]! * (1 - across) + data[second + right]! * across;
        result[i++] = upper * (1 - down) + lower * down;
      }
    }
  }
  return result;
}

// Images as networks see them, one plane per channel, and as pixels.
import { type Pixels, toBytes } from "./pixels.js";
import type { ImageSize } from "./request-values.js";

/** `[height, width, 3]` → `[3, height, width]`. */
export function toPlanes(values: Float32Array): Float32Array {
  const places = values.length / 3;
  return values.map((_, i) => values[(i % places) * 3 + Math.floor(i / places)]!);
}

/** Planes `[3, height, width]` in about [-1, 1] → pixels. */
export function fromPlanes(planes: Float32Array, { width, height }: ImageSize): Pixels {
  const places = width * height;
  const values = planes.map((_, i) => planes[(i % 3) * places + Math.floor(i / 3)]!);
  return { width, height, channels: 3, data: toBytes(values) };
}

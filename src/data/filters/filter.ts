// Types of filters over finished scenes, and raster helpers that they share.

/** A drawn scene before filtering. */
export interface Layers {
  /** `size × size` RGB bytes. */
  readonly pixels: Uint8Array;
  /** `size × size` bytes: coverage of each pixel by things, 0 to 255. */
  readonly mask: Uint8Array;
  readonly size: number;
  /** Chooses among a filter's few variants. */
  readonly variant: number;
  /** Whether the background is the plain near-white one that no caption names. */
  readonly plain: boolean;
}

/** Filters a scene's pixels. */
export type Filter = (layers: Layers) => Uint8Array;

/** Repeatable noise in [0, 1) from two whole numbers. */
export function noise(x: number, y: number): number {
  let value = Math.imul(x + 0x1f123bb5, 0x9e3779b1) ^ Math.imul(y + 0x5f356495, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  value = Math.imul(value ^ (value >>> 12), 0x297a2d39);
  return ((value ^ (value >>> 15)) >>> 0) / 4294967296;
}

/** Noise that changes smoothly over cells of `cellX × cellY` pixels, in [0, 1). */
export function smoothNoise(x: number, y: number, cellX: number, cellY: number): number {
  const gx = x / cellX;
  const gy = y / cellY;
  const ix = Math.floor(gx);
  const iy = Math.floor(gy);
  const fx = ease(gx - ix);
  const fy = ease(gy - iy);
  const top = noise(ix, iy) + (noise(ix + 1, iy) - noise(ix, iy)) * fx;
  const bottom = noise(ix, iy + 1) + (noise(ix + 1, iy + 1) - noise(ix, iy + 1)) * fx;
  return top + (bottom - top) * fy;
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}

/** Caches per-pixel values by size, because they do not depend on the scene. */
export function perSize<T>(make: (size: number) => T): (size: number) => T {
  const cache = new Map<number, T>();
  return (size) => {
    let value = cache.get(size);
    if (value === undefined) {
      value = make(size);
      cache.set(size, value);
    }
    return value;
  };
}

/** A texture of bytes, one per pixel. */
export function makeTexture(size: number, value: (x: number, y: number) => number): Uint8Array {
  const texture = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) texture[y * size + x] = Math.max(0, Math.min(255, value(x, y)));
  }
  return texture;
}

/**
 * The outline of the things: for each pixel 255 on the boundary of the mask, 0 away from it.
 *
 * @param reach half the line's width in pixels
 */
export function outline(mask: Uint8Array, size: number, reach: number): Uint8Array {
  const out = new Uint8Array(size * size);
  for (let y = reach; y < size - reach; y++) {
    for (let x = reach; x < size - reach; x++) {
      const at = y * size + x;
      const left = mask[at - reach]!;
      const right = mask[at + reach]!;
      const up = mask[at - reach * size]!;
      const down = mask[at + reach * size]!;
      const low = Math.min(left, right, up, down);
      const high = Math.max(left, right, up, down);
      out[at] = high - low;
    }
  }
  return out;
}

/** Mean over a box of `2·reach + 1` pixels, by running sums; edges repeat. `channels` bytes per pixel. */
export function boxBlur(input: Uint8Array, size: number, channels: number, reach: number): Uint8Array {
  const across = new Uint8Array(input.length);
  const out = new Uint8Array(input.length);
  blurLines(input, across, size, channels, size * channels, channels, reach);
  blurLines(across, out, size, channels, channels, size * channels, reach);
  return out;
}

function blurLines(
  input: Uint8Array,
  output: Uint8Array,
  size: number,
  channels: number,
  lineStride: number,
  stepStride: number,
  reach: number,
): void {
  const width = 2 * reach + 1;
  for (let line = 0; line < size; line++) {
    for (let channel = 0; channel < channels; channel++) {
      const start = line * lineStride + channel;
      const last = start + (size - 1) * stepStride;
      let sum = input[start]! * (reach + 1);
      for (let step = 1; step <= reach; step++) sum += input[start + step * stepStride]!;
      for (let step = 0, at = start; step < size; step++, at += stepStride) {
        output[at] = (sum + reach) / width;
        const enters = Math.min(last, at + (reach + 1) * stepStride);
        const leaves = Math.max(start, at - reach * stepStride);
        sum += input[enters]! - input[leaves]!;
      }
    }
  }
}

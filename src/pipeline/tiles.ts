// Cutting an image into overlapping tiles, and putting what became of them together again. Images are channels-first.
import type { HostTensor } from "../engine/index.js";
import { NishikiError } from "../errors.js";

/** Sizes in latents. */
export interface Tiling {
  /** Side of a tile, its overlaps included: what decides memory. */
  readonly tileSize: number;
  /** What a tile reads beyond the part that it gives, towards its neighbours. */
  readonly overlap: number;
}

/** A stretch of one axis: what is read, and within it what is kept. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** A rectangle of both axes. */
export interface Tile {
  readonly rows: Span;
  readonly columns: Span;
}

/** Equal parts of an axis, each read with an overlap towards its neighbours and none longer than a tile. */
export function planSpans(length: number, { tileSize, overlap }: Tiling): Span[] {
  const kept = tileSize - 2 * overlap;
  if (![tileSize, overlap].every(Number.isInteger) || overlap < 0 || kept < 1) {
    throw new NishikiError(
      "usage",
      `Tiles: expected whole numbers, and a tile larger than both of its overlaps, got tiles of ${tileSize} that overlap by ${overlap}.`,
    );
  }
  // The first and the last part need an overlap on one side only.
  const count = length <= tileSize ? 1 : Math.ceil((length - 2 * overlap) / kept);
  const border = (i: number) =>
    i === 0 ? 0 : i === count ? length : overlap + Math.round((i * (length - 2 * overlap)) / count);
  return Array.from({ length: count }, (_, i) => {
    const [start, end] = [border(i), border(i + 1)];
    return { from: Math.max(0, start - overlap), to: Math.min(length, end + overlap), start, end };
  });
}

/** The tiles of an image, row by row. */
export function planTiles(height: number, width: number, tiling: Tiling): Tile[] {
  const columns = planSpans(width, tiling);
  return planSpans(height, tiling).flatMap((rows) => columns.map((span) => ({ rows, columns: span })));
}

/**
 * An image with every so many rows and columns only, so that at most `size × size` are left: few, but from everywhere, and
 * with the numbers that are there (means of several would have another deviation).
 */
export function thinOut(from: HostTensor, size: number): HostTensor {
  const [, channels, height, width] = from.shape as [number, number, number, number];
  const step = Math.max(1, Math.sqrt(height * width) / size);
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.floor(side / step))) as [
    number,
    number,
  ];
  const to = makeTensor([1, channels, rows, columns]);
  const [input, output] = [from.data as Float32Array, to.data as Float32Array];
  const place = (i: number, of: number, side: number) => Math.floor(((i + 0.5) * side) / of);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < rows; i++) {
      const row = (channel * height + place(i, rows, height)) * width;
      const out = (channel * rows + i) * columns;
      for (let j = 0; j < columns; j++) output[out + j] = input[row + place(j, columns, width)]!;
    }
  }
  return to;
}

/** Copies a rectangle of one image into another one, each at its own place. */
export function copyPart(
  from: HostTensor,
  to: HostTensor,
  part: {
    readonly height: number;
    readonly width: number;
    readonly source: readonly [number, number];
    readonly target: readonly [number, number];
  },
): void {
  const [, channels, fromHeight, fromWidth] = from.shape as [number, number, number, number];
  const [, , toHeight, toWidth] = to.shape as [number, number, number, number];
  const { height, width, source, target } = part;
  const [input, output] = [from.data as Float32Array, to.data as Float32Array];
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = (channel * fromHeight + source[0] + row) * fromWidth + source[1];
      const place = (channel * toHeight + target[0] + row) * toWidth + target[1];
      output.set(input.subarray(start, start + width), place);
    }
  }
}

/** Zeros. */
export function makeTensor(shape: readonly number[]): HostTensor {
  return { dtype: "f32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

// Cuts a channels-first image into overlapping tiles and reassembles the results.
import type { HostTensor } from "../engine/index.js";
import { NishikiError } from "../errors.js";

/** Tile sizes in latents. */
export interface Tiling {
  /** Side of a tile, including its overlaps; determines memory use. */
  readonly tileSize: number;
  /** How far a tile reads into its neighbours. */
  readonly overlap: number;
}

/** A range of one axis: a tile reads `from` … `to` and contributes `start` … `end`. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** A tile's ranges on both axes. */
export interface Tile {
  readonly rows: Span;
  readonly columns: Span;
}

/** Splits an axis into equal parts that, with their overlaps, are no longer than a tile. */
export function planSpans(length: number, { tileSize, overlap }: Tiling): Span[] {
  const inner = tileSize - 2 * overlap;
  if (![tileSize, overlap].every(Number.isInteger) || overlap < 0 || inner < 1) {
    throw new NishikiError(
      "usage",
      `Tiles: expected whole numbers, with a tile larger than its two overlaps, got tiles of ${tileSize} with overlaps of ${overlap}.`,
    );
  }
  // The first and the last part only overlap on one side.
  const count = length <= tileSize ? 1 : Math.ceil((length - 2 * overlap) / inner);
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
 * Subsamples an image evenly to at most `size × size` pixels. Picks pixels rather than averaging them, which would change
 * their standard deviation.
 */
export function subsample(from: HostTensor, size: number): HostTensor {
  const [, channels, height, width] = from.shape as [number, number, number, number];
  const step = Math.max(1, Math.sqrt(height * width) / size);
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.floor(side / step))) as [
    number,
    number,
  ];
  const to = makeTensor([1, channels, rows, columns]);
  const [input, output] = [from.data as Float32Array, to.data as Float32Array];
  const pick = (i: number, count: number, side: number) => Math.floor(((i + 0.5) * side) / count);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < rows; i++) {
      const row = (channel * height + pick(i, rows, height)) * width;
      const out = (channel * rows + i) * columns;
      for (let j = 0; j < columns; j++) output[out + j] = input[row + pick(j, columns, width)]!;
    }
  }
  return to;
}

/** Copies a rectangle from one image into another, at different positions. */
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
      const targetStart = (channel * toHeight + target[0] + row) * toWidth + target[1];
      output.set(input.subarray(start, start + width), targetStart);
    }
  }
}

/** A float32 tensor of zeros. */
export function makeTensor(shape: readonly number[]): HostTensor {
  return { dtype: "f32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

// Evaluates a denoiser on a large image in overlapping tiles and blends their predictions, in each step anew, so that no seam
// can grow (MultiDiffusion: Bar-Tal et al. 2023, arXiv:2302.08113). An image that fits into one tile is evaluated as a whole.

/** A range of one axis. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export interface BlendedTiling {
  /** Side of a tile. */
  readonly side: number;
  /** How far neighbours overlap, at least. */
  readonly overlap: number;
}

/** Splits an axis into evenly spaced tiles of one length. */
export function splitAxis(length: number, { side, overlap }: BlendedTiling): Range[] {
  if (length <= side) return [{ from: 0, to: length }];
  const count = Math.ceil((length - overlap) / (side - overlap));
  return Array.from({ length: count }, (_, i) => {
    const from = Math.round((i * (length - side)) / (count - 1));
    return { from, to: from + side };
  });
}

/** Weights along an axis: they fall towards a neighbour, and nowhere else. */
function getRamp({ from, to }: Range, length: number, overlap: number): Float32Array {
  return Float32Array.from({ length: to - from }, (_, i) => {
    const start = from === 0 ? 1 : (i + 0.5) / overlap;
    const end = to === length ? 1 : (to - from - i - 0.5) / overlap;
    return Math.min(1, start, end);
  });
}

/** Images `[rows, channels, height, width]`. */
export interface ImageBatch {
  readonly data: Float32Array;
  readonly rows: number;
  readonly height: number;
  readonly width: number;
}

/** The planes of a part of each image. */
function cut({ data, height, width }: ImageBatch, rows: Range, columns: Range): Float32Array {
  const planes = data.length / (height * width);
  const [h, w] = [rows.to - rows.from, columns.to - columns.from];
  const part = new Float32Array(planes * h * w);
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < h; y++) {
      const start = (plane * height + rows.from + y) * width + columns.from;
      part.set(data.subarray(start, start + w), (plane * h + y) * w);
    }
  }
  return part;
}

/**
 * Evaluates in tiles.
 * @param run Evaluates one tile: `[rows, channels, height, width]` → `[rows, any channels, height, width]`.
 */
export async function evaluateInTiles(
  images: ImageBatch,
  tiling: BlendedTiling,
  run: (tile: ImageBatch) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { height, width, rows: batch } = images;
  if (height <= tiling.side && width <= tiling.side) return run(images);
  let sum: Float64Array | undefined;
  const weights = new Float64Array(height * width);
  for (const rows of splitAxis(height, tiling)) {
    const down = getRamp(rows, height, tiling.overlap);
    for (const columns of splitAxis(width, tiling)) {
      const across = getRamp(columns, width, tiling.overlap);
      const [h, w] = [down.length, across.length];
      const part = await run({ data: cut(images, rows, columns), rows: batch, height: h, width: w });
      const planes = part.length / (h * w);
      sum ??= new Float64Array(planes * height * width);
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
          const weight = down[y]! * across[x]!;
          const at = (rows.from + y) * width + columns.from + x;
          weights[at]! += weight;
          for (let plane = 0; plane < planes; plane++)
            sum[plane * height * width + at]! += weight * part[(plane * h + y) * w + x]!;
        }
      }
    }
  }
  return Float32Array.from(sum!, (value, i) => value / weights[i % weights.length]!);
}

// Masks: resized from pixels to latents, and turned into the soft edge for pasting an image back.
import type { Pixels } from "./pixels.js";

/** Width and height, in pixels or in latents. */
export interface MaskSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Which pixel decides a cell: "any" white one, so that no stroke is too thin, or the upper left "corner", which matches the
 * nearest-neighbour resizing of diffusers' pipelines.
 */
export type CellRule = "any" | "corner";

/** Resizes a mask [height, width] of 0 and 1 to one number per cell. */
export function resizeMask(
  mask: Uint8Array,
  pixels: MaskSize,
  cells: MaskSize,
  rule: CellRule = "any",
): Float32Array {
  const result = new Float32Array(cells.width * cells.height);
  const edge = (index: number, length: number, count: number) => (index * length) / count;
  for (let row = 0; row < cells.height; row++) {
    const top = Math.floor(edge(row, pixels.height, cells.height));
    const bottom = rule === "corner" ? top + 1 : Math.ceil(edge(row + 1, pixels.height, cells.height));
    for (let column = 0; column < cells.width; column++) {
      const left = Math.floor(edge(column, pixels.width, cells.width));
      const right = rule === "corner" ? left + 1 : Math.ceil(edge(column + 1, pixels.width, cells.width));
      let isWhite = false;
      for (let y = top; y < bottom && !isWhite; y++)
        isWhite = mask.subarray(y * pixels.width + left, y * pixels.width + right).includes(1);
      result[row * cells.width + column] = isWhite ? 1 : 0;
    }
  }
  return result;
}

/** Width in pixels of the soft edge inside the mask: a hundredth of the shorter side. */
export function getEdgeWidth({ width, height }: MaskSize): number {
  return Math.max(1, Math.round(Math.min(width, height) / 100));
}

/**
 * The blend weight of the redrawn image per pixel: 0 outside the mask, rising to 1 across its edge. Distances are Chebyshev
 * distances; everything beyond the image's border counts as redrawn.
 */
export function makeSoftEdge(
  mask: Uint8Array,
  size: MaskSize,
  edgeWidth: number = getEdgeWidth(size),
): Float32Array {
  const { width, height } = size;
  const most = edgeWidth + 1;
  const distances = Uint8Array.from(mask, (value) => (value === 1 ? Math.min(255, most) : 0));
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 255 : distances[y * width + x]!;
  const relax = (x: number, y: number, sign: 1 | -1) => {
    const nearest = Math.min(at(x - sign, y), at(x - 1, y - sign), at(x, y - sign), at(x + 1, y - sign));
    const index = y * width + x;
    distances[index] = Math.min(distances[index]!, nearest + 1);
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) relax(x, y, 1);
  for (let y = height - 1; y >= 0; y--) for (let x = width - 1; x >= 0; x--) relax(x, y, -1);
  return Float32Array.from(distances, (distance) => distance / most);
}

/** Blends the redrawn image inside the mask with the original outside it, with a soft edge inside the mask. */
export function pasteBack(drawn: Pixels, original: Pixels, mask: Uint8Array, edgeWidth?: number): Pixels {
  const shares = makeSoftEdge(mask, drawn, edgeWidth);
  const data = drawn.data.map((value, i) => {
    const share = shares[Math.floor(i / 3)]!;
    return Math.round(share * value + (1 - share) * original.data[i]!);
  });
  return { ...drawn, data };
}

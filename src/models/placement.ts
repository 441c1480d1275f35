// Placement of things as a denoiser input. Training scenes vary in placement; a network without this input
// must settle it cell by cell, and neighbouring cells that settle differently produce wobbly outlines.
// Conditioning on what is known of a training image besides its caption is also done elsewhere (Podell et al.
// 2023, arXiv:2307.01952, section 2.2).
import { foldPixels, type Scope, type Tensor } from "../graph/index.js";
import { convLast } from "../nn/index.js";

/** One thing: its centre and longer side as fractions of the image's side. */
export interface PlacedBox {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** For two different things: 1 for the first and −1 for the second in reading order; 0 for all others. */
  readonly which: number;
}

/** known, there, u, v, log of the size, which */
export const placementChannels = 6;

/**
 * Writes the map of boxes into `out [side, side, placementChannels]`, which must be zero: for every cell,
 * whether a thing covers it and its position in that thing's frame, −1 to 1 from edge to edge. If boxes
 * overlap, the last one wins. Without boxes, everything is unknown.
 */
export function drawPlacement(boxes: readonly PlacedBox[], side: number, out: Float32Array): void {
  if (boxes.length === 0) return;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = (row * side + column) * placementChannels;
      out[at] = 1;
      for (const { x, y, size, which } of boxes) {
        const u = ((column + 0.5) / side - x) / (size / 2);
        const v = ((row + 0.5) / side - y) / (size / 2);
        // Extends half a cell beyond the edge, where the outline is drawn.
        const reach = 1 + 1 / (side * size);
        if (Math.abs(u) > reach || Math.abs(v) > reach) continue;
        out.set([1, 1, u, v, Math.log(size / 0.5), which], at);
      }
    }
  }
}

/**
 * Projects a placement to be added to a stem: `[batch, side, side, placementChannels]` → `[batch, side /
 * fold, side / fold, width]`.
 * Without bias, so that an unknown placement (all zeros) adds nothing.
 */
export function readPlacement(scope: Scope, placement: Tensor, fold: number, width: number): Tensor {
  return convLast(scope, fold === 1 ? placement : foldPixels(placement, fold), width, { bias: false });
}

// Where things lie, as an input of a denoiser. Training scenes lie a little differently each time; a network that is not told where
// has to settle it cell by cell, and neighbouring cells settle on different places, which is seen as wobbly outlines. What is known of
// a training image beside its caption is given as a condition elsewhere too (Podell et al. 2023, arXiv:2307.01952, section 2.2).
import { foldPixels, type Scope, type Tensor } from "../graph/index.js";
import { convLast } from "../nn/index.js";

/** One thing: its centre and longer side in shares of the image's side. */
export interface PlacedBox {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Of two different things: 1 for the first and −1 for the second in reading order; 0 for all others. */
  readonly which: number;
}

/** known, there, u, v, log of the size, which */
export const placementChannels = 6;

/**
 * The map of some boxes, written into `out [side, side, placementChannels]`, which is zero: of every cell whether a thing covers it and
 * where it lies in that thing's frame, −1 to 1 from edge to edge. Where boxes overlap, the last one covers. No boxes: all is unknown.
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
        // Half a cell beyond the edge: the outline lies there, and is drawn there.
        const reach = 1 + 1 / (side * size);
        if (Math.abs(u) > reach || Math.abs(v) > reach) continue;
        out.set([1, 1, u, v, Math.log(size / 0.5), which], at);
      }
    }
  }
}

/**
 * What a placement adds to what a stem sees: `[batch, side, side, placementChannels]` → `[batch, side / fold, side / fold, width]`.
 * Without bias, so that an unknown placement (all zeros) adds nothing.
 */
export function readPlacement(scope: Scope, placement: Tensor, fold: number, width: number): Tensor {
  return convLast(scope, fold === 1 ? placement : foldPixels(placement, fold), width, { bias: false });
}

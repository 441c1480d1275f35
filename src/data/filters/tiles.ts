// Styles of single-coloured pieces: pixel art, mosaic, stained glass.

import { makeFacets } from "./facets.js";
import { type Filter, noise, outline, perSize } from "./filter.js";

/** Blocks of 8×8 pixels with few levels per channel, dark where the things end. */
export const pixelArt: Filter = ({ pixels, mask, size }) => {
  const block = 8;
  const side = Math.floor(size / block);
  const cover = new Uint8Array(side * side);
  for (let index = 0; index < cover.length; index++)
    cover[index] = meanOfBlock(mask, size, 1, 0, index, side, block);
  const out = new Uint8Array(pixels.length);
  for (let index = 0; index < side * side; index++) {
    const rim = isRim(cover, index, side) ? 0.45 : 1;
    for (let channel = 0; channel < 3; channel++) {
      const mean = meanOfBlock(pixels, size, 3, channel, index, side, block);
      const level = Math.round((mean / 255) * 7) * (255 / 7) * rim;
      fillBlock(out, size, channel, index, side, block, level);
    }
  }
  return out;
};

/** Whether a covered block touches an uncovered one. */
function isRim(cover: Uint8Array, index: number, side: number): boolean {
  if (cover[index]! < 128) return false;
  const x = index % side;
  const open = (at: number, inside: boolean): boolean => !inside || cover[at]! < 128;
  return (
    open(index - 1, x > 0) ||
    open(index + 1, x < side - 1) ||
    open(index - side, index >= side) ||
    open(index + side, index + side < cover.length)
  );
}

function meanOfBlock(
  input: Uint8Array,
  size: number,
  channels: number,
  channel: number,
  index: number,
  side: number,
  block: number,
): number {
  const x0 = (index % side) * block;
  const y0 = Math.floor(index / side) * block;
  let sum = 0;
  for (let y = y0; y < y0 + block; y++) {
    for (let x = x0; x < x0 + block; x++) sum += input[(y * size + x) * channels + channel]!;
  }
  return sum / (block * block);
}

function fillBlock(
  out: Uint8Array,
  size: number,
  channel: number,
  index: number,
  side: number,
  block: number,
  value: number,
): void {
  const x0 = (index % side) * block;
  const y0 = Math.floor(index / side) * block;
  for (let y = y0; y < y0 + block; y++) {
    for (let x = x0; x < x0 + block; x++) out[(y * size + x) * 3 + channel] = value;
  }
}

/** Stones of about 10×10 pixels, each a little lighter or darker, in grey mortar. */
export const mosaic: Filter = ({ pixels, mask, size }) =>
  paintCells(pixels, mask, size, mosaicPlan(size), { mortar: [150, 146, 138], edgeInk: 0, lighten: 0 });

/** Panes of coloured glass in lead, lit from behind. */
export const stainedGlass: Filter = ({ pixels, mask, size, variant }) =>
  paintCells(pixels, mask, size, glassPlans(size)[variant % 3]!, {
    mortar: [24, 24, 28],
    edgeInk: 1,
    lighten: 16,
  });

/** The pieces of an image, and per pixel how much of it is mortar and how bright the piece is there. */
interface CellPlan {
  readonly count: number;
  readonly cell: Uint16Array;
  readonly mortar: Float32Array;
  readonly shade: Float32Array;
}

const mosaicPlan = perSize((size): CellPlan => {
  const tile = 10;
  const side = Math.ceil(size / tile);
  const plan = emptyPlan(size, side * side);
  for (let at = 0; at < plan.cell.length; at++) {
    const x = at % size;
    const y = Math.floor(at / size);
    const index = Math.floor(y / tile) * side + Math.floor(x / tile);
    plan.cell[at] = index;
    plan.mortar[at] = x % tile === 0 || y % tile === 0 ? 0.9 : 0;
    plan.shade[at] = 0.92 + noise(index, 5) * 0.16;
  }
  return plan;
});

const glassPlans = perSize((size) =>
  [0, 1, 2].map((variant): CellPlan => {
    const facets = makeFacets(size, 9, variant + 20, 0.8);
    const plan = emptyPlan(size, facets.count);
    for (let at = 0; at < plan.cell.length; at++) {
      const index = facets.cell[at]!;
      plan.cell[at] = index;
      plan.mortar[at] = Math.max(0, Math.min(1, 1.6 - facets.cut[at]! / 20));
      const across = (at % size) - facets.centres[index * 2]!;
      plan.shade[at] = 0.94 + noise(index, 6 + variant) * 0.16 + across * 0.004;
    }
    return plan;
  }),
);

function emptyPlan(size: number, count: number): CellPlan {
  const pixels = size * size;
  return {
    count,
    cell: new Uint16Array(pixels),
    mortar: new Float32Array(pixels),
    shade: new Float32Array(pixels),
  };
}

interface CellLook {
  readonly mortar: readonly [number, number, number];
  /** How strongly the things' outlines are drawn in mortar, 0 to 1. */
  readonly edgeInk: number;
  readonly lighten: number;
}

/**
 * Each piece in its mean colour; thing and ground are averaged apart, so that outlines stay where they are.
 */
function paintCells(
  pixels: Uint8Array,
  mask: Uint8Array,
  size: number,
  plan: CellPlan,
  look: CellLook,
): Uint8Array {
  const sums = new Float64Array(plan.count * 2 * 4);
  for (let at = 0, from = 0; at < mask.length; at++, from += 3) {
    const to = (plan.cell[at]! * 2 + (mask[at]! >> 7)) * 4;
    sums[to] = sums[to]! + pixels[from]!;
    sums[to + 1] = sums[to + 1]! + pixels[from + 1]!;
    sums[to + 2] = sums[to + 2]! + pixels[from + 2]!;
    sums[to + 3] = sums[to + 3]! + 1;
  }
  const edge = outline(mask, size, 2);
  const out = new Uint8Array(pixels.length);
  for (let at = 0, to = 0; at < mask.length; at++, to += 3) {
    const from = (plan.cell[at]! * 2 + (mask[at]! >> 7)) * 4;
    const count = sums[from + 3]!;
    const mortar = Math.max(plan.mortar[at]!, (edge[at]! / 255) * look.edgeInk);
    const shade = plan.shade[at]!;
    for (let channel = 0; channel < 3; channel++) {
      const own = pixels[to + channel]!;
      // Half of the pixel's own colour stays, or eyes and wheels would drown in their piece's mean.
      const glass = ((sums[from + channel]! / count) * 0.55 + own * 0.45 + look.lighten) * shade;
      const value = glass + (look.mortar[channel]! - glass) * mortar;
      out[to + channel] = Math.min(255, value);
    }
  }
  return out;
}

// Cubist painting: facets each turn and shift the scene slightly, are shaded like planes, tinted with ochre,
// umber and slate, and bounded by dark lines.

import { type Facets, makeFacets, makeShards } from "./facets.js";
import { type Filter, type Layers, noise, outline, perSize } from "./filter.js";

type Rgb = readonly [number, number, number];

/** Tints of facets: warm earths and cool slates. */
const tints: readonly Rgb[] = [
  [214, 178, 122],
  [176, 128, 84],
  [120, 138, 158],
  [228, 210, 176],
  [150, 160, 150],
  [196, 150, 132],
  [92, 106, 132],
  [204, 196, 186],
];

const columns = 5;
/** Lines across the image in the second version. */
const lines = 9;
const variants = 3;

/** Everything about a variant that does not depend on the scene. */
interface Plan {
  readonly cell: Uint8Array;
  /** Source position of each pixel: x then y, in 16ths of a pixel. */
  readonly from: Uint16Array;
  /** Shading of each pixel's plane: 128 is neutral. */
  readonly shade: Uint8Array;
  /** Ink of the lines between facets, 0 to 255. */
  readonly line: Uint8Array;
}

const plans = perSize((size) =>
  Array.from({ length: variants }, (_, variant) =>
    makePlan(size, variant, makeFacets(size, columns, variant, 0.95), 1),
  ),
);

const shardPlans = perSize((size) =>
  Array.from({ length: variants }, (_, variant) =>
    makePlan(size, variant, makeShards(size, lines, variant), 1.5),
  ),
);

/** @param depth how strongly the planes are shaded */
function makePlan(size: number, variant: number, { cell, cut, centres }: Facets, depth: number): Plan {
  const from = new Uint16Array(size * size * 2);
  const shade = new Uint8Array(size * size);
  const line = new Uint8Array(size * size);
  for (let at = 0; at < cell.length; at++) {
    const facet = cell[at]!;
    const random = (use: number): number => noise(facet * 8 + use, 91 + variant) - 0.5;
    const turn = random(0) * 0.3;
    const dx = (at % size) - centres[facet * 2]!;
    const dy = Math.floor(at / size) - centres[facet * 2 + 1]!;
    // A small turn: sine ≈ angle, cosine ≈ 1 - angle²/2.
    const c = 1 - (turn * turn) / 2;
    const x = centres[facet * 2]! + dx * c - dy * turn + random(1) * 16;
    const y = centres[facet * 2 + 1]! + dx * turn + dy * c + random(2) * 16;
    from[at * 2] = Math.round(Math.min(size - 2, Math.max(0, x)) * 16);
    from[at * 2 + 1] = Math.round(Math.min(size - 2, Math.max(0, y)) * 16);
    const slope = (dx * random(3) + dy * random(4)) * 2.2 * depth;
    shade[at] = Math.max(70, Math.min(186, 128 + slope + random(5) * 34));
    line[at] = Math.max(0, 235 - cut[at]! * 8);
  }
  return { cell, from, shade, line };
}

export const cubist: Filter = (layers) => paint(layers, plans(layers.size));

/** The second version: long lines cut shards with sharp corners, each shaded from edge to edge. */
export const cubistShards: Filter = (layers) => paint(layers, shardPlans(layers.size));

function paint({ pixels, mask, size, variant }: Layers, variantPlans: readonly Plan[]): Uint8Array {
  const plan = variantPlans[variant % variants]!;
  const out = new Uint8Array(pixels.length);
  const seen = new Uint8Array(size * size);
  for (let at = 0; at < seen.length; at++) {
    const fx = plan.from[at * 2]!;
    const fy = plan.from[at * 2 + 1]!;
    seen[at] = mask[(fy >> 4) * size + (fx >> 4)]!;
  }
  const edge = outline(seen, size, 1);
  for (let at = 0, to = 0; at < seen.length; at++, to += 3) {
    const fx = plan.from[at * 2]!;
    const fy = plan.from[at * 2 + 1]!;
    const source = ((fy >> 4) * size + (fx >> 4)) * 3;
    const right = fx & 15;
    const down = fy & 15;
    const tint = tints[plan.cell[at]! % tints.length]!;
    // The ground takes the facets' earth tones; the things keep their colours, so that a blue cat stays blue.
    const share = 0.62 - 0.5 * (seen[at]! / 255);
    const shade = plan.shade[at]! / 128;
    const dark = 1 - Math.max(plan.line[at]! * (0.34 + 0.22 * (seen[at]! / 255)), edge[at]! * 0.85) / 255;
    for (let channel = 0; channel < 3; channel++) {
      const here = source + channel;
      const top = pixels[here]! * (16 - right) + pixels[here + 3]! * right;
      const below = pixels[here + size * 3]! * (16 - right) + pixels[here + size * 3 + 3]! * right;
      const seenColour = (top * (16 - down) + below * down) / 256;
      const value = (seenColour + (tint[channel]! - seenColour) * share) * shade * dark + 26 * (1 - dark);
      out[to + channel] = Math.min(255, value);
    }
  }
  return out;
}

// Divides a plane into facets around jittered points (Voronoi cells), with the distance to the nearest
// border, for cubist images and stained glass. There are only a few variants, so that a small model can learn
// them.

import { noise } from "./filter.js";

/** A cut of a square image. */
export interface Facets {
  readonly count: number;
  /** Facet of each pixel. */
  readonly cell: Uint8Array;
  /** Distance from each pixel to the nearest cut, in sixteenths of a pixel, at most 255. */
  readonly cut: Uint8Array;
  /** Centre of each facet: x, y, x, y … in pixels. */
  readonly centres: Float32Array;
}

/** Cuts an image of `size × size` pixels into `columns × columns` facets (at most 16 columns). */
export function makeFacets(size: number, columns: number, variant: number, jitter: number): Facets {
  const count = columns * columns;
  const centres = new Float32Array(count * 2);
  const step = size / columns;
  for (let index = 0; index < count; index++) {
    const column = index % columns;
    const row = Math.floor(index / columns);
    centres[index * 2] = (column + 0.5 + (noise(index, variant * 2) - 0.5) * jitter) * step;
    centres[index * 2 + 1] = (row + 0.5 + (noise(index, variant * 2 + 1) - 0.5) * jitter) * step;
  }
  const cell = new Uint8Array(size * size);
  const cut = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [nearest, distance] = nearestTwo(centres, count, x, y);
      cell[y * size + x] = nearest;
      cut[y * size + x] = Math.min(255, distance * 16);
    }
  }
  return { count, cell, cut, centres };
}

/** The nearest centre, and how far the border to the second nearest is. */
function nearestTwo(centres: Float32Array, count: number, x: number, y: number): [number, number] {
  let first = 0;
  let second = 0;
  let least = Number.POSITIVE_INFINITY;
  let next = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const dx = x - centres[index * 2]!;
    const dy = y - centres[index * 2 + 1]!;
    const distance = dx * dx + dy * dy;
    if (distance < least) {
      next = least;
      second = first;
      least = distance;
      first = index;
    } else if (distance < next) {
      next = distance;
      second = index;
    }
  }
  const apart = Math.hypot(
    centres[first * 2]! - centres[second * 2]!,
    centres[first * 2 + 1]! - centres[second * 2 + 1]!,
  );
  return [first, (next - least) / (2 * apart)];
}

/**
 * Cuts an image by long straight lines, so that its pieces have sharp corners. Two in three lines pass near
 * the middle, where the things are.
 */
export function makeShards(size: number, lines: number, variant: number): Facets {
  const cuts = Array.from({ length: lines }, (_, line) => {
    const angle = ((line + noise(line, variant * 3 + 50)) / lines) * Math.PI;
    const offset = (noise(line, variant * 3 + 51) - 0.5) * size * (line % 3 === 0 ? 0.95 : 0.55);
    return { x: Math.cos(angle), y: Math.sin(angle), offset };
  });
  const numbers = new Map<number, number>();
  const cell = new Uint8Array(size * size);
  const cut = new Uint8Array(size * size);
  const sums: [x: number, y: number, pixels: number][] = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let side = 0;
      let least = 16;
      for (const [line, { x: nx, y: ny, offset }] of cuts.entries()) {
        const distance = (x - size / 2) * nx + (y - size / 2) * ny - offset;
        if (distance > 0) side |= 1 << line;
        least = Math.min(least, Math.abs(distance));
      }
      const number = numbers.get(side) ?? numbers.size;
      numbers.set(side, number);
      cell[y * size + x] = number;
      cut[y * size + x] = Math.min(255, least * 16);
      sums[number] ??= [0, 0, 0];
      const sum = sums[number]!;
      sum[0] += x;
      sum[1] += y;
      sum[2]++;
    }
  }
  const centres = Float32Array.from(sums.flatMap(([x, y, pixels]) => [x / pixels, y / pixels]));
  return { count: sums.length, cell, cut, centres };
}

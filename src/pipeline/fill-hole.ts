// Fills the masked part of an image with the colours around it, by pulling averages of the known pixels up a pyramid and pushing
// them back down into the hole (Gortler et al. 1996, "The Lumigraph", section 3.4).
import type { Pixels } from "./pixels.js";

/** Colours [height, width, 3], and how much of each pixel is known, 0 to 1. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly colours: Float32Array;
  readonly known: Float32Array;
}

/** Half the size: each pixel is the mean of what is known of four. */
function pull({ width, height, colours, known }: Level): Level {
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const out = {
    width: columns,
    height: rows,
    colours: new Float32Array(columns * rows * 3),
    known: new Float32Array(columns * rows),
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [y * width + x, (y >> 1) * columns + (x >> 1)];
      out.known[to]! += known[from]!;
      for (let c = 0; c < 3; c++) out.colours[to * 3 + c]! += known[from]! * colours[from * 3 + c]!;
    }
  }
  for (let i = 0; i < out.known.length; i++) {
    const weight = out.known[i]!;
    if (weight > 0) for (let c = 0; c < 3; c++) out.colours[i * 3 + c]! /= weight;
    out.known[i] = Math.min(1, weight);
  }
  return out;
}

/** Completes what is not known from the smaller level, interpolated linearly. */
function push({ width, height, colours, known }: Level, { colours: coarse, ...half }: Level): Level {
  const filled = Float32Array.from(colours);
  for (let y = 0; y < height; y++) {
    const [top, bottom, down] = getNeighbours(y, half.height);
    for (let x = 0; x < width; x++) {
      const weight = known[y * width + x]!;
      if (weight === 1) continue;
      const [left, right, across] = getNeighbours(x, half.width);
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number) => coarse[(row * half.width + column) * 3 + c]!;
        const above = at(top, left) * (1 - across) + at(top, right) * across;
        const below = at(bottom, left) * (1 - across) + at(bottom, right) * across;
        const index = (y * width + x) * 3 + c;
        filled[index] = weight * colours[index]! + (1 - weight) * (above * (1 - down) + below * down);
      }
    }
  }
  return { width, height, colours: filled, known: new Float32Array(width * height).fill(1) };
}

/** The two pixels of the smaller level around a pixel, and the share of the second. */
function getNeighbours(position: number, length: number): readonly [number, number, number] {
  const exact = (position + 0.5) / 2 - 0.5;
  const first = Math.floor(exact);
  const inside = (index: number) => Math.min(length - 1, Math.max(0, index));
  return [inside(first), inside(first + 1), exact - first];
}

/**
 * Fills the masked pixels with the colours around them.
 * @param mask [height, width]: 1 where the image is filled. A mask of ones alone gives grey.
 */
export function fillHole(image: Pixels, mask: Uint8Array): Pixels {
  const { width, height } = image;
  const levels: Level[] = [
    {
      width,
      height,
      colours: Float32Array.from(image.data),
      known: Float32Array.from(mask, (value) => 1 - value),
    },
  ];
  while (levels[0]!.width > 1 || levels[0]!.height > 1) levels.unshift(pull(levels[0]!));
  let filled = levels[0]!;
  if (filled.known[0] === 0) filled = { ...filled, colours: new Float32Array(3).fill(127.5) };
  for (const level of levels.slice(1)) filled = push(level, filled);
  const data = Uint8Array.from(image.data, (value, i) =>
    mask[Math.floor(i / 3)] === 1 ? Math.round(filled.colours[i]!) : value,
  );
  return { width, height, channels: 3, data };
}

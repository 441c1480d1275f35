// Hand-drawn styles: coloured pencil and watercolour.

import { boxBlur, type Filter, makeTexture, outline, perSize, smoothNoise } from "./filter.js";

/**
 * Three directions of hatching, darker tones take more of them; 0 where a stroke lies, 255 between strokes.
 */
const hatching = perSize((size) =>
  [
    (x: number, y: number) => x + y,
    (x: number, y: number) => x - y + 2 * size,
    (x: number, y: number) => x * 2 + y,
  ].map((along, direction) =>
    makeTexture(size, (x, y) => {
      const wobble = (smoothNoise(x + direction * 97, y, 24, 24) - 0.5) * 5;
      const phase = (along(x, y) + wobble) % 7;
      return Math.abs(phase - 3.5) * 73;
    }),
  ),
);

const paperGrain = perSize((size) =>
  makeTexture(size, (x, y) => 236 + (smoothNoise(x, y, 2.2, 2.2) - 0.5) * 22),
);

/** Coloured pencil on paper: a light rubbing, hatching by tone, and firm outlines. */
export const pencil: Filter = ({ pixels, mask, size }) => {
  const hatch = hatching(size);
  const paper = paperGrain(size);
  const edge = outline(mask, size, 1);
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = y * size + x;
      const from = at * 3;
      const tone = 255 - lightness(pixels, from);
      const relief = x < size - 1 && y < size - 1 ? contrast(pixels, from, size) : 0;
      let stroke = 0;
      for (let layer = 0; layer < 3; layer++) {
        const density = (tone - 24 - layer * 62) * 3;
        if (density > hatch[layer]![at]!) stroke += 0.3;
      }
      const line = Math.min(1, edge[at]! / 150 + Math.max(0, relief - 26) / 50);
      for (let channel = 0; channel < 3; channel++) {
        const colour = pixels[from + channel]!;
        let value = paper[at]! + (colour - paper[at]!) * (0.28 + Math.min(0.6, stroke));
        value += (colour * 0.25 + 18 - value) * line * 0.85;
        out[from + channel] = Math.max(0, Math.min(255, value));
      }
    }
  }
  return out;
};

function lightness(pixels: Uint8Array, at: number): number {
  return (pixels[at]! * 2 + pixels[at + 1]! * 5 + pixels[at + 2]!) >> 3;
}

function contrast(pixels: Uint8Array, at: number, size: number): number {
  const here = lightness(pixels, at);
  return Math.abs(here - lightness(pixels, at + 3)) + Math.abs(here - lightness(pixels, at + size * 3));
}

/** Source position of each pixel of a watercolour: the brush wobbles by up to four pixels. */
const wobbles = perSize((size) => {
  const from = new Int32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sx = Math.round(x + (smoothNoise(x, y, 13, 13) - 0.5) * 8);
      const sy = Math.round(y + (smoothNoise(x + 500, y + 500, 13, 13) - 0.5) * 8);
      from[y * size + x] = Math.max(0, Math.min(size - 1, sy)) * size + Math.max(0, Math.min(size - 1, sx));
    }
  }
  return from;
});

/** Density of the pigment; 128 is neutral. */
const washes = perSize((size) =>
  makeTexture(
    size,
    (x, y) => 128 + (smoothNoise(x, y, 34, 34) - 0.5) * 70 + (smoothNoise(x, y, 3, 3) - 0.5) * 16,
  ),
);

/** Watercolour: thin washes that bleed, with darker dried edges, on rough paper. */
export const watercolour: Filter = ({ pixels, size }) => {
  const wobble = wobbles(size);
  const wash = washes(size);
  const moved = new Uint8Array(pixels.length);
  for (let at = 0, to = 0; at < wobble.length; at++, to += 3) {
    const from = wobble[at]! * 3;
    moved[to] = pixels[from]!;
    moved[to + 1] = pixels[from + 1]!;
    moved[to + 2] = pixels[from + 2]!;
  }
  const fine = boxBlur(moved, size, 3, 1);
  const wide = boxBlur(fine, size, 3, 5);
  const out = new Uint8Array(pixels.length);
  for (let at = 0, to = 0; at < wobble.length; at++, to += 3) {
    const thin = wash[at]! / 128;
    for (let channel = 0; channel < 3; channel++) {
      const colour = fine[to + channel]!;
      // Where a wash is darker than its surroundings, its rim is darker still.
      const rim = Math.min(0, colour - wide[to + channel]!) * 0.4;
      const density = (255 - colour) * 0.82 * thin;
      out[to + channel] = Math.max(0, Math.min(255, 252 - density + rim));
    }
  }
  return out;
};

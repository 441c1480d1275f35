// Brushes that backgrounds are painted with.

import type { Rgb } from "./colours.js";

/** An image to paint a background on. */
export interface Painter {
  /** `size × size` RGB bytes. */
  readonly pixels: Uint8Array;
  readonly size: number;
}

export function fill(painter: Painter, colour: Rgb): void {
  const { pixels } = painter;
  for (let at = 0; at < pixels.length; at += 3) {
    pixels[at] = colour[0];
    pixels[at + 1] = colour[1];
    pixels[at + 2] = colour[2];
  }
}

/** A vertical gradient through `stops` from row `top` to row `bottom`. */
export function gradient(painter: Painter, top: number, bottom: number, stops: readonly Rgb[]): void {
  const { pixels, size } = painter;
  for (let y = top; y < Math.min(bottom, size); y++) {
    const t = ((y - top) / (bottom - top)) * (stops.length - 1);
    const index = Math.min(stops.length - 2, Math.floor(t));
    const from = stops[index]!;
    const to = stops[index + 1]!;
    const share = t - index;
    const red = from[0] + (to[0] - from[0]) * share;
    const green = from[1] + (to[1] - from[1]) * share;
    const blue = from[2] + (to[2] - from[2]) * share;
    for (let at = y * size * 3; at < (y + 1) * size * 3; at += 3) {
      pixels[at] = red;
      pixels[at + 1] = green;
      pixels[at + 2] = blue;
    }
  }
}

/** Land below a curved horizon: two slow waves, shaded from `near` the horizon to `far` below. */
export function hill(
  painter: Painter,
  horizon: number,
  height: number,
  variant: number,
  near: Rgb,
  far: Rgb,
): void {
  const { pixels, size } = painter;
  const phase = variant * 1.7;
  for (let x = 0; x < size; x++) {
    const wave = Math.sin(x / 46 + phase) * 0.7 + Math.sin(x / 21 + phase * 2.3) * 0.3;
    const start = Math.round(horizon - height * wave);
    for (let y = Math.max(0, start); y < size; y++) {
      const share = Math.min(1, (y - start) / 80);
      const at = (y * size + x) * 3;
      pixels[at] = near[0] + (far[0] - near[0]) * share;
      pixels[at + 1] = near[1] + (far[1] - near[1]) * share;
      pixels[at + 2] = near[2] + (far[2] - near[2]) * share;
    }
  }
}

/** Small round lights at positions that depend on the variant alone. */
export function stars(painter: Painter, variant: number, count: number, colour: Rgb): void {
  const { pixels, size } = painter;
  let state = (variant + 1) * 0x9e3779b1;
  for (let star = 0; star < count; star++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = 2 + ((state >>> 8) % (size - 4));
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const y = 2 + ((state >>> 8) % (size - 4));
    const reach = star % 3 === 0 ? 2 : 1;
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        if (Math.abs(dx) + Math.abs(dy) > reach) continue;
        const at = ((y + dy) * size + x + dx) * 3;
        pixels[at] = colour[0];
        pixels[at + 1] = colour[1];
        pixels[at + 2] = colour[2];
      }
    }
  }
}

/** A soft cloud of light across the image, from the lower left to the upper right. */
export function glow(painter: Painter, colour: Rgb): void {
  const { pixels, size } = painter;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const across = (x + y - size) / 90;
      const share = 0.85 / (1 + across * across * 2);
      const at = (y * size + x) * 3;
      pixels[at] = pixels[at]! + colour[0] * share;
      pixels[at + 1] = pixels[at + 1]! + colour[1] * share;
      pixels[at + 2] = pixels[at + 2]! + colour[2] * share;
    }
  }
}

/** Lengths of the backgrounds below are for images of 256 pixels; other sizes scale them. */
const usualSize = 256;

/** Repeatable whole numbers below `limit`, from a seed. */
export function makeNumbers(seed: number): (limit: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** A rectangle from `x0, y0` up to `x1, y1`, in 256ths of the image's side. */
export function rectangle(
  { pixels, size }: Painter,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colour: Rgb,
): void {
  const scale = size / usualSize;
  const [left, right] = [x0, x1].map((x) => Math.max(0, Math.min(size, Math.round(x * scale)))) as [
    number,
    number,
  ];
  for (let y = Math.max(0, Math.round(y0 * scale)); y < Math.min(size, Math.round(y1 * scale)); y++) {
    for (let x = left; x < right; x++) paintPixel(pixels, (y * size + x) * 3, colour);
  }
}

function paintPixel(pixels: Uint8Array, at: number, colour: Rgb): void {
  pixels[at] = colour[0];
  pixels[at + 1] = colour[1];
  pixels[at + 2] = colour[2];
}

/** A disc, in 256ths of the image's side. */
export function disc(painter: Painter, x: number, y: number, radius: number, colour: Rgb): void {
  const scale = painter.size / usualSize;
  const inside = (dx: number, dy: number) => dx * dx + dy * dy < (radius * scale) ** 2;
  for (let row = Math.floor((y - radius) * scale); row <= (y + radius) * scale; row++) {
    for (let column = Math.floor((x - radius) * scale); column <= (x + radius) * scale; column++) {
      if (row < 0 || column < 0 || row >= painter.size || column >= painter.size) continue;
      if (inside(column - x * scale, row - y * scale))
        paintPixel(painter.pixels, (row * painter.size + column) * 3, colour);
    }
  }
}

/** A triangle that stands on `bottom` with its top at `x, top`, in 256ths; `width` is that of its foot. */
export function triangle(
  { pixels, size }: Painter,
  x: number,
  top: number,
  bottom: number,
  width: number,
  colour: Rgb,
): void {
  const scale = size / usualSize;
  for (
    let row = Math.max(0, Math.round(top * scale));
    row < Math.min(size, Math.round(bottom * scale));
    row++
  ) {
    const half = ((row / scale - top) / (bottom - top)) * (width / 2);
    const last = Math.min(size - 1, Math.round((x + half) * scale));
    for (let column = Math.max(0, Math.round((x - half) * scale)); column <= last; column++)
      paintPixel(pixels, (row * size + column) * 3, colour);
  }
}

/** Fir trees side by side, from the far row to the near one, each `height` high. */
export function firs(
  painter: Painter,
  seed: number,
  bottom: number,
  height: number,
  colour: Rgb,
  cap?: Rgb,
): void {
  const number = makeNumbers(seed);
  const width = height * 0.5;
  for (let x = -number(12); x < usualSize + width / 2; x += width * 0.7 + number(10)) {
    const top = bottom - height - number(Math.ceil(height / 4));
    triangle(painter, x, top, bottom, width, colour);
    if (cap) triangle(painter, x, top, top + height * 0.34, width * 0.34, cap);
  }
}

/** Mountains side by side on `bottom`, with snow on their tops. */
export function mountains(painter: Painter, seed: number, bottom: number, rock: Rgb, snow: Rgb): void {
  const number = makeNumbers(seed);
  for (const [i, x] of [24, 214, 92, 160].entries()) {
    const top = bottom - 74 - number(26) - (i > 1 ? 12 : 0);
    const shade = (share: number): Rgb => rock.map((value) => value * share) as unknown as Rgb;
    triangle(painter, x + number(14), top, bottom, 150, shade(i > 1 ? 1 : 0.86));
    triangle(painter, x + number(1), top, top + 26, 46, snow);
  }
}

/** Short level strokes that catch the light on water, from row `top` down. */
export function ripples(painter: Painter, seed: number, top: number, colour: Rgb): void {
  const number = makeNumbers(seed);
  for (let row = 0, y = top; y < usualSize; row++, y += 9 + row * 2) {
    for (let stroke = 0; stroke < 3; stroke++) {
      const x = number(usualSize);
      rectangle(painter, x, y, x + 18 + row * 4, y + 2, colour);
    }
  }
}

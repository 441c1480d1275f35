// Painted styles: ink wash on rice paper, and gouache.

import { boxBlur, type Filter, makeTexture, noise, outline, perSize, smoothNoise } from "./filter.js";

type Rgb = readonly [number, number, number];

const rice: Rgb = [244, 238, 224];
const inkBlack: Rgb = [26, 26, 32];
const seal: Rgb = [188, 44, 40];

/** Fibres of rice paper; 128 is neutral. */
const fibres = perSize((size) =>
  makeTexture(
    size,
    (x, y) => 128 + (smoothNoise(x, y, 40, 2.4) - 0.5) * 7 + (smoothNoise(x, y, 5, 5) - 0.5) * 5,
  ),
);

/** How much ink the brush holds, 0 to 255: it runs dry and is dipped again. */
const load = perSize((size) =>
  makeTexture(
    size,
    (x, y) => 150 + (smoothNoise(x, y, 46, 30) - 0.5) * 190 + (smoothNoise(x, y, 3, 3) - 0.5) * 40,
  ),
);

/**
 * Ink wash painting (sumi-e): tones of one ink in four washes that run at their edges, a brush line of uneven
 * width round the things, and a seal. Colours that a thing has stay as a breath of colour.
 */
export const inkWash: Filter = ({ pixels, mask, size, plain }) => {
  const paper = fibres(size);
  const ink = load(size);
  const soft = boxBlur(pixels, size, 3, 2);
  const blurred = boxBlur(mask, size, 1, 1);
  const [thin, broad] = [outline(blurred, size, 1), outline(blurred, size, 3)];
  const out = new Uint8Array(pixels.length);
  for (let at = 0, to = 0; at < mask.length; at++, to += 3) {
    const cover = mask[at]! / 255;
    const light = (soft[to]! * 54 + soft[to + 1]! * 183 + soft[to + 2]! * 19) / 65280;
    // Four washes; the land behind the things is only hinted at.
    const wash = Math.round((1 - light) * 4) / 4;
    const dark = (wash * 0.6 + (1 - light) * 0.4) * (cover * 1.05 + (1 - cover) * (plain ? 0 : 0.42));
    const wet = ink[at]! / 255;
    const line = Math.max(thin[at]! / 255, wet > 0.5 ? (broad[at]! / 255) * (wet - 0.4) * 1.5 : 0);
    const amount = Math.min(1, dark * (0.72 + wet * 0.5) + line * (0.7 + wet * 0.5));
    for (let channel = 0; channel < 3; channel++) {
      const tint = (soft[to + channel]! / 255 - light) * 62 * cover;
      const value = rice[channel]! + (inkBlack[channel]! - rice[channel]!) * amount + tint;
      out[to + channel] = Math.max(0, Math.min(255, (value * paper[at]!) / 128));
    }
  }
  paintSeal(out, mask, size);
  return out;
};

/** A square red seal at the lower left, where no thing covers it. */
function paintSeal(out: Uint8Array, mask: Uint8Array, size: number): void {
  const [left, top, side] = [14, size - 36, 20];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = (top + y) * size + left + x;
      if (mask[at]! > 60) continue;
      const isMark = x > 2 && x < side - 3 && y > 2 && y < side - 3 && (x % 7 === 3 || y % 6 === 3);
      out.set(isMark ? rice : seal, at * 3);
    }
  }
}

/** Length and width of a stroke in pixels. */
const [strokeLength, strokeWidth] = [13, 5];

/** Where each pixel's paint was laid down: all pixels of a stroke have the colour of its middle. */
const strokes = perSize((size) => {
  const from = new Int32Array(size * size);
  const middle = (along: number, length: number) => (Math.floor(along / length) + 0.5) * length - along;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const angle = 0.5 + (smoothNoise(x, y, 150, 150) - 0.5) * 0.9;
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      const across = y * cosine - x * sine;
      const shift = noise(Math.floor(across / strokeWidth), 7) * strokeLength;
      const dx = middle(x * cosine + y * sine + shift, strokeLength);
      const dy = middle(across, strokeWidth);
      const sx = Math.round(x + dx * cosine - dy * sine);
      const sy = Math.round(y + dx * sine + dy * cosine);
      from[y * size + x] = Math.max(0, Math.min(size - 1, sy)) * size + Math.max(0, Math.min(size - 1, sx));
    }
  }
  return from;
});

/** Gouache: opaque strokes in few matt tones, a little chalk in all of them. */
export const gouache: Filter = ({ pixels, mask, size }) => {
  const from = strokes(size);
  const soft = boxBlur(pixels, size, 3, 1);
  const out = new Uint8Array(pixels.length);
  for (let at = 0, to = 0; at < mask.length; at++, to += 3) {
    const laid = from[at]!;
    // A stroke ends where a thing does.
    const isInside = mask[at]! > 127 === mask[laid]! > 127;
    const source = (isInside ? laid : at) * 3;
    // Things keep more of their own drawing, or their eyes would drown in a stroke.
    const share = 0.78 - 0.4 * (mask[at]! / 255);
    for (let channel = 0; channel < 3; channel++) {
      const colour = soft[source + channel]! * share + soft[to + channel]! * (1 - share);
      const tone = Math.round(colour / 30) * 30 * 0.7 + colour * 0.3;
      // Chalk in the paint makes it matt; each stroke is a little lighter or darker.
      const chalky = 20 + tone * 0.87 + (noise(laid, 3) - 0.5) * 16;
      out[to + channel] = Math.max(0, Math.min(255, chalky));
    }
  }
  return out;
};

// Japanese colour woodblock print: few flat pigments, ink outlines, the graded band of blue at the top
// (bokashi), wood grain, a paper margin with a key line and a cartouche. Pigments after the Edo printers'
// palette (Prussian blue, beni, gamboge…).

import { type Filter, type Layers, makeTexture, outline, perSize, smoothNoise } from "./filter.js";

type Rgb = readonly [number, number, number];

const prussianBlue: Rgb = [24, 54, 110];
const beni: Rgb = [190, 50, 46];

const pigments: readonly Rgb[] = [
  [238, 226, 198], // paper
  [216, 200, 164], // old paper
  [176, 168, 150], // grey (nezumi)
  [112, 110, 108],
  [74, 74, 82], // thinned ink: shades a black thing, whose face were lost otherwise
  [42, 42, 52], // ink (sumi)
  beni,
  [122, 28, 36],
  [226, 128, 108],
  [222, 120, 44], // red lead (tan)
  [240, 182, 118],
  [226, 180, 58], // gamboge
  [244, 222, 140],
  [62, 122, 78], // verdigris
  [28, 72, 56],
  [142, 176, 110],
  [30, 146, 150], // turquoise (hanada and gamboge)
  [150, 206, 194],
  prussianBlue,
  [58, 104, 164],
  [132, 174, 200],
  [112, 72, 140], // purple (murasaki)
  [62, 36, 84],
  [178, 146, 190],
  [226, 140, 164], // pink
  [244, 196, 196],
  [124, 80, 50], // brown
  [76, 46, 32],
  [190, 144, 100],
];

const ink: Rgb = [30, 32, 46];
const margin = 6;

/** The pigment nearest to each of 32×32×32 colours. */
const nearestPigment = perSize(() => {
  const table = new Uint8Array(32768);
  for (let code = 0; code < table.length; code++) {
    const red = (code >> 10) * 8 + 4;
    const green = ((code >> 5) & 31) * 8 + 4;
    const blue = (code & 31) * 8 + 4;
    table[code] = findPigment(red, green, blue);
  }
  return table;
});

/**
 * Hue counts for more than lightness, so that a vivid blue becomes a blue pigment and not the nearest grey.
 */
function findPigment(red: number, green: number, blue: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, [r, g, b]] of pigments.entries()) {
    const light = (red * 2 + green * 4 + blue - (r * 2 + g * 4 + b)) / 7;
    // Pigments are duller than light: their chroma is weighed as if it were a third stronger.
    const u = red - green - (r - g) * 1.35;
    const v = green - blue - (g - b) * 1.35;
    const distance = light * light * 1.2 + u * u * 0.6 + v * v * 0.45;
    if (distance < least) {
      least = distance;
      best = index;
    }
  }
  return best;
}

/** Grain of the block: long in x, fine in y; 128 is neutral. */
const grain = perSize((size) => makeTexture(size, (x, y) => 128 + (smoothNoise(x, y, 70, 4.5) - 0.5) * 17));

/** Share of Prussian blue at each row, 0 to 1: dark at the top, gone below a quarter of the image. */
function bokashi(row: number, size: number): number {
  const t = Math.max(0, 1 - row / (size * 0.3));
  return t * (2 - t) * 0.9 * t;
}

export const woodblock: Filter = (layers) => print(layers, 1);

/**
 * The second version: skies and near ground are graded in landscapes too, land is printed in flat pigments, and
 * the key block's lines swell and taper.
 */
export const woodblockScene: Filter = (layers) => print(layers, 2);

function print({ pixels, mask, size, plain }: Layers, version: 1 | 2): Uint8Array {
  const pigmentOf = nearestPigment(0);
  const texture = grain(size);
  const swell = strokeWidth(size);
  const edge = outline(mask, size, 1);
  const out = new Uint8Array(pixels.length);
  const chosen = new Uint8Array(size * size);
  for (let at = 0, from = 0; at < chosen.length; at++, from += 3) {
    chosen[at] =
      pigmentOf[((pixels[from]! >> 3) << 10) | ((pixels[from + 1]! >> 3) << 5) | (pixels[from + 2]! >> 3)]!;
  }
  for (let y = 0; y < size; y++) {
    const blue = bokashi(y, size);
    for (let x = 0; x < size; x++) {
      const at = y * size + x;
      const to = at * 3;
      const cover = mask[at]! / 255;
      const pigment = pigments[chosen[at]!]!;
      // Printed landscapes keep half of their gradation: printers wiped the block to grade it.
      const keep = plain ? 0 : (1 - cover) * (version === 1 ? 0.5 : 0.3);
      const sky = blue * (1 - cover) * (plain ? 1 : version === 1 ? 0.35 : 0.75);
      const line = inkAt(edge, chosen, mask, at, x, y, size) * (version === 1 ? 1 : swell[at]! / 255);
      const near = version === 1 || plain ? 0 : foot(y, size) * (1 - cover);
      const shade = texture[at]! / 128;
      for (let channel = 0; channel < 3; channel++) {
        const ground = plain ? mixed(pigments[0]![channel]!, pigment[channel]!, cover) : pigment[channel]!;
        let value = ground + (pixels[to + channel]! - ground) * keep;
        value += (prussianBlue[channel]! - value) * sky;
        value *= 1 - near;
        value += (ink[channel]! - value) * line;
        value *= shade;
        out[to + channel] = Math.min(255, value);
      }
    }
  }
  paintFrame(out, mask, size);
  return out;
}

/** How dark the graded band at the foot of a landscape is at each row, 0 to 0.3. */
function foot(row: number, size: number): number {
  return Math.max(0, row / size - 0.8) * 1.5;
}

/** Strength of the key block's line, 140 to 255. */
const strokeWidth = perSize((size) => makeTexture(size, (x, y) => 140 + smoothNoise(x, y, 17, 17) * 190));

function mixed(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/**
 * How much ink lies on a pixel: the things' outlines in full, the borders between pigments inside of them
 * thinner.
 */
function inkAt(
  edge: Uint8Array,
  chosen: Uint8Array,
  mask: Uint8Array,
  at: number,
  x: number,
  y: number,
  size: number,
): number {
  const outer = edge[at]! > 70 ? 1 : edge[at]! / 70;
  if (mask[at]! < 200 || x === size - 1 || y === size - 1) return outer;
  const inner = chosen[at] !== chosen[at + 1] || chosen[at] !== chosen[at + size] ? 0.55 : 0;
  return Math.max(outer, inner);
}

/** Paper margin, key line, and the cartouche at the upper right where no thing covers it. */
function paintFrame(out: Uint8Array, mask: Uint8Array, size: number): void {
  const set = (x: number, y: number, colour: Rgb): void => {
    out.set(colour, (y * size + x) * 3);
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inset = Math.min(x, y, size - 1 - x, size - 1 - y);
      if (inset < margin) set(x, y, pigments[0]!);
      else if (inset < margin + 2) set(x, y, ink);
    }
  }
  const left = size - 34;
  for (let y = 16; y < 62; y++) {
    for (let x = left; x < left + 16; x++) {
      if (mask[y * size + x]! > 60) continue;
      const border = x === left || x === left + 15 || y === 16 || y === 61;
      const stroke = x > left + 4 && x < left + 11 && y > 20 && y < 57 && (y >> 2) % 2 === 0;
      set(x, y, border ? ink : stroke ? pigments[0]! : beni);
    }
  }
}

// The colours in captions. Recolouring maps a thing's luminance to a ramp of the colour, so that a blue cat
// keeps its shading, eyes and whiskers.

/** Red, green and blue, each 0 to 255. */
export type Rgb = readonly [number, number, number];

interface Ramp {
  readonly dark: Rgb;
  readonly base: Rgb;
  readonly light: Rgb;
}

const ramps = {
  red: { dark: [66, 4, 14], base: [216, 34, 40], light: [255, 160, 150] },
  orange: { dark: [92, 34, 0], base: [243, 126, 20], light: [255, 208, 150] },
  yellow: { dark: [118, 78, 0], base: [250, 210, 36], light: [255, 247, 176] },
  green: { dark: [4, 58, 26], base: [46, 164, 66], light: [178, 238, 162] },
  blue: { dark: [8, 18, 82], base: [36, 96, 222], light: [156, 205, 255] },
  purple: { dark: [40, 8, 76], base: [134, 62, 192], light: [216, 174, 250] },
  pink: { dark: [122, 22, 80], base: [246, 116, 174], light: [255, 208, 230] },
  brown: { dark: [44, 20, 8], base: [130, 78, 42], light: [216, 172, 128] },
  black: { dark: [4, 4, 8], base: [42, 42, 50], light: [150, 150, 162] },
  white: { dark: [92, 98, 114], base: [228, 231, 238], light: [255, 255, 255] },
  grey: { dark: [42, 45, 52], base: [138, 142, 152], light: [214, 218, 224] },
  turquoise: { dark: [0, 62, 72], base: [24, 190, 192], light: [172, 244, 236] },
} satisfies Record<string, Ramp>;

/** A colour that a caption may name. */
export type ColourName = keyof typeof ramps;

/** All colours, in an order that never changes. */
export const colourNames = Object.keys(ramps) as readonly ColourName[];

/** Colours for a first model: chromatic ones. Black, white and grey need more training. */
export const firstColours = colourNames.slice(0, 8);

/** The colour of things. */
export function baseColour(name: ColourName): Rgb {
  return ramps[name].base;
}

/** The colour of backgrounds: paler, so that a thing stands out. */
export function backgroundColour(name: ColourName): Rgb {
  const { base } = ramps[name];
  const share = name === "black" || name === "white" ? 0.1 : 0.36;
  return [mix(base[0], 255, share), mix(base[1], 255, share), mix(base[2], 255, share)];
}

/** Luminance of a colour (ITU-R BT.709 weights, in 256ths), 0 to 255. */
export function luminance(red: number, green: number, blue: number): number {
  return (54 * red + 183 * green + 19 * blue) >> 8;
}

/**
 * Maps luminances 0 to 255 to a colour's ramp, three bytes each.
 *
 * @param middle luminance (0 to 255) that maps to the colour itself: a drawing's median, so that dark
 * drawings become lighter
 */
export function colourTable(name: ColourName, middle: number): Uint8Array {
  const { dark, base, light } = ramps[name];
  // A silhouette's median is its ink's, 0.11: with a higher floor, a white one would turn grey.
  const centre = Math.min(0.8, Math.max(0.1, middle / 255));
  const table = new Uint8Array(256 * 3);
  for (let value = 0; value < 256; value++) {
    const t = value / 255;
    // Below the middle from dark to the colour, above it to the light tint: two straight lines keep edges
    // crisp.
    const [from, to, share] =
      t < centre ? [dark, base, t / centre] : [base, light, (t - centre) / (1 - centre)];
    for (let channel = 0; channel < 3; channel++) {
      table[value * 3 + channel] = mix(from[channel]!, to[channel]!, share);
    }
  }
  return table;
}

function mix(from: number, to: number, share: number): number {
  return Math.round(from + (to - from) * share);
}

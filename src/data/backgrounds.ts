// Draws the backgrounds of scenes. Each has only a few variants, so that a small model can learn them.

import { backgroundColour, baseColour, type ColourName, type Rgb } from "./colours.js";
import { furtherBackgrounds } from "./further-backgrounds.js";
import { fill, glow, gradient, hill, type Painter, stars } from "./painter.js";
import type { SceneBackground } from "./scene-types.js";

/** One background: its wording and its drawing. */
export interface Background {
  /**
   * Phrases for captions. `{colour}` and `{a colour}` stand for the colour of plain backgrounds and patterns.
   */
  readonly phrases: readonly string[];
  readonly coloured: boolean;
  /** A thing of this colour would be invisible against it. */
  readonly hides?: ColourName;
  readonly paint: (painter: Painter, variant: number, colour: ColourName | null) => void;
}

/** Near-white, the background if a caption names none. */
export const paper: Rgb = [250, 250, 250];

const first = {
  plain: {
    phrases: [
      "on {a colour} background",
      "against {a colour} background",
      "on plain {colour}",
      ", {colour} background",
    ],
    coloured: true,
    paint: (painter, _variant, colour) => fill(painter, backgroundColour(colour ?? "white")),
  },
  sunset: {
    phrases: ["against a sunset background", "against a sunset", "at sunset", "in front of a sunset"],
    coloured: false,
    paint: paintSunset,
  },
  "night sky": {
    phrases: [
      "against a night sky",
      "under a starry night sky",
      "at night",
      "against a night sky background",
    ],
    coloured: false,
    hides: "black",
    paint: (painter, variant) => {
      gradient(painter, 0, painter.size, [
        [10, 16, 58],
        [26, 44, 110],
        [64, 84, 150],
      ]);
      stars(painter, variant, 46, [255, 250, 220]);
    },
  },
  sea: {
    phrases: ["by the sea", "in front of the sea", "against a sea background", "against the sea"],
    coloured: false,
    paint: paintSea,
  },
  meadow: {
    phrases: ["in a meadow", "on a green meadow", "against a meadow background", "in a grassy meadow"],
    coloured: false,
    paint: (painter, variant) => {
      gradient(painter, 0, painter.size, [
        [128, 196, 246],
        [212, 238, 252],
      ]);
      hill(painter, 152, 16, variant, [146, 204, 92], [110, 178, 70]);
      hill(painter, 186, 12, variant + 1, [98, 176, 66], [60, 138, 50]);
    },
  },
  snow: {
    phrases: ["in the snow", "on snow", "against a snowy background", "in a snowy landscape"],
    coloured: false,
    hides: "white",
    paint: (painter, variant) => {
      gradient(painter, 0, painter.size, [
        [150, 180, 212],
        [206, 222, 238],
      ]);
      hill(painter, 164, 14, variant, [236, 243, 250], [255, 255, 255]);
      stars(painter, variant, 60, [255, 255, 255]);
    },
  },
  desert: {
    phrases: ["in the desert", "against a desert background", "on desert sand", "in a sandy desert"],
    coloured: false,
    paint: (painter, variant) => {
      gradient(painter, 0, painter.size, [
        [110, 190, 232],
        [250, 232, 190],
      ]);
      hill(painter, 158, 20, variant, [238, 196, 122], [222, 168, 92]);
      hill(painter, 196, 14, variant + 1, [226, 174, 98], [204, 146, 74]);
    },
  },
  space: {
    phrases: ["in space", "in outer space", "against a space background", "floating in space"],
    coloured: false,
    hides: "black",
    paint: (painter, variant) => {
      fill(painter, [8, 6, 20]);
      glow(painter, variant % 2 === 0 ? [92, 34, 120] : [28, 60, 128]);
      stars(painter, variant + 7, 70, [255, 255, 255]);
    },
  },
  stripes: {
    phrases: ["on {colour} stripes", "against {colour} stripes", "on a background of {colour} stripes"],
    coloured: true,
    paint: (painter, _variant, colour) => pattern(painter, colour, (x) => x % 64 < 32),
  },
  dots: {
    phrases: ["on {colour} dots", "against {colour} dots", "on a background of {colour} dots"],
    coloured: true,
    paint: (painter, _variant, colour) =>
      pattern(painter, colour, (x, y) => {
        const dx = (x & 63) - 32;
        const dy = (y & 63) - 32;
        return dx * dx + dy * dy < 230;
      }),
  },
  checks: {
    phrases: ["on {colour} checks", "against {colour} checks", "on a background of {colour} checks"],
    coloured: true,
    paint: (painter, _variant, colour) => pattern(painter, colour, (x, y) => ((x >> 5) + (y >> 5)) % 2 === 0),
  },
} satisfies Record<string, Background>;

const rows = { ...first, ...furtherBackgrounds };

/** A background that a caption may name. */
export type BackgroundName = keyof typeof rows;

/** All backgrounds, in an order that never changes. */
export const backgroundNames = Object.keys(rows) as readonly BackgroundName[];

/** Those that the models up to 0.5 were trained on, which a mix has if it names none. */
export const firstBackgrounds = Object.keys(first) as readonly BackgroundName[];

/** Whether a background comes in colours (plain ones and patterns). */
export function isColoured(name: BackgroundName): boolean {
  return rows[name].coloured;
}

/** The colour that is invisible against a background. */
export function hiddenColour({ name, colour }: SceneBackground): ColourName | null {
  const { hides }: Background = rows[name];
  return hides ?? colour;
}

/** Phrases for a background after the things: "on a red background", ", red background". */
export function backgroundPhrases(background: SceneBackground): string[] {
  const colour = background.colour ?? "";
  const withArticle = `${/^[aeiou]/.test(colour) ? "an" : "a"} ${colour}`;
  return rows[background.name].phrases.map((phrase) =>
    phrase.replace("{a colour}", withArticle).replace("{colour}", colour),
  );
}

/**
 * Paints a background over a whole image.
 *
 * @param pixels `size × size` RGB bytes
 * @param variant chooses among a background's variants
 */
export function paintBackground(
  pixels: Uint8Array,
  size: number,
  background: SceneBackground | null,
  variant: number,
): void {
  const painter = { pixels, size };
  if (background === null) {
    fill(painter, paper);
  } else {
    const row: Background = rows[background.name];
    row.paint(painter, variant % 4, background.colour);
  }
}

function paintSunset(painter: Painter, variant: number): void {
  const { pixels, size } = painter;
  gradient(painter, 0, 190, [
    [88, 54, 132],
    [206, 84, 116],
    [252, 140, 74],
    [255, 206, 96],
  ]);
  const centre = [128, 64, 192, 100][variant]!;
  for (let y = 120; y < 190; y++) {
    for (let x = centre - 44; x < centre + 44; x++) {
      const dx = x - centre;
      const dy = y - 176;
      if (x < 0 || x >= size || dx * dx + dy * dy > 42 * 42) continue;
      const at = (y * size + x) * 3;
      pixels[at] = 255;
      pixels[at + 1] = 236;
      pixels[at + 2] = 150;
    }
  }
  gradient(painter, 190, size, [
    [176, 72, 96],
    [72, 34, 86],
  ]);
}

function paintSea(painter: Painter, variant: number): void {
  const { pixels, size } = painter;
  gradient(painter, 0, 120, [
    [140, 204, 246],
    [222, 242, 252],
  ]);
  gradient(painter, 120, size, [
    [44, 134, 196],
    [16, 82, 150],
  ]);
  for (let row = 0; row < 6; row++) {
    const base = 134 + row * (16 + row * 2);
    for (let x = 0; x < size; x++) {
      const crest = Math.round(base + Math.sin(x / (9 + row * 2) + row * 2.1 + variant) * (1.5 + row * 0.6));
      for (let y = crest; y < crest + 2 && y < size; y++) {
        const at = (y * size + x) * 3;
        pixels[at] = 150;
        pixels[at + 1] = 206;
        pixels[at + 2] = 232;
      }
    }
  }
}

function pattern(
  painter: Painter,
  colour: ColourName | null,
  inside: (x: number, y: number) => boolean,
): void {
  const { pixels, size } = painter;
  const name = colour ?? "grey";
  const pale = backgroundColour(name);
  // White patterns are on grey, all others on white.
  const ground: Rgb = name === "white" ? [206, 209, 214] : [252, 252, 252];
  const figure = name === "black" ? baseColour(name) : pale;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [red, green, blue] = inside(x, y) ? figure : ground;
      const at = (y * size + x) * 3;
      pixels[at] = red;
      pixels[at + 1] = green;
      pixels[at + 2] = blue;
    }
  }
}

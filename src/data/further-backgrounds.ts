// Backgrounds of mixes that name them: places where the things of everyday prompts are. Like the first ones
// they have four variants each.

import type { Background } from "./backgrounds.js";
import type { Rgb } from "./colours.js";
import {
  disc,
  fill,
  firs,
  glow,
  gradient,
  hill,
  makeNumbers,
  mountains,
  type Painter,
  rectangle,
  ripples,
  stars,
} from "./painter.js";

type Row = Pick<Background, "phrases" | "paint"> & Partial<Background>;

const place = (row: Row): Background => ({ coloured: false, ...row });

/** A gradient from row `top` to row `bottom` of an image of 256 rows; its last colour goes on below. */
function sky(painter: Painter, top: number, bottom: number, ...stops: readonly Rgb[]): void {
  rectangle(painter, 0, bottom - 1, 256, 256, stops.at(-1)!);
  const scale = painter.size / 256;
  gradient(painter, Math.round(top * scale), Math.round(bottom * scale), stops);
}

const day: readonly Rgb[] = [
  [122, 190, 244],
  [214, 236, 250],
];
const dawn: readonly Rgb[] = [
  [112, 150, 214],
  [236, 176, 190],
  [255, 214, 150],
];

export const furtherBackgrounds = {
  forest: place({
    phrases: ["in the forest", "in a forest", "in the woods", "against a forest background"],
    paint: (painter, variant) => {
      sky(painter, 0, 170, [166, 212, 214], [214, 232, 206]);
      firs(painter, variant, 168, 92, [118, 166, 128]);
      firs(painter, variant + 9, 182, 124, [64, 120, 84]);
      sky(painter, 176, 256, [122, 160, 78], [84, 124, 58]);
    },
  }),
  "snowy forest": place({
    phrases: ["in the snowy woods", "in a snowy forest", "in the woods in winter", "in a winter forest"],
    hides: "white",
    paint: (painter, variant) => {
      sky(painter, 0, 176, [140, 170, 208], [216, 226, 240]);
      firs(painter, variant, 168, 92, [132, 164, 178], [232, 240, 248]);
      firs(painter, variant + 9, 182, 124, [62, 108, 104], [244, 248, 252]);
      sky(painter, 176, 256, [240, 246, 252], [222, 232, 244]);
      stars(painter, variant, 44, [255, 255, 255]);
    },
  }),
  mountains: place({
    phrases: [
      "in the mountains",
      "in front of mountains",
      "in a mountain landscape",
      "against a mountain background",
    ],
    paint: (painter, variant) => {
      sky(painter, 0, 170, ...day);
      mountains(painter, variant, 176, [112, 124, 148], [246, 250, 254]);
      hill(painter, (172 * painter.size) / 256, 10, variant, [128, 182, 96], [90, 150, 72]);
    },
  }),
  lake: place({
    phrases: ["by a lake", "at a mountain lake", "in front of a lake", "against a lake background"],
    paint: (painter, variant) => paintLake(painter, variant, day, [104, 126, 140], [86, 158, 196]),
  }),
  "lake at sunrise": place({
    phrases: [
      "by a lake at sunrise",
      "at a mountain lake at sunrise",
      "in front of a lake at dawn",
      "by a lake at dawn",
    ],
    paint: (painter, variant) => paintLake(painter, variant, dawn, [112, 104, 142], [206, 150, 164]),
  }),
  beach: place({
    phrases: ["on the beach", "on a beach", "at the beach", "on a sandy beach"],
    paint: (painter, variant) => {
      sky(painter, 0, 112, ...day);
      sky(painter, 112, 166, [38, 142, 190], [104, 206, 212]);
      ripples(painter, variant, 118, [150, 214, 228]);
      const shore = (160 * painter.size) / 256;
      hill(painter, shore - 4, 5, variant, [236, 246, 244], [236, 246, 244]);
      hill(painter, shore + 3, 5, variant, [240, 216, 158], [224, 192, 126]);
    },
  }),
  city: place({
    phrases: ["in the city", "in a city", "in front of a city", "against a city background"],
    paint: (painter, variant) => {
      sky(painter, 0, 200, ...day);
      paintHouses(
        painter,
        variant,
        [
          [150, 166, 190],
          [112, 130, 160],
        ],
        [214, 226, 238],
      );
    },
  }),
  "city at night": place({
    phrases: ["in the city at night", "in a city at night", "in front of a city at night"],
    hides: "black",
    paint: (painter, variant) => {
      sky(painter, 0, 200, [14, 18, 58], [64, 56, 118]);
      stars(painter, variant, 24, [236, 232, 214]);
      paintHouses(
        painter,
        variant,
        [
          [58, 62, 104],
          [34, 38, 72],
        ],
        [250, 216, 120],
      );
    },
  }),
  road: place({
    phrases: ["on the road", "on a road", "on a street", "in the street"],
    paint: (painter, variant) => {
      sky(painter, 0, 150, ...day);
      hill(painter, (150 * painter.size) / 256, 10, variant, [142, 196, 102], [104, 164, 76]);
      rectangle(painter, 0, 186, 256, 256, [112, 116, 124]);
      rectangle(painter, 0, 186, 256, 189, [226, 226, 222]);
      for (let x = (variant * 19) % 56; x < 256; x += 56)
        rectangle(painter, x, 218, x + 30, 223, [240, 236, 220]);
    },
  }),
  room: place({
    phrases: ["in a room", "in a living room", "indoors", "inside a room"],
    paint: (painter, variant) => {
      const walls: readonly Rgb[] = [
        [236, 222, 196],
        [206, 222, 214],
        [222, 210, 226],
        [232, 206, 196],
      ];
      fill(painter, walls[variant]!);
      paintWindow(painter, variant % 2 === 0 ? 30 : 170);
      rectangle(painter, 0, 192, 256, 198, [250, 248, 242]);
      sky(painter, 198, 256, [190, 140, 94], [160, 112, 72]);
      for (let x = 20; x < 256; x += 44) rectangle(painter, x, 198, x + 2, 256, [140, 98, 62]);
    },
  }),
  table: place({
    phrases: ["on a table", "on a wooden table", "on the table"],
    paint: (painter, variant) => {
      const walls: readonly Rgb[] = [
        [226, 216, 204],
        [200, 214, 222],
        [216, 222, 200],
        [228, 208, 206],
      ];
      fill(painter, walls[variant]!);
      sky(painter, 168, 256, [186, 130, 82], [146, 96, 56]);
      rectangle(painter, 0, 164, 256, 170, [212, 160, 110]);
      const number = makeNumbers(variant);
      for (let y = 184; y < 256; y += 14) {
        const x = number(200);
        rectangle(painter, x, y, x + 60, y + 2, [136, 90, 54]);
      }
    },
  }),
  rain: place({
    phrases: ["in the rain", "on a rainy day", "in heavy rain"],
    paint: (painter, variant) => {
      sky(painter, 0, 190, [122, 134, 150], [180, 190, 200]);
      hill(painter, (186 * painter.size) / 256, 8, variant, [118, 146, 116], [88, 118, 96]);
      const number = makeNumbers(variant);
      for (let drop = 0; drop < 90; drop++) {
        const [x, y] = [number(256), number(256)];
        for (let part = 0; part < 4; part++)
          rectangle(painter, x - part, y + part * 3, x - part + 1.4, y + part * 3 + 3, [214, 228, 244]);
      }
    },
  }),
  underwater: place({
    phrases: ["under water", "underwater", "in the deep sea", "at the bottom of the sea"],
    paint: (painter, variant) => {
      sky(painter, 0, 226, [92, 200, 224], [22, 104, 166], [14, 66, 124]);
      hill(painter, (222 * painter.size) / 256, 8, variant, [206, 190, 140], [168, 150, 110]);
      const number = makeNumbers(variant);
      for (let bubble = 0; bubble < 16; bubble++)
        disc(painter, number(256), number(200), 2 + number(3), [176, 228, 240]);
    },
  }),
  sunrise: place({
    phrases: ["at sunrise", "against a sunrise", "at dawn", "in front of a sunrise"],
    paint: (painter, variant) => {
      sky(painter, 0, 190, ...dawn);
      disc(painter, [128, 64, 192, 100][variant]!, 186, 36, [255, 244, 196]);
      hill(painter, (184 * painter.size) / 256, 9, variant, [122, 150, 110], [80, 112, 86]);
    },
  }),
  clouds: place({
    phrases: ["in the sky", "in the clouds", "against a blue sky", "against a cloudy sky"],
    hides: "white",
    paint: (painter, variant) => {
      sky(painter, 0, 256, [84, 164, 238], [190, 226, 250]);
      const number = makeNumbers(variant);
      for (const y of [36, 96, 170, 226]) {
        const x = number(240);
        for (const [dx, dy, radius] of [
          [-24, 6, 14],
          [0, 0, 20],
          [26, 6, 16],
          [44, 10, 10],
        ] as const)
          disc(painter, x + dx, y + dy, radius, [248, 251, 254]);
      }
    },
  }),
  garden: place({
    phrases: ["in the garden", "in a garden", "among flowers", "in a flower garden"],
    paint: (painter, variant) => {
      sky(painter, 0, 150, ...day);
      for (let x = 2; x < 256; x += 22) rectangle(painter, x, 108, x + 14, 164, [244, 240, 230]);
      rectangle(painter, 0, 122, 256, 128, [226, 220, 206]);
      rectangle(painter, 0, 146, 256, 152, [226, 220, 206]);
      sky(painter, 160, 256, [128, 190, 84], [84, 150, 58]);
      const number = makeNumbers(variant);
      const petals: readonly Rgb[] = [
        [240, 90, 110],
        [250, 206, 70],
        [236, 236, 246],
        [180, 110, 210],
      ];
      for (let flower = 0; flower < 26; flower++)
        disc(painter, number(256), 168 + number(84), 4, petals[flower % petals.length]!);
    },
  }),
  autumn: place({
    phrases: ["in autumn", "in the autumn woods", "in an autumn forest", "in the fall"],
    paint: (painter, variant) => {
      sky(painter, 0, 180, [206, 218, 222], [246, 232, 204]);
      const number = makeNumbers(variant);
      const crowns: readonly Rgb[] = [
        [226, 132, 52],
        [204, 84, 44],
        [234, 182, 70],
      ];
      for (let tree = 0; tree < 8; tree++) {
        const x = tree * 36 + number(14);
        rectangle(painter, x - 3, 116, x + 3, 184, [112, 78, 54]);
        disc(painter, x, 104 + number(16), 26 + number(6), crowns[(tree + variant) % crowns.length]!);
      }
      sky(painter, 180, 256, [212, 154, 84], [176, 118, 62]);
      for (let leaf = 0; leaf < 40; leaf++)
        disc(painter, number(256), 184 + number(72), 2.6, crowns[leaf % crowns.length]!);
    },
  }),
  aurora: place({
    phrases: ["under the northern lights", "under an aurora", "against an aurora"],
    hides: "black",
    paint: (painter, variant) => {
      sky(painter, 0, 256, [8, 16, 44], [18, 44, 80]);
      glow(painter, variant % 2 === 0 ? [30, 170, 120] : [90, 90, 190]);
      stars(painter, variant, 40, [236, 244, 250]);
      hill(painter, (196 * painter.size) / 256, 10, variant, [196, 214, 234], [150, 174, 206]);
    },
  }),
} satisfies Record<string, Background>;

function paintLake(painter: Painter, variant: number, stops: readonly Rgb[], rock: Rgb, water: Rgb): void {
  sky(painter, 0, 140, ...stops);
  mountains(painter, variant, 142, rock, [248, 246, 246]);
  firs(painter, variant + 4, 146, 20, rock.map((value) => value * 0.62) as unknown as Rgb);
  sky(painter, 144, 256, water, water.map((value) => value * 0.62) as unknown as Rgb);
  ripples(painter, variant, 154, water.map((value) => Math.min(255, value * 1.25)) as unknown as Rgb);
}

/** A skyline of houses with lit windows, far ones first, above a street. */
function paintHouses(painter: Painter, seed: number, walls: readonly [Rgb, Rgb], light: Rgb): void {
  const number = makeNumbers(seed);
  for (const [row, wall] of walls.entries()) {
    for (let x = -10 + row * 8; x < 256; ) {
      const width = 30 + number(16);
      const top = (row === 0 ? 46 : 92) + number(44);
      rectangle(painter, x, top, x + width, 212, wall);
      for (let y = top + 8; y < 204; y += 16)
        for (let window = x + 6; window < x + width - 8; window += 12)
          if (number(3) > 0) rectangle(painter, window, y, window + 6, y + 8, light);
      x += width + 4 + number(8);
    }
  }
  const [, near] = walls;
  rectangle(painter, 0, 210, 256, 256, near.map((value) => value * 0.75) as unknown as Rgb);
}

function paintWindow(painter: Painter, x: number): void {
  rectangle(painter, x, 34, x + 60, 108, [250, 248, 242]);
  rectangle(painter, x + 5, 39, x + 28, 103, [166, 212, 240]);
  rectangle(painter, x + 32, 39, x + 55, 103, [166, 212, 240]);
}

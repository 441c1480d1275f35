// The styles in captions: those of the sets of drawings, and filters over the finished scene. Artists' names
// are synonyms of filters; they are filters, not the artists' work, and the model card says so.

import { type FilterName, filterNames } from "./filters/index.js";
import type { SetName } from "./sprite-sets.js";

/** A style that a caption may name. */
export type StyleName = SetName | FilterName;

/** One style: its drawing and its wording. */
export interface Style {
  readonly name: StyleName;
  /** Sets of drawings, best first. */
  readonly sets: readonly SetName[];
  readonly filter: FilterName | null;
  /** Said after the scene, "a cat, flat style"; where the list is empty the style cannot be said that way. */
  readonly suffixes: readonly string[];
  /** Said before the scene: "a woodblock print of". */
  readonly prefixes: readonly string[];
}

const rows: Record<StyleName, Omit<Style, "name" | "filter">> = {
  "3d": {
    sets: ["3d"],
    suffixes: ["3d style", "3d", "in 3d", "3d render"],
    prefixes: ["a 3d render of", "a 3d picture of"],
  },
  flat: {
    sets: ["flat"],
    suffixes: ["flat style", "flat", "in flat style", "flat illustration"],
    prefixes: ["a flat illustration of", "a flat drawing of"],
  },
  silhouette: {
    sets: ["silhouette"],
    suffixes: ["silhouette", "ink style", "in ink", "line art"],
    prefixes: ["a silhouette of", "an ink drawing of"],
  },
  noto: {
    sets: ["noto"],
    suffixes: ["noto style", "cartoon style", "cartoon", "in cartoon style"],
    prefixes: ["a cartoon of"],
  },
  blob: { sets: ["blob"], suffixes: ["blob style", "in blob style"], prefixes: ["a blob drawing of"] },
  sticker: {
    sets: ["sticker"],
    suffixes: ["sticker style", "sticker", "twemoji style"],
    prefixes: ["a sticker of"],
  },
  outlined: {
    sets: ["outlined"],
    suffixes: ["icon style", "as an icon", "emojione style"],
    prefixes: ["an icon of"],
  },
  doodle: {
    sets: ["doodle"],
    suffixes: ["doodle style", "doodle", "as a doodle"],
    prefixes: ["a doodle of"],
  },
  woodblock: {
    sets: ["flat", "3d"],
    suffixes: [
      "in the style of Hiroshige",
      "style by Hiroshige",
      "in style of Hiroshige",
      "by Hiroshige",
      "woodblock print",
      "woodblock style",
      "as a Japanese woodblock print",
    ],
    prefixes: ["a woodblock print of", "a Japanese woodblock print of"],
  },
  cubist: {
    sets: ["flat", "3d"],
    suffixes: [
      "in the style of Pablo Picasso",
      "in style of Pablo Picasso",
      "style by Picasso",
      "by Pablo Picasso",
      "cubist style",
      "cubist painting",
      "cubism",
    ],
    prefixes: ["a cubist painting of"],
  },
  "pixel art": {
    sets: ["flat", "3d"],
    suffixes: ["pixel art", "pixel art style", "as pixel art", "8-bit style"],
    prefixes: ["pixel art of"],
  },
  pencil: {
    sets: ["3d", "flat"],
    suffixes: ["pencil sketch", "pencil drawing", "drawn in pencil", "colored pencil"],
    prefixes: ["a pencil sketch of", "a pencil drawing of"],
  },
  watercolour: {
    sets: ["3d", "flat"],
    suffixes: ["watercolor", "watercolour", "in watercolor", "watercolor painting"],
    prefixes: ["a watercolor of", "a watercolour painting of"],
  },
  "stained glass": {
    sets: ["flat", "3d"],
    suffixes: ["stained glass", "stained glass window", "in stained glass"],
    prefixes: ["a stained glass window with"],
  },
  mosaic: {
    sets: ["flat", "3d"],
    suffixes: ["mosaic", "as a mosaic", "mosaic style"],
    prefixes: ["a mosaic of"],
  },
  "ink wash": {
    sets: ["flat", "3d"],
    suffixes: ["ink wash", "ink wash painting", "sumi-e", "brush painting", "in ink wash"],
    prefixes: ["an ink wash painting of", "a brush painting of"],
  },
  gouache: {
    sets: ["flat", "3d"],
    suffixes: ["gouache", "gouache painting", "in gouache", "painted in gouache"],
    prefixes: ["a gouache painting of", "a painting of"],
  },
};

/** All styles, in an order that never changes. */
export const styleNames = Object.keys(rows) as readonly StyleName[];

/** The style if a caption names none. */
export const defaultStyle: StyleName = "3d";

function isFilter(name: StyleName): name is FilterName {
  return (filterNames as readonly string[]).includes(name);
}

/** Gets a style by name. */
export function styleNamed(name: StyleName): Style {
  return { name, filter: isFilter(name) ? name : null, ...rows[name] };
}

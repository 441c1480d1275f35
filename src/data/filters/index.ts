// The filters over finished scenes, by the style's name.

import { cubist } from "./cubist.js";
import type { Filter } from "./filter.js";
import { pencil, watercolour } from "./strokes.js";
import { mosaic, pixelArt, stainedGlass } from "./tiles.js";
import { woodblock } from "./woodblock.js";

export const filters = {
  woodblock,
  cubist,
  "pixel art": pixelArt,
  pencil,
  watercolour,
  "stained glass": stainedGlass,
  mosaic,
} satisfies Record<string, Filter>;

/** A style that is a filter. */
export type FilterName = keyof typeof filters;

/** Every filter, in an order that never changes. */
export const filterNames = Object.keys(filters) as readonly FilterName[];

// The filters over finished scenes, by the style's name.

import { cubist, cubistShards } from "./cubist.js";
import type { Filter } from "./filter.js";
import { gouache, inkWash } from "./paint.js";
import { pencil, watercolour } from "./strokes.js";
import { mosaic, pixelArt, stainedGlass } from "./tiles.js";
import { woodblock, woodblockScene } from "./woodblock.js";

export const filters = {
  woodblock,
  cubist,
  "pixel art": pixelArt,
  pencil,
  watercolour,
  "stained glass": stainedGlass,
  mosaic,
  "ink wash": inkWash,
  gouache,
} satisfies Record<string, Filter>;

/** A style that is a filter. */
export type FilterName = keyof typeof filters;

/** Every filter, in an order that never changes. */
export const filterNames = Object.keys(filters) as readonly FilterName[];

/** Filters that were made anew: mixes that ask for version 2 get these. */
const second: Partial<Record<FilterName, Filter>> = { cubist: cubistShards, woodblock: woodblockScene };

/** A filter by name, in its first version or, where there is one, its second. */
export function getFilter(name: FilterName, version: 1 | 2 = 1): Filter {
  return (version === 2 && second[name]) || filters[name];
}

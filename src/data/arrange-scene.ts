// Where the things of a scene lie, and from which drawings they are made.

import { NishikiError } from "../errors.js";
import { type LayoutName, layoutSlots, type Slot } from "../models/index.js";
import type { Random } from "../random/index.js";
import { type BackgroundName, isColoured } from "./backgrounds.js";
import type { SceneMix } from "./describe-scene.js";
import { canBeMirrored } from "./mirrored.js";
import { naturalSize, type Role, roleOf } from "./scene-roles.js";
import { type Placement, type SceneContent, type SceneThing, showsMany } from "./scene-types.js";
import type { SetName } from "./sprite-sets.js";
import type { Catalogue } from "./sprites.js";
import { styleNamed } from "./styles.js";

/** Most things in an image, counting each of several. */
export const mostThings = 6;
/** Most things of one role in a landscape. */
export const mostOfRole = 3;

/** Centres of 1, 2 or 3 things in a row. */
const rows: readonly (readonly number[])[] = [[], [0.5], [0.28, 0.72], [0.19, 0.5, 0.81]];
/** Where things stand: far off and near, as shares of the image's height. */
const grounds = { far: 0.68, near: 0.93 } as const;
const skyHeight = 0.17;
/** Where what is far off stands on backgrounds with another horizon. */
const horizons: Readonly<Partial<Record<BackgroundName, number>>> = {
  sea: 0.58,
  lake: 0.58,
  "lake at sunrise": 0.58,
  beach: 0.56,
  road: 0.7,
  "city at night": 0.8,
  city: 0.8,
  sunset: 0.76,
  snow: 0.72,
};

/** Things in these hang in the air or in water. */
const floating: ReadonlySet<BackgroundName> = new Set(["space", "underwater", "clouds"]);

/** Draws the sets, positions and sizes of a content's things, the ones behind first. */
export function arrangeThings(
  content: SceneContent,
  stream: Random,
  mix: SceneMix,
  catalogue: Catalogue,
): Placement[] {
  const all = content.things.flatMap((thing) => Array.from({ length: thing.count }, () => thing));
  const isMany = showsMany(content.layout);
  // Groups have less jitter, so that their things do not touch.
  const spread = mix.positionJitter * (all.length > 1 ? 0.5 : 1);
  const around = (width: number): number => (stream.uniform() * 2 - 1) * width;
  // One set for all where it has them: three trees are alike.
  const draw = mix.drawings?.[content.style] === undefined ? 0 : stream.uniform();
  const sets = all.map((thing) => chooseSet(thing.name, content, draw, mix, catalogue));
  const ratioOf = (i: number) => catalogue.ratio?.(all[i]!.name, sets[i]!) ?? 1;
  const slots = isMany
    ? placeMany(content, all, ratioOf)
    : layoutSlots(content.layout as LayoutName, all.length);
  const placements = all.map((thing, i): Placement => {
    const [x, y, size] = slots[i]!;
    return {
      thing: thing.name,
      colour: thing.colour,
      set: sets[i]!,
      x: x + around(spread),
      y: y + around(spread),
      size: size * (1 + around(mix.sizeJitter)),
      ...(mix.mirrored !== undefined &&
        stream.uniform() < mix.mirrored &&
        canBeMirrored(thing.name) && { mirrored: true }),
    };
  });
  return isMany ? backToFront(content, placements) : placements;
}

/**
 * The drawings of a thing: those of the style's first set, or of one that the mix weighs.
 * @param draw 0 to 1, decides among them
 */
function chooseSet(
  name: string,
  { style }: SceneContent,
  draw: number,
  mix: SceneMix,
  catalogue: Catalogue,
): SetName {
  const weights = Object.entries(mix.drawings?.[style] ?? {}) as [SetName, number][];
  const there = weights.filter(([set, weight]) => weight > 0 && catalogue.has(name, set));
  if (there.length > 0) {
    let left = draw * there.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [set, weight] of there) {
      left -= weight;
      if (left < 0) return set;
    }
    return there[0]![0];
  }
  const set = styleNamed(style).sets.find((each) => catalogue.has(name, each));
  if (set === undefined)
    throw new NishikiError("data", `There is no drawing of "${name}" for the style "${style}".`);
  return set;
}

/** Slots of the newer layouts. @param ratioOf height of a drawing as a share of its width */
function placeMany(
  content: SceneContent,
  all: readonly SceneThing[],
  ratioOf: (i: number) => number,
): readonly Slot[] {
  /** The slot of a thing that stands on a level. */
  const standing = (i: number, x: number, bottom: number, size: number): Slot => [
    x,
    bottom - heightOf(ratioOf(i), size) / 2,
    size,
  ];
  if (content.layout === "on") {
    const under = standing(1, 0.5, 0.93, 0.56);
    const top = under[1] - heightOf(ratioOf(1), under[2]) / 2;
    // It sinks in by a quarter: few things are flat on top.
    const seat = Math.max(0.42, top + heightOf(ratioOf(1), under[2]) * 0.26);
    return [standing(0, 0.5, seat, 0.4), under];
  }
  if (content.layout === "front") return [standing(0, 0.68, 0.95, 0.38), standing(1, 0.42, 0.82, 0.68)];
  if (content.layout === "group") return placeGroup(content, all.length, standing);
  const counts: Record<Role, number> = { sky: 0, far: 0, near: 0 };
  for (const { name } of all) counts[roleOf(name)]++;
  const done: Record<Role, number> = { sky: 0, far: 0, near: 0 };
  return all.map(({ name }, i): Slot => {
    const role = roleOf(name);
    const at = done[role]++;
    const size = naturalSize(name) * (counts[role] > 2 ? 0.82 : 1);
    if (role === "sky") return [counts.sky === 1 ? 0.78 : rows[counts.sky]![at]!, skyHeight, size];
    // One house and one dog stand beside each other, and the dog before the house.
    const alone = counts.far === 1 && counts.near === 1 ? (role === "far" ? 0.38 : 0.7) : undefined;
    const horizon = content.background && horizons[content.background.name];
    const bottom = role === "far" ? (horizon ?? grounds.far) : grounds.near;
    return standing(i, alone ?? rows[counts[role]]![at]!, bottom, size);
  });
}

function heightOf(ratio: number, size: number): number {
  return ratio >= 1 ? size : size * ratio;
}

/** Up to three things in a row, more in two. */
function placeGroup(
  { background }: SceneContent,
  count: number,
  standing: (i: number, x: number, bottom: number, size: number) => Slot,
): readonly Slot[] {
  const upper = count <= 3 ? 0 : Math.ceil(count / 2);
  const size = count <= 2 ? 0.42 : count === 4 ? 0.38 : 0.3;
  const isGround = background !== null && !isColoured(background.name) && !floating.has(background.name);
  return Array.from({ length: count }, (_, i): Slot => {
    const isUpper = i < upper;
    const length = isUpper ? upper : count - upper;
    const x = rows[length]![isUpper ? i : i - upper]!;
    if (!isGround) return [x, upper === 0 ? 0.5 : isUpper ? 0.28 : 0.72, size];
    return standing(i, x, isUpper ? 0.6 : 0.93, size);
  });
}

/** In landscapes what is far off lies behind; a rider covers what it rides; else in the content's order. */
function backToFront({ layout }: SceneContent, placements: readonly Placement[]): Placement[] {
  if (layout === "on" || layout === "front") return [...placements].reverse();
  if (layout !== "landscape") return [...placements];
  const depth: Readonly<Record<Role, number>> = { sky: 0, far: 1, near: 2 };
  return [...placements].sort((a, b) => depth[roleOf(a.thing)] - depth[roleOf(b.thing)]);
}

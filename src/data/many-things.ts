// Chooses the contents of scenes with up to six things: a landscape with what belongs there, several kinds in
// rows, something on something else, something in front of a house.

import type { Random } from "../random/index.js";
import { mostOfRole, mostThings } from "./arrange-scene.js";
import {
  carrierNames,
  livingThings,
  naturalSize,
  type Role,
  roleOf,
  type Scenery,
  sceneryOf,
} from "./scene-roles.js";
import type { SceneBackground, SceneLayout } from "./scene-types.js";
import { thingNamed } from "./vocabulary.js";

/** A kind of thing and its number, not yet coloured. */
export interface Kind {
  readonly name: string;
  readonly count: number;
}

export interface Many {
  readonly kinds: readonly Kind[];
  readonly layout: SceneLayout;
}

/** What the choice is made from. */
interface Supply {
  readonly stream: Random;
  readonly background: SceneBackground | null;
  readonly isThere: (name: string) => boolean;
  /** Any thing of the mix. */
  readonly anyThing: () => string;
}

/** @returns null where the draw gave nothing that can be shown; draw again */
export function chooseMany(supply: Supply): Many | null {
  const choice = supply.stream.uniform();
  const many = choice < 0.5 ? landscape(supply) : choice < 0.72 ? group(supply) : pair(supply, choice < 0.86);
  if (many === null) return null;
  const names = many.kinds.map(({ name }) => name);
  const isSound = new Set(names).size === names.length && names.every(supply.isThere);
  return isSound ? many : null;
}

/** How things of a content lie that are named in a list: in rows where all are near, else in a landscape. */
export function layoutOfList(kinds: readonly Kind[]): SceneLayout {
  return kinds.some(({ name }) => roleOf(name) !== "near") ? "landscape" : "group";
}

function landscape({ stream, background, anyThing, isThere }: Supply): Many | null {
  const scenery = sceneryOf(background?.name ?? null);
  const roles = chooseRoles(stream, scenery);
  const kinds = roles.map((role): Kind => {
    const there = scenery[role].filter(isThere);
    const own = there.length > 0 ? stream.pick(there) : anyThing();
    // A third of what is near is anything at all: people put guitars into meadows.
    const other = anyThing();
    const name = role === "near" && stream.uniform() < 0.33 && roleOf(other) === "near" ? other : own;
    const several = stream.uniform() < 0.22 && thingNamed(name).plural !== null;
    return { name, count: several ? 2 + stream.integer(2) : 1 };
  });
  return fits(kinds) ? { kinds: shuffle(kinds, stream), layout: layoutOfList(kinds) } : null;
}

/** Two to six kinds, of roles that the scenery has things for. */
function chooseRoles(stream: Random, scenery: Scenery): Role[] {
  const wanted: readonly [Role, number][] = [
    ["far", 0.85],
    ["near", 0.85],
    ["sky", 0.6],
    ["near", 0.5],
    ["far", 0.45],
    ["near", 0.2],
    ["sky", 0.15],
  ];
  const roles = wanted.filter(([role, share]) => stream.uniform() < share && scenery[role].length > 0);
  const chosen = roles.map(([role]) => role);
  while (chosen.length < 2) {
    chosen.push((["near", "far", "sky"] as const).find((role) => scenery[role].length > 0)!);
  }
  return chosen;
}

/** "Three cats and a dog", "a guitar, a drum and a piano". */
function group({ stream, anyThing, background, isThere }: Supply): Many | null {
  const scenery = sceneryOf(background?.name ?? null);
  const near = scenery.near.filter(isThere);
  const count = stream.uniform() < 0.62 ? 2 : 3;
  const kinds = Array.from({ length: count }, (): Kind => {
    const other = anyThing();
    const name = stream.uniform() < 0.5 && near.length > 0 ? stream.pick(near) : other;
    const several = stream.uniform() < 0.55 && thingNamed(name).plural !== null;
    return { name, count: several ? 2 + stream.integer(3) : 1 };
  });
  return fits(kinds) ? { kinds, layout: layoutOfList(kinds) } : null;
}

function pair({ stream, background, isThere, anyThing }: Supply, on: boolean): Many | null {
  const living = livingThings.filter(isThere);
  const other = anyThing();
  const first = stream.uniform() < 0.7 && living.length > 0 ? stream.pick(living) : other;
  const scenery = sceneryOf(background?.name ?? null);
  const far = (scenery.far.length > 0 ? scenery.far : sceneryOf(null).far).filter(isThere);
  const second = on ? carrierNames.filter(isThere) : far;
  if (second.length === 0 || roleOf(first) !== "near") return null;
  const kinds = [first, stream.pick(second)].map((name): Kind => ({ name, count: 1 }));
  return { kinds, layout: on ? "on" : "front" };
}

/** Whether a landscape has room for what it shows: three of each role, and six in all. */
function fits(kinds: readonly Kind[]): boolean {
  const counts: Record<Role, number> = { sky: 0, far: 0, near: 0 };
  for (const { name, count } of kinds) counts[roleOf(name)] += count;
  const total = counts.sky + counts.far + counts.near;
  // Two single things are a pair, which has a layout of its own.
  if (kinds.length < 2 || total < 3 || total > mostThings) return false;
  if (layoutOfList(kinds) === "group") return true;
  const widths = kinds.filter(({ name }) => roleOf(name) === "far");
  const isWide = widths.reduce((sum, { name, count }) => sum + naturalSize(name) * count, 0) > 1.3;
  return !isWide && Object.values(counts).every((count) => count <= mostOfRole);
}

function shuffle<T>(items: readonly T[], stream: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(stream.integer(left.length), 1)[0]!);
}

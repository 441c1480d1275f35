// Pairs that training never shows, so that combining what was learned apart can be measured: a colour with a
// thing, a thing with a thing, a thing with a filter. A pair is held out by a hash of its names, so the list
// never changes and needs no file.

import { filterNames } from "./filters/index.js";
import type { SceneContent } from "./scene-types.js";

/** One pair in this many of a kind is held out: those whose hash leaves this remainder. */
const oneIn = 31;
const remainder = 5;

/** The pairs of a content that could be held out, as readable keys. */
export function pairsOf(content: SceneContent): string[] {
  const names = content.things.map((thing) => thing.name);
  const pairs = content.things
    .filter((thing) => thing.colour !== null)
    .map((thing) => `colour:${thing.colour}|${thing.name}`);
  if (names.length === 2) pairs.push(`things:${[...names].sort().join("|")}`);
  // Only filters: a drawing in a set's own style cannot be guessed from another set's drawing.
  if ((filterNames as readonly string[]).includes(content.style)) {
    pairs.push(...names.map((name) => `style:${content.style}|${name}`));
  }
  return pairs;
}

/** Whether this pair (a key of `pairsOf`) is held out. */
export function isHeldOutPair(pair: string): boolean {
  return hash(pair) % oneIn === remainder;
}

/** Whether a content shows a pair that training never shows. */
export function isHeldOut(content: SceneContent): boolean {
  return pairsOf(content).some(isHeldOutPair);
}

/** FNV-1a with 32 bits (Fowler, Noll and Vo), then mixed as in MurmurHash3 so that the remainder is even. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

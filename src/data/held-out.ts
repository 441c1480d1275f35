// Pairs held out from training, to measure whether a model combines what it learned separately: a colour,
// thing or filter with a thing. A hash of the names decides, so the list never changes and needs no file.

import { filterNames } from "./filters/index.js";
import type { SceneContent } from "./scene-types.js";

/** One pair in `oneIn` of each kind is held out: those whose hash leaves this remainder. */
const oneIn = 31;
const remainder = 5;

/** A content's pairs that could be held out, as readable keys. */
export function pairsOf(content: SceneContent): string[] {
  const names = content.things.map((thing) => thing.name);
  const pairs = content.things
    .filter((thing) => thing.colour !== null)
    .map((thing) => `colour:${thing.colour}|${thing.name}`);
  for (const [i, one] of names.entries())
    for (const other of names.slice(i + 1)) pairs.push(`things:${[one, other].sort().join("|")}`);
  // Only filters: a drawing in a set's own style cannot be guessed from another set's drawing.
  if ((filterNames as readonly string[]).includes(content.style)) {
    pairs.push(...names.map((name) => `style:${content.style}|${name}`));
  }
  return pairs;
}

/** Whether a pair (a key of `pairsOf`) is held out. */
export function isHeldOutPair(pair: string): boolean {
  return hash(pair) % oneIn === remainder;
}

/** Whether a content has a held-out pair. */
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

// The names of a random stream, hashed into the 64-bit key of its generator. The hash is part of what a seed means:
// changing it changes every image, so it is pinned by golden numbers in the tests.
//
// It chains Philox itself: key ← first two words of philox(counter = [word, word, word, tag], key), from key 0, over a
// prefix-free encoding of the parts, so that ("ab") and ("a", "b"), or 1 and "1", are different streams:
//   a number:  [low 32 bits, high bits, 0, tag 1]
//   a string:  six UTF-16 units at a time, two per word (first unit in the low half), unused units 0;
//              tag 2 where more follows, tag 3 + (number of units) on the last chunk.

import { NishikiError } from "../errors.js";
import { type PhiloxKey, philox4x32 } from "./philox.js";

const UNITS_PER_CHUNK = 6;

/**
 * The key of the stream with these names; [0, 0] without names. Numbers are safe integers ≥ 0, else `usage`.
 */
export function getStreamKey(names: readonly (number | string)[]): PhiloxKey {
  let key: PhiloxKey = [0, 0];
  for (const name of names)
    key = typeof name === "number" ? absorbNumber(key, name) : absorbString(key, name);
  return key;
}

/** Splits a safe integer ≥ 0 into its low and high 32 bits; `what` names it in the error. */
export function splitInteger(value: number, what: string): [number, number] {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new NishikiError("usage", `${what} must be a whole number from 0 to 2^53 - 1, but got ${value}.`);
  return [value | 0, Math.floor(value / 2 ** 32)];
}

function absorbNumber(key: PhiloxKey, value: number): PhiloxKey {
  const [low, high] = splitInteger(value, "A number in a random stream's name");
  return absorb(key, low, high, 0, 1);
}

function absorbString(start: PhiloxKey, text: string): PhiloxKey {
  let key = start;
  let at = 0;
  do {
    const word = (i: number) => unit(text, at + 2 * i) | (unit(text, at + 2 * i + 1) << 16);
    const left = text.length - at;
    key = absorb(key, word(0), word(1), word(2), left > UNITS_PER_CHUNK ? 2 : 3 + left);
    at += UNITS_PER_CHUNK;
  } while (at < text.length);
  return key;
}

function unit(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : 0;
}

function absorb(key: PhiloxKey, w0: number, w1: number, w2: number, tag: number): PhiloxKey {
  const block = new Int32Array(4);
  philox4x32(w0, w1, w2, tag, key, block, 0);
  return [block[0]!, block[1]!];
}

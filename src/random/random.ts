// Seeded random numbers, addressed by name: random(seed, "noise", step) is the same stream for every caller,
// in any order, on any machine. Uses Philox4x32-10: the counter is [block, block, seed, seed], the key is the
// stream's name.

import { NishikiError } from "../errors.js";
import { boxMuller } from "./box-muller.js";
import { type PhiloxKey, philox4x32 } from "./philox.js";
import { getStreamKey, splitInteger } from "./stream-key.js";

/** A stream of random numbers. Each call continues where the last one stopped. */
export interface Random {
  /** A whole number, uniform over [0, 2^32). */
  uint32(): number;
  /** Uniform over [0, 1), with 53 random bits. */
  uniform(): number;
  /** A whole number, uniform over [0, n) without bias; n a whole number from 1 to 2^53 - 1, else `usage`. */
  integer(n: number): number;
  /** Standard normal, rounded to float32. n calls return what normals(n) returns. */
  normal(): number;
  /** n standard normals. */
  normals(n: number): Float32Array;
  /** Fills `out` with standard normals and returns it. */
  fillNormals(out: Float32Array): Float32Array;
  /** One item of a list; an empty list is a `usage` error. */
  pick<T>(list: readonly T[]): T;
  /** A shuffled copy of a list (Fisher and Yates). */
  shuffle<T>(list: readonly T[]): T[];
}

/**
 * Makes the random stream with this seed and name: equal arguments give equal numbers, others an independent
 * stream.
 *
 * @param seed a whole number from 0 to 2^53 - 1 (0 is valid), else `usage`
 * @param stream names and whole numbers ≥ 0 that identify the purpose, as in random(seed, "noise", step); 1
 *   and "1" are different names
 */
export function random(seed: number, ...stream: (number | string)[]): Random {
  const [low, high] = splitInteger(seed, "A seed");
  return new PhiloxRandom(low, high, getStreamKey(stream));
}

/**
 * Words are generated in blocks: large enough to amortise the cost of a call, small enough for streams used
 * once.
 */
const BUFFERED_WORDS = 32;

class PhiloxRandom implements Random {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  readonly #key: PhiloxKey;
  readonly #words = new Int32Array(BUFFERED_WORDS);
  #position = BUFFERED_WORDS;
  #block = 0;
  readonly #pair = new Float32Array(2);
  #hasSpare = false;

  constructor(seedLow: number, seedHigh: number, key: PhiloxKey) {
    this.#seedLow = seedLow;
    this.#seedHigh = seedHigh;
    this.#key = key;
  }

  uint32(): number {
    if (this.#position === BUFFERED_WORDS) this.#refill();
    return this.#words[this.#position++]! >>> 0;
  }

  uniform(): number {
    return this.#bits53() * 2 ** -53;
  }

  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1)
      throw new NishikiError("usage", `integer(n) needs a whole number n from 1 to 2^53 - 1, but got ${n}.`);
    const range = n <= 2 ** 32 ? 2 ** 32 : 2 ** 53;
    const limit = range - (range % n); // larger draws would favour small remainders
    for (;;) {
      const draw = n <= 2 ** 32 ? this.uint32() : this.#bits53();
      if (draw < limit) return draw % n;
    }
  }

  normal(): number {
    if (this.#hasSpare) {
      this.#hasSpare = false;
      return this.#pair[1]!;
    }
    const a = this.uint32();
    boxMuller(a, this.uint32(), this.#pair, 0);
    this.#hasSpare = true;
    return this.#pair[0]!;
  }

  normals(n: number): Float32Array {
    return this.fillNormals(new Float32Array(n));
  }

  fillNormals(out: Float32Array): Float32Array {
    let i = 0;
    if (this.#hasSpare && out.length > 0) out[i++] = this.normal();
    for (; i + 1 < out.length; i += 2) {
      const a = this.uint32();
      boxMuller(a, this.uint32(), out, i);
    }
    if (i < out.length) out[i] = this.normal();
    return out;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new NishikiError("usage", "pick(list) needs a list with at least one item.");
    return list[this.integer(list.length)]!;
  }

  shuffle<T>(list: readonly T[]): T[] {
    const items = list.slice();
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }

  #bits53(): number {
    const high = this.uint32() >>> 5;
    return high * 2 ** 26 + (this.uint32() >>> 6);
  }

  #refill(): void {
    for (let at = 0; at < BUFFERED_WORDS; at += 4) {
      const block = this.#block++;
      philox4x32(
        block,
        Math.floor(block / 2 ** 32),
        this.#seedLow,
        this.#seedHigh,
        this.#key,
        this.#words,
        at,
      );
    }
    this.#position = 0;
  }
}

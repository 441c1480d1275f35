// PyTorch's CPU generator, so that a seed gives the same noise as in PyTorch programs: the Mersenne Twister
// (Matsumoto and Nishimura 1998, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random
// number generator"), with normals in the order of torch.randn (ATen/native/cpu/DistributionTemplates.h).
//
// PyTorch rounds differently on different processors. This matches it bit for bit on processors with AVX2; on
// others, including those with AVX-512, PyTorch uses the C library's logarithm and cosine, and some last bits
// differ.
import { NishikiError } from "../errors.js";
import { logOfFraction, sineAndCosine } from "./cephes-float32.js";

const size = 624;
const shift = 397;

/** The 32-bit Mersenne Twister. */
class MersenneTwister {
  readonly #state = new Uint32Array(size);
  #position = size;

  constructor(seed: number) {
    this.#state[0] = seed >>> 0;
    for (let i = 1; i < size; i++) {
      const last = this.#state[i - 1]!;
      this.#state[i] = Math.imul(1_812_433_253, last ^ (last >>> 30)) + i;
    }
  }

  #refill(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const mixed = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + shift) % size]! ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }

  next(): number {
    if (this.#position === size) this.#refill();
    let y = this.#state[this.#position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
}

/** Draws normals. */
export interface NormalSource {
  /** What torch.randn returns for that many numbers, in any shape. */
  normals(count: number): Float32Array;
}

/** The block size of the vectorised algorithm; smaller counts are drawn one by one. */
const block = 16;

class TorchCpu implements NormalSource {
  readonly #twister: MersenneTwister;
  #spare: number | undefined;

  constructor(seed: number) {
    this.#twister = new MersenneTwister(seed % 2 ** 32);
  }

  normals(count: number): Float32Array {
    const out = new Float32Array(count);
    if (count < block) return out.map(() => this.#single());
    for (let i = 0; i < count; i++) out[i] = this.#uniform();
    for (let i = 0; i + block <= count; i += block) boxMuller(out, i);
    if (count % block !== 0) {
      // The last sixteen are drawn again and overwritten.
      for (let i = count - block; i < count; i++) out[i] = this.#uniform();
      boxMuller(out, count - block);
    }
    return out;
  }

  /** Uniform over [0, 1) with 24 bits. */
  #uniform(): number {
    return (this.#twister.next() & 0xffffff) * 2 ** -24;
  }

  /** Uniform over [0, 1) with 53 bits. */
  #uniform53(): number {
    const high = this.#twister.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#twister.next()) * 2 ** -53;
  }

  #single(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const [a, b] = [this.#uniform53(), this.#uniform53()];
    const radius = Math.sqrt(-2 * Math.log1p(-b));
    this.#spare = radius * Math.sin(2 * Math.PI * a);
    return radius * Math.cos(2 * Math.PI * a);
  }
}

const turn = Math.fround(2 * Math.PI);

/** Converts sixteen uniform numbers at `at` to normals: the first eight give lengths, the others angles. */
function boxMuller(values: Float32Array, at: number): void {
  for (let i = at; i < at + block / 2; i++) {
    const radius = Math.fround(Math.sqrt(-2 * logOfFraction((1 - values[i]!) * 2 ** 24)));
    const [sine, cosine] = sineAndCosine(Math.fround(turn * values[i + block / 2]!));
    values[i] = radius * cosine;
    values[i + block / 2] = radius * sine;
  }
}

/**
 * `torch.Generator("cpu").manual_seed(seed)`.
 * @param seed A whole number from 0 to 2^53 − 1; like PyTorch's, this generator uses its lower 32 bits.
 */
export function makeTorchCpu(seed: number): NormalSource {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new NishikiError("usage", `A seed must be a whole number from 0 to 2^53 - 1, but got ${seed}.`);
  return new TorchCpu(seed);
}

// The few vector operations that samplers are written in. Latents are flat float32 lists; every sum is formed in
// float64 and rounded once, and no element looks at another, so an image does not depend on its neighbours in a batch.

import { NishikiError } from "../errors.js";

/** A weight and the vector it belongs to. */
export type Term = readonly [weight: number, vector: Float32Array | Float64Array];

/** The weighted sum of vectors of one length, as in combine([a, x], [b, y]) for a x + b y. */
export function combine(...terms: readonly Term[]): Float32Array {
  return new Float32Array(combineExactly(...terms));
}

/** The weighted sum in float64, for what will be multiplied by large numbers. */
export function combineExactly(...terms: readonly Term[]): Float64Array {
  const length = terms[0]?.[1].length ?? 0;
  for (const [, vector] of terms)
    if (vector.length !== length)
      throw new NishikiError("shape", `Cannot add latents of ${length} and ${vector.length} numbers.`);
  const sum = new Float64Array(length);
  for (const [weight, vector] of terms) for (let i = 0; i < length; i++) sum[i]! += weight * vector[i]!;
  return sum;
}

/** The vectors one after another. */
export function concatenate(...vectors: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(vectors.reduce((sum, vector) => sum + vector.length, 0));
  let at = 0;
  for (const vector of vectors) {
    out.set(vector, at);
    at += vector.length;
  }
  return out;
}

/** The standard deviation of a vector's elements around their mean. */
export function standardDeviation(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value;
  const mean = sum / vector.length;
  let squares = 0;
  for (const value of vector) squares += (value - mean) ** 2;
  return Math.sqrt(squares / vector.length);
}

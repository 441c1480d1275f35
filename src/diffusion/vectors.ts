// The few vector operations that samplers use. Latents are flat float32 arrays; every sum is computed in
// float64 and rounded once, and elements are independent, so an image does not depend on its neighbours in a
// batch.

import { NishikiError } from "../errors.js";

/** A weight and its vector. */
export type Term = readonly [weight: number, vector: Float32Array | Float64Array];

/** Computes the weighted sum of vectors of equal length, as in combine([a, x], [b, y]) for a x + b y. */
export function combine(...terms: readonly Term[]): Float32Array {
  return new Float32Array(combineExactly(...terms));
}

/** Computes the weighted sum in float64, for results that large numbers will multiply. */
export function combineExactly(...terms: readonly Term[]): Float64Array {
  const length = terms[0]?.[1].length ?? 0;
  for (const [, vector] of terms)
    if (vector.length !== length)
      throw new NishikiError("shape", `Cannot add latents of ${length} and ${vector.length} numbers.`);
  const sum = new Float64Array(length);
  for (const [weight, vector] of terms) for (let i = 0; i < length; i++) sum[i]! += weight * vector[i]!;
  return sum;
}

/** Concatenates vectors. */
export function concatenate(...vectors: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(vectors.reduce((sum, vector) => sum + vector.length, 0));
  let at = 0;
  for (const vector of vectors) {
    out.set(vector, at);
    at += vector.length;
  }
  return out;
}

/** Computes the standard deviation of a vector's elements. */
export function standardDeviation(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value;
  const mean = sum / vector.length;
  let squares = 0;
  for (const value of vector) squares += (value - mean) ** 2;
  return Math.sqrt(squares / vector.length);
}

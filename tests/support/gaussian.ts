// A world of which everything is known: data that is Gaussian in each dimension, x0 ~ N(mean, deviation²). Its ideal
// denoiser and the exact path of its probability flow are formulas, which is what samplers are measured against.

import type { Denoiser } from "../../src/diffusion/denoisers.js";

/** One entry per dimension; a deviation of 0 makes a dimension a point. */
export interface Gaussian {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The expectation of x0 given x = x0 + sigma·noise: (s² x + sigma² mean)/(s² + sigma²). Any number of samples in a row. */
export function getGaussianDenoiser({ mean, deviation }: Gaussian): Denoiser<unknown> {
  return async (x, sigma) =>
    x.map((value, i) => {
      const d = i % mean.length;
      const variance = deviation[d]! ** 2;
      return (variance * value + sigma ** 2 * mean[d]!) / (variance + sigma ** 2);
    });
}

/** Where the probability flow takes x at one sigma by the time it reaches another. */
export function followGaussianFlow(
  { mean, deviation }: Gaussian,
  x: Float32Array,
  sigma: number,
  target: number,
): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const d = i % mean.length;
    const variance = deviation[d]! ** 2;
    return mean[d]! + (value - mean[d]!) * Math.sqrt((variance + target ** 2) / (variance + sigma ** 2));
  });
}

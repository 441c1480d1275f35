// Churn: before a step, noise is raised to more than x has, and the step goes down from there. Karras et al. 2022 (arXiv
// 2206.00364), algorithm 2, lines 4 to 6.

import type { NoiseSource } from "../noise.js";
import { combine } from "../vectors.js";
import { type Churn, requireNoise } from "./sampler.js";

/** By which share of sigma noise is raised before a step; the cap keeps new noise below what x has already. */
function getGamma(sigma: number, steps: number, churn?: Churn): number {
  if (!churn) return 0;
  const { sChurn, sMin = 0, sMax = Number.POSITIVE_INFINITY } = churn;
  return sigma >= sMin && sigma <= sMax ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
}

/** Where step `i` of `steps` begins: x and its level, raised if churn is asked for at this level. */
export function addChurn(
  x: Float32Array,
  sigma: number,
  { churn, noise, i, steps }: { churn?: Churn; noise?: NoiseSource; i: number; steps: number },
): { readonly x: Float32Array; readonly hat: number } {
  const hat = sigma * (1 + getGamma(sigma, steps, churn));
  if (hat === sigma) return { x, hat };
  const added = Math.sqrt(hat ** 2 - sigma ** 2) * (churn?.sNoise ?? 1);
  return { x: combine([1, x], [added, requireNoise(noise, "with churn")(i)]), hat };
}

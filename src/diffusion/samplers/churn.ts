// Churn: raises the noise of x before a step, then steps down from there. Karras et al. 2022 (arXiv
// 2206.00364),
// algorithm 2, lines 4 to 6.

import type { NoiseSource } from "../noise.js";
import { combine } from "../vectors.js";
import { type Churn, requireNoise } from "./sampler.js";

/**
 * The share of sigma by which noise rises before a step; the cap keeps new noise below the existing noise.
 */
function getGamma(sigma: number, steps: number, churn?: Churn): number {
  if (!churn) return 0;
  const { sChurn, sMin = 0, sMax = Number.POSITIVE_INFINITY } = churn;
  return sigma >= sMin && sigma <= sMax ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
}

/** Gets x and its level at the start of step `i` of `steps`, raised if churn applies at this level. */
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

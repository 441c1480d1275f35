// Heun's method: an Euler step, then the same step again with the mean of the slopes at both ends. Order 2, two
// evaluations a step (one for the step to 0, where the slope has no second end).
// Karras et al. 2022 (arXiv 2206.00364), algorithm 1; with options.churn, algorithm 2.

import { combine } from "../vectors.js";
import { type Churn, getSlope, prepare, requireNoise, type Sampler } from "./sampler.js";

export const heun: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const hat = sigma * (1 + getGamma(sigma, steps, options.churn));
    if (hat > sigma) {
      const added = Math.sqrt(hat ** 2 - sigma ** 2) * (options.churn?.sNoise ?? 1);
      x = combine([1, x], [added, requireNoise(options.noise, "heun with churn")(i)]);
    }
    let denoised = await model(x, hat);
    const d = getSlope(x, hat, denoised);
    let xNext = combine([1, x], [next - hat, d]);
    if (next > 0) {
      denoised = await model(xNext, next);
      const dNext = getSlope(xNext, next, denoised);
      xNext = combine([1, x], [(next - hat) / 2, d], [(next - hat) / 2, dNext]);
    }
    x = xNext;
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

/** By which share of sigma noise is raised before a step; the cap keeps new noise below what x has already. */
function getGamma(sigma: number, steps: number, churn?: Churn): number {
  if (!churn) return 0;
  const { sChurn, sMin = 0, sMax = Number.POSITIVE_INFINITY } = churn;
  return sigma >= sMin && sigma <= sMax ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
}

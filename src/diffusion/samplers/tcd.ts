// Trajectory consistency sampling: steps along the slope to below the next level, then adds noise up to it.
// For networks distilled to a few steps. Zheng et al. 2024 (arXiv 2402.19159), algorithm 2 ("strategic
// stochastic sampling"); gamma, the share of time stepped below the next level, is eta here.

import { combine } from "../vectors.js";
import { getSlope, prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

/** The authors' choice, between no noise at 0 and consistency sampling at 1. */
const usualGamma = 0.3;

export const tcd: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "tcd");
  const gamma = requireEta(options.eta ?? usualGamma);
  // Without known times, assume that they are even in log sigma.
  const timeFraction =
    options.timeFraction ?? ((sigma: number, fraction: number) => sigma * 1e-3 ** fraction);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    const isLast = i === steps - 1;
    const below = isLast ? next : timeFraction(next, gamma);
    x = combine([1, denoised], [below, getSlope(x, sigma, denoised)]);
    if (below < next) x = combine([1, x], [Math.sqrt(next ** 2 - below ** 2), noise(i)]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

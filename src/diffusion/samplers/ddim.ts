// DDIM: over sigma, Euler's method without noise (eta 0, the default), and an ancestral step with a share of the
// posterior's noise else. Song et al. 2021 (arXiv 2010.02502), equations 12 and 16.

import { combine } from "../vectors.js";
import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import type { Sampler } from "./sampler.js";

export const ddim: Sampler = async function* (denoise, x, sigmas, options) {
  const { strides, noise } = options;
  const sample = (options.eta ?? 0) === 0 ? euler : eulerAncestral;
  if (!strides) return yield* sample(denoise, x, sigmas, options);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const landing = strides.level(sigma, 1);
    const own = { ...options, ...(noise && { noise: () => noise(i) }) };
    for await (const state of sample(denoise, x, [sigma, landing], own)) {
      x = landing === next ? state.x : combine([strides.carry(landing, next), state.x]);
      yield { step: i + 1, steps, sigma: next, x, denoised: state.denoised };
    }
  }
};

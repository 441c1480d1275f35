// DDIM: over sigma, Euler's method without noise (eta 0, the default); otherwise an ancestral step with a
// share of the posterior's noise. Song et al. 2021 (arXiv 2010.02502), equations 12 and 16.

import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { getCarry, getSlope, prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

export const ddim: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const eta = requireEta(options.eta ?? 0);
  const noise = eta > 0 ? requireNoise(options.noise, "ddim with eta") : undefined;
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const to = options.transfers?.[i]?.to ?? next;
    const denoised = await model(x, sigma);
    const { up, down } = splitStep(sigma, to, eta);
    x = options.unlimited
      ? combine([1, denoised], [down, getSlope(x, sigma, options.unlimited())])
      : combine([1, x], [down - sigma, getSlope(x, sigma, denoised)]);
    if (up > 0) x = combine([1, x], [up, noise!(i)]);
    const carry = i < steps - 1 ? getCarry(to, next) : 1;
    if (carry !== 1) x = combine([carry, x]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

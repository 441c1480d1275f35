// Euler's method down to less noise than the next level has, then fresh noise up to that level: ancestral
// sampling of DDPM (Ho et al. 2020, arXiv 2006.11239, with the posterior variance of its section 3.2) in the
// form x = x0 + sigma·noise.

import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { getSlope, prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

export const eulerAncestral: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "euler-ancestral");
  const eta = requireEta(options.eta);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    const d = getSlope(x, sigma, denoised);
    const { up, down } = splitStep(sigma, next, eta);
    x = combine([1, x], [down - sigma, d]);
    if (up > 0) x = combine([1, x], [up, noise(i)]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

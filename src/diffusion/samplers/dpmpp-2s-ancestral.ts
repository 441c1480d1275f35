// DPM-Solver++(2S), ancestral: applies the model output at the midpoint of a step (over -log sigma) to the
// whole step, down to less noise than the next level, and adds fresh noise. Order 2 without the noise, two
// evaluations per step.
// Lu et al. 2022 (arXiv 2211.01095), algorithm 1.

import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

export const dpmpp2sAncestral: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "dpmpp-2s-ancestral");
  const eta = requireEta(options.eta);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const { up, down } = splitStep(sigma, next, eta);
    let denoised = await model(x, sigma);
    if (down > 0) {
      const middle = Math.sqrt(sigma * down);
      const halfway = combine([middle / sigma, x], [1 - middle / sigma, denoised]);
      denoised = await model(halfway, middle);
    }
    x = combine([down / sigma, x], [1 - down / sigma, denoised]);
    if (up > 0) x = combine([1, x], [up, noise(i)]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

// Consistency sampling: the predicted image plus fresh noise of the next level. For networks distilled to a
// few steps.
// Song et al. 2023 (arXiv 2303.01469), algorithm 1; latent: Luo et al. 2023 (arXiv 2310.04378), algorithm 3.

import { combine } from "../vectors.js";
import { prepare, requireNoise, type Sampler } from "./sampler.js";

export const lcm: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "lcm");
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const next = sigmas[i + 1]!;
    const denoised = await model(x, sigmas[i]!);
    x = next > 0 ? combine([1, denoised], [next, noise(i)]) : denoised;
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

// DPM-Solver++ for the diffusion SDE, single-step: an ancestral step to the midpoint (over -log sigma), then,
// with the model output there, an ancestral step over the whole. Two evaluations and two noise draws per
// step. Lu et al. 2022 (arXiv 2211.01095), section 4.3, as in the code release of Karras et al. 2022 (r =
// 1/2).

import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

export const dpmppSde: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "dpmpp-sde");
  const eta = requireEta(options.eta);
  const steps = sigmas.length - 1;
  const advance = (from: number, to: number, denoised: Float32Array, draw: number) => {
    const { up, down } = splitStep(from, to, eta);
    const moved = combine([down / from, x], [1 - down / from, denoised]);
    return up > 0 ? combine([1, moved], [up, noise(draw)]) : moved;
  };
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    let denoised = await model(x, sigma);
    if (next > 0) {
      const middle = Math.sqrt(sigma * next);
      denoised = await model(advance(sigma, middle, denoised, 2 * i), middle);
    }
    x = advance(sigma, next, denoised, 2 * i + 1);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

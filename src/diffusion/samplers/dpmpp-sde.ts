// DPM-Solver++ for the diffusion SDE, single-step: an ancestral step to the middle (over -log sigma), and with the answer
// there an ancestral step over all. Two evaluations and two draws of noise a step. Lu et al. 2022 (arXiv 2211.01095),
// section 4.3, in the form of Karras et al. 2022's release (r = 1/2).

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

// Euler's method on the probability flow; for a variance-preserving network this is DDIM (Song et al. 2021,
// arXiv 2010.02502). Order 1, one evaluation per step. Karras et al. 2022 (arXiv 2206.00364), algorithm 1
// without its lines 6-8; with options.churn, algorithm 2 without its lines 9-11.

import { combine } from "../vectors.js";
import { addChurn } from "./churn.js";
import { getSlope, prepare, type Sampler } from "./sampler.js";

export const euler: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const { x: raised, hat } = addChurn(x, sigma, { ...options, i, steps });
    const denoised = await model(raised, hat);
    const d = getSlope(raised, hat, denoised);
    x = combine([1, raised], [next - hat, d]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

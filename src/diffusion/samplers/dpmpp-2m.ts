// DPM-Solver++(2M): solves the linear part of the probability flow exactly over lambda = -log sigma and
// extrapolates the model output from the last two. Order 2, one evaluation per step.
// Lu et al. 2022 (arXiv 2211.01095), algorithm 2.

import { combine } from "../vectors.js";
import { isShort, prepare, type Sampler } from "./sampler.js";

export const dpmpp2m: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  let last: { denoised: Float32Array; h: number } | undefined;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    const h = Math.log(sigma / next); // infinite for the step to 0, which then gives x = D
    let D = denoised;
    if (last && next > 0 && (i < steps - 1 || !isShort(sigmas, options))) {
      const r = last.h / h;
      D = combine([1 + 1 / (2 * r), denoised], [-1 / (2 * r), last.denoised]);
    }
    x = combine([next / sigma, x], [-Math.expm1(-h), D]);
    last = { denoised, h };
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

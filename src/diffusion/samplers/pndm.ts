// PNDM as diffusers runs it for Stable Diffusion (skip_prk_steps): linear multistep over the slopes of up to four steps,
// with coefficients for even steps, after a first step by the mean of the slopes at both ends.
// Liu et al. 2022 (arXiv 2202.09778), equations 9 to 12, with algorithm 2's start replaced.

import { combine } from "../vectors.js";
import { getSlope, prepare, type Sampler } from "./sampler.js";

/** Adams and Bashforth's coefficients by how many slopes there are, newest first. */
const coefficients = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

export const pndm: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  const { strides } = options;
  const carry = (from: number, to: number) => (!strides || from === to ? 1 : strides.carry(from, to));
  let slopes: Float64Array[] = []; // newest first
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const landing = strides?.level(sigma, 1) ?? next;
    let denoised = await model(x, sigma);
    const slope = getSlope(x, sigma, denoised);
    slopes = [slope, ...slopes].slice(0, 4);
    if (i === 0 && next > 0 && steps > 1) {
      const there = carry(landing, next);
      const ahead = combine([there, x], [there * (landing - sigma), slope]);
      denoised = await model(ahead, next);
      // The step is gone once more, back from the next level.
      const begin = strides?.level(next, -1) ?? sigma;
      const half = (next - begin) / 2;
      x = combine([carry(sigma, begin), x], [half, slope], [half, getSlope(ahead, next, denoised)]);
    } else {
      const weights = coefficients[slopes.length - 1]!;
      const there = carry(landing, next);
      const terms = slopes.map((s, j) => [there * (landing - sigma) * weights[j]!, s] as const);
      x = combine([there, x], ...terms);
    }
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

// DPM-Solver-2 as in the code release of Karras et al. 2022: applies the slope at the geometric midpoint of a
// step to the whole step. Order 2, two evaluations per step. Lu et al. 2022 (arXiv 2206.00927), section 3.2;
// the ancestral variant adds noise.

import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { getSlope, prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

const makeDpm2 = (name: string, isAncestral: boolean): Sampler =>
  async function* (denoise, x, sigmas, options) {
    const model = prepare(denoise, sigmas, options);
    const eta = isAncestral ? requireEta(options.eta) : 0;
    const noise = isAncestral ? requireNoise(options.noise, name) : undefined;
    const steps = sigmas.length - 1;
    for (let i = 0; i < steps; i++) {
      const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
      const { up, down } = splitStep(sigma, next, eta);
      let denoised = await model(x, sigma);
      let slope = getSlope(x, sigma, denoised);
      if (down > 0) {
        const middle = getMiddle(sigma, down, next);
        const halfway = combine([1, x], [middle - sigma, slope]);
        denoised = await model(halfway, middle);
        slope = getSlope(halfway, middle, denoised);
      }
      x = combine([1, x], [down - sigma, slope]);
      if (up > 0) x = combine([1, x], [up, noise!(i)]);
      yield { step: i + 1, steps, sigma: next, x, denoised };
    }
  };

/**
 * An ancestral step's midpoint is the next level, but a plan may have rounded the time of that level and not
 * of this one.
 */
function getMiddle(sigma: number, down: number, next: number): number {
  const middle = Math.sqrt(sigma * down);
  return middle === next ? middle * (1 - Number.EPSILON) : middle;
}

export const dpm2 = makeDpm2("dpm2", false);
export const dpm2Ancestral = makeDpm2("dpm2-ancestral", true);

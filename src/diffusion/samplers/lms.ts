// Linear multistep: fits a polynomial through the slopes of up to four steps and integrates it exactly over
// sigma (Adams and Bashforth's method for uneven steps; after the code release of Karras et al. 2022, which
// uses four).

import { combine } from "../vectors.js";
import { getSlope, prepare, type Sampler } from "./sampler.js";

const most = 4;

// Two-point Gauss-Legendre quadrature integrates polynomials up to degree 3 exactly.
const point = 1 / Math.sqrt(3);

/** Integrates from `from` to `to` the polynomial that is 1 at places[j] and 0 at the others. */
function integrate(places: readonly number[], j: number, from: number, to: number): number {
  const at = (s: number) =>
    places.reduce(
      (product, place, k) => (k === j ? product : (product * (s - place)) / (places[j]! - place)),
      1,
    );
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  return half * (at(middle - half * point) + at(middle + half * point));
}

export const lms: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  // An img2img run has fewer slopes than levels; diffusers uses the polynomials of all levels even then.
  const skipped = options.skippedSigmas ?? [];
  const levels = [...skipped, ...sigmas];
  let slopes: Float64Array[] = []; // newest first
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    slopes = [getSlope(x, sigma, denoised), ...slopes].slice(0, most);
    const end = skipped.length + i + 1;
    const places = levels.slice(Math.max(0, end - most), end).reverse();
    x = combine([1, x], ...slopes.map((slope, j) => [integrate(places, j, sigma, next), slope] as const));
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

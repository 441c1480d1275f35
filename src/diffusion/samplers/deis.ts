// DEIS: fits a polynomial in log sigma through the slopes of up to three steps and integrates it exactly over
// sigma; one evaluation per step. Zhang and Chen 2023 (arXiv 2204.13902), tAB-DEIS with rho over its
// logarithm, as in diffusers.

import { NishikiError } from "../../errors.js";
import { combine } from "../vectors.js";
import { getSlope, isShort, prepare, type Sampler } from "./sampler.js";

/**
 * Integrates over sigma, from `from` to `to`, the polynomial in log sigma that is 1 at places[j] and 0 at the
 * others.
 */
function integrate(places: readonly number[], j: number, from: number, to: number): number {
  const logs = places.map(Math.log);
  // The polynomial's coefficients, constant first.
  let polynomial = [1];
  logs.forEach((log, k) => {
    if (k === j) return;
    const scale = 1 / (logs[j]! - log);
    const times = [0, ...polynomial].map((value, n) => scale * (value - log * (polynomial[n] ?? 0)));
    polynomial = times;
  });
  const primitive = (sigma: number) => {
    const u = Math.log(sigma);
    const powers = [1, u - 1, u * u - 2 * u + 2]; // ∫ log(s)^n ds = s · powers[n]
    return sigma * polynomial.reduce((sum, value, n) => sum + value * powers[n]!, 0);
  };
  return primitive(to) - primitive(from);
}

export const deis: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const order = requireOrder(options.order);
  const steps = sigmas.length - 1;
  let slopes: Float64Array[] = []; // newest first
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    slopes = [getSlope(x, sigma, denoised), ...slopes].slice(0, order);
    // Short runs end with lower orders; log sigma is undefined at the step to 0.
    const most = isShort(sigmas, options) ? steps - i : order;
    const used = slopes.slice(0, next === 0 ? 1 : most);
    const places = used.map((_, j) => sigmas[i - j]!);
    x = combine([1, x], ...used.map((slope, j) => [integrate(places, j, sigma, next), slope] as const));
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

function requireOrder(order = 2): number {
  if (order === 1 || order === 2 || order === 3) return order;
  throw new NishikiError("usage", `order: expected 1, 2 or 3 for DEIS, got ${order}.`);
}

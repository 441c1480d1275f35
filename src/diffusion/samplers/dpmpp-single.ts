// DPM-Solver++, single-step, as in diffusers: one evaluation per noise level, in groups of two or three
// levels. The first step of a group uses one model output; each further step starts again from the beginning
// of the group and goes further, with the outputs in between. Lu et al. 2022 (arXiv 2211.01095), algorithm 1;
// Lu et al. 2022 (arXiv 2206.00927), algorithm 5.

import { combine, type Term } from "../vectors.js";
import { prepare, type Sampler, type SamplerOptions } from "./sampler.js";

interface Answer {
  readonly sigma: number;
  readonly denoised: Float32Array;
}

/** The order of each step, in groups of 1, 2 (, 3). The step to 0 is x = x̂0. */
function getOrders(steps: number, order: number, endsLow: boolean): number[] {
  const orders = Array.from({ length: steps }, (_, i) => 1 + (i % order));
  if (endsLow) orders[steps - 1] = 1;
  return orders;
}

const makeSingle = (order: 2 | 3): Sampler =>
  async function* (denoise, x, sigmas, options) {
    const model = prepare(denoise, sigmas, options);
    const steps = sigmas.length - 1;
    const orders = getRunOrders(sigmas, order, options);
    let begin = x;
    let answers: Answer[] = []; // newest first
    for (let i = 0; i < steps; i++) {
      const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
      const denoised = await model(x, sigma);
      answers = [{ sigma, denoised }, ...answers].slice(0, order);
      const used = answers.slice(0, orders[i]);
      if (used.length === 1) begin = x;
      x = advance(begin, next, used);
      yield { step: i + 1, steps, sigma: next, x, denoised };
    }
  };

/** An img2img run uses the orders of the full schedule. */
function getRunOrders<C>(
  sigmas: readonly number[],
  order: number,
  { totalSteps, lowerOrderFinal = false }: SamplerOptions<C>,
): readonly number[] {
  const steps = sigmas.length - 1;
  const total = totalSteps ?? steps;
  const endsLow = sigmas.at(-1) === 0 || (lowerOrderFinal && total % order === 0);
  return getOrders(total, order, endsLow).slice(total - steps);
}

/** Steps from the oldest output's level, where x is `begin`, to `next`. */
function advance(begin: Float32Array, next: number, answers: readonly Answer[]): Float32Array {
  const [newest, oldest] = [answers[0]!, answers.at(-1)!];
  const h = Math.log(oldest.sigma / next);
  const terms: Term[] = [
    [next / oldest.sigma, begin],
    [-Math.expm1(-h), oldest.denoised],
  ];
  if (answers.length > 1) {
    const share = Math.log(oldest.sigma / newest.sigma) / h;
    // Two outputs: the line between them at the midpoint; three: its integral, in which the middle one has no
    // weight.
    const weight = (answers.length === 2 ? -Math.expm1(-h) / 2 : Math.expm1(-h) / h + 1) / share;
    terms.push([weight, newest.denoised], [-weight, oldest.denoised]);
  }
  return combine(...terms);
}

export const dpmpp2s = makeSingle(2);
export const dpmpp3s = makeSingle(3);

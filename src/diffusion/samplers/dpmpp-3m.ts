// DPM-Solver++(3M): solves the linear part of the probability flow exactly over lambda = -log sigma; the
// model output is a parabola through the last three. Order 3, one evaluation per step.
// Lu et al. 2022 (arXiv 2211.01095), appendix B.

import { combine } from "../vectors.js";
import { type Answer, getDerivatives, getParabola } from "./parabola.js";
import { isShort, prepare, type Sampler } from "./sampler.js";

export const dpmpp3m: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  let answers: Answer[] = []; // newest first
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    const h = Math.log(sigma / next); // infinite for the step to 0, which then gives x = x̂0
    const left = steps - i;
    const order = next === 0 ? 1 : isShort(sigmas, options) ? left : 3;
    const used = answers.slice(0, order - 1);
    const known = [denoised, ...used.map((answer) => answer.denoised)];
    const weights = used.length === 2 ? getParabola(h, h, used) : getMiddle(h, used);
    const terms = known.map((answer, j) => [weights[j] ?? 0, answer] as const);
    x = combine([next / sigma, x], [-Math.expm1(-h), denoised], ...terms);
    answers = [{ denoised, h }, ...answers].slice(0, 2);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

/** With two outputs, evaluates the line through them at the midpoint of the step, as in DPM-Solver++(2M). */
function getMiddle(h: number, used: readonly Answer[]): readonly number[] {
  if (used.length === 0) return [];
  const [first] = getDerivatives(h, used);
  return first.map((value) => (-Math.expm1(-h) / 2) * value);
}

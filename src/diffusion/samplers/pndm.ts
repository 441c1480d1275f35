// PNDM as diffusers runs it for Stable Diffusion (skip_prk_steps): linear multistep over up to four model
// outputs, with coefficients for even steps, after a first step that averages the outputs at both ends.
// Liu et al. 2022 (arXiv 2202.09778), equations 9 to 12, with algorithm 2's start replaced.

import type { PredictionFrame } from "../denoisers.js";
import { combine, combineExactly, type Term } from "../vectors.js";
import { getCarry, getSlope, prepare, type Sampler, type Transfer } from "./sampler.js";

type Answer = Float32Array | Float64Array;

/** Adams-Bashforth coefficients by the number of outputs, newest first. */
const coefficients = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

export const pndm: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const steps = sigmas.length - 1;
  const transfers = options.transfers ?? listTransfers(sigmas);
  let answers: Answer[] = []; // newest first
  let begin = x;
  for (const [i, { at, from, to }] of transfers.entries()) {
    const isSecond = i === 1; // repeats the first step
    const denoised = await model(x, at);
    const answer = toAnswer(x, at, denoised, options.frame);
    const terms: Term[] = isSecond
      ? [[0.5, answer], ...answers.map((first): Term => [0.5, first])]
      : [answer, ...answers].slice(0, 4).map((one, j, all): Term => [coefficients[all.length - 1]![j]!, one]);
    if (!isSecond) answers = [answer, ...answers].slice(0, 4);
    if (isSecond) x = combine([getCarry(transfers[0]!.from, from), begin]);
    else begin = x;
    x = combine([1, x], [to - from, toSlope(x, from, combineExactly(...terms), options.frame)]);
    const next = transfers[i + 1]?.at ?? to;
    const carry = getCarry(to, next);
    if (carry !== 1) x = combine([carry, x]);
    if (i === 0 && transfers.length > 1) continue;
    const step = transfers.length === 1 ? 1 : i;
    yield { step, steps, sigma: sigmas[step]!, x, denoised };
  }
};

/**
 * Lists the moves from each level to the next, the first step twice; once if it is the only step or ends at
 * 0.
 */
function listTransfers(sigmas: readonly number[]): Transfer[] {
  const down = sigmas.slice(0, -1).map((from, i) => ({ at: from, from, to: sigmas[i + 1]! }));
  const second = down[1] && { at: down[1].at, from: down[0]!.from, to: down[0]!.to };
  return second ? [down[0]!, second, ...down.slice(1)] : down;
}

const toAnswer = (x: Float32Array, sigma: number, denoised: Float32Array, frame?: PredictionFrame): Answer =>
  frame ? frame.toOutput(x, sigma, denoised) : getSlope(x, sigma, denoised);

/** Converts the extrapolated value to the noise at the level and x where the step begins. */
function toSlope(
  x: Float32Array,
  sigma: number,
  answer: Float64Array,
  frame?: PredictionFrame,
): Float64Array {
  return frame ? getSlope(x, sigma, frame.toDenoised(x, sigma, Float32Array.from(answer))) : answer;
}

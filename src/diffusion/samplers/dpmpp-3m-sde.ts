// DPM-Solver++(3M) for the diffusion SDE: a parabola through three model outputs over -log sigma, integrated
// exactly against the SDE's factor. One evaluation per step. Lu et al. 2022 (arXiv 2211.01095), appendix B,
// with eta between the flow (0) and the SDE (1) as in the code release of Karras et al. 2022.

import { combine } from "../vectors.js";
import { type Answer, getParabola } from "./parabola.js";
import { prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

export const dpmpp3mSde: Sampler = async function* (denoise, x, sigmas, options) {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "dpmpp-3m-sde");
  const eta = requireEta(options.eta);
  const steps = sigmas.length - 1;
  let answers: Answer[] = []; // newest first
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    if (next === 0) x = denoised;
    else {
      const h = Math.log(sigma / next);
      const k = h * (1 + eta);
      const weights = getParabola(h, k, answers);
      const known = [denoised, ...answers.map((answer) => answer.denoised)];
      const terms = known.map((answer, j) => [weights[j] ?? 0, answer] as const);
      x = combine([Math.exp(-k), x], [-Math.expm1(-k), denoised], ...terms);
      if (eta > 0) x = combine([1, x], [next * Math.sqrt(-Math.expm1(-2 * eta * h)), noise(i)]);
      answers = [{ denoised, h }, ...answers].slice(0, 2);
    }
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
};

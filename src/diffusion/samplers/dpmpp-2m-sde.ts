// SDE-DPM-Solver++(2M): DPM-Solver++(2M) for the diffusion SDE, whose fresh noise damps errors of earlier
// steps. Order 2 in distribution, one evaluation per step. Lu et al. 2022 (arXiv 2211.01095),
// SDE-DPM-Solver++(2M), here with eta between the flow (0) and the paper's SDE (1). The second-order term has
// two forms that differ in O(h³): the paper's uses the midpoint of the step ("midpoint"), the other
// integrates the line through both model outputs exactly ("heun").

import { combine } from "../vectors.js";
import { isShort, prepare, requireEta, requireNoise, type Sampler } from "./sampler.js";

const makeSde = (second: (k: number) => number): Sampler =>
  async function* (denoise, x, sigmas, options) {
    const model = prepare(denoise, sigmas, options);
    const noise = requireNoise(options.noise, "dpmpp-2m-sde");
    const eta = requireEta(options.eta);
    const steps = sigmas.length - 1;
    let last: { denoised: Float32Array; h: number } | undefined;
    for (let i = 0; i < steps; i++) {
      const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
      const denoised = await model(x, sigma);
      const h = Math.log(sigma / next); // infinite for the step to 0, which then gives x = x̂0
      const k = h * (1 + eta);
      const xLast = x;
      x = combine([(next / sigma) * Math.exp(-eta * h), xLast], [-Math.expm1(-k), denoised]);
      if (next > 0) {
        if (last && (i < steps - 1 || !isShort(sigmas, options))) {
          const slope = (second(k) * h) / last.h;
          x = combine([1, x], [slope, denoised], [-slope, last.denoised]);
        }
        if (eta > 0) x = combine([1, x], [next * Math.sqrt(-Math.expm1(-2 * eta * h)), noise(i)]);
      }
      last = { denoised, h };
      yield { step: i + 1, steps, sigma: next, x, denoised };
    }
  };

export const dpmpp2mSde = makeSde((k) => -Math.expm1(-k) / 2);
export const dpmpp2mSdeHeun = makeSde((k) => 1 + Math.expm1(-k) / k);

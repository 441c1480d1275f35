// Ancestral sampling of DDPM (Ho et al. 2020, arXiv 2006.11239, section 3.2), with the posterior variance or one that the
// network has learned (Nichol and Dhariwal 2021, arXiv 2102.09672, section 3.1), in the form x = x0 + sigma·noise.

import type { Denoiser } from "../denoisers.js";
import { combine } from "../vectors.js";
import { splitStep } from "./ancestral.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { prepare, requireNoise, type Sampler, type SamplerOptions, type SamplerState } from "./sampler.js";

/** The least variance, in the network's scale, of a last step that leaves none; diffusers' DDPMScheduler. */
const LEAST_VARIANCE = 1e-20;

/** With the posterior variance, it is an ancestral step of Euler's method. */
export const ddpm: Sampler = (denoise, x, sigmas, options) =>
  options.learnedVariance || options.roundsBeta || options.roundsPosterior
    ? samplePosterior(denoise, x, sigmas, options)
    : eulerAncestral(denoise, x, sigmas, options);

async function* samplePosterior<C>(
  denoise: Denoiser<C>,
  x: Float32Array,
  sigmas: readonly number[],
  options: SamplerOptions<C>,
): AsyncGenerator<SamplerState, void, void> {
  const model = prepare(denoise, sigmas, options);
  const noise = requireNoise(options.noise, "ddpm");
  const { learnedVariance, endsNoisy = false } = options;
  const steps = sigmas.length - 1;
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const denoised = await model(x, sigma);
    const { ofDenoised, ofX, up, beta } = getPosterior(sigma, next, options);
    x = combine([ofDenoised, denoised], [ofX, x]);
    if (learnedVariance && (next > 0 || endsNoisy)) {
      const deviations = interpolateDeviations(next, up, beta, learnedVariance());
      const draws = noise(i);
      x = x.map((value, j) => value + deviations[j]! * draws[j]!);
    } else if (next > 0) x = combine([1, x], [up, noise(i)]);
    yield { step: i + 1, steps, sigma: next, x, denoised };
  }
}

/** The posterior's mean as weights of x̂0 and x, its standard deviation, and the step's beta in the network's scale. */
interface Posterior {
  readonly ofDenoised: number;
  readonly ofX: number;
  readonly up: number;
  readonly beta: number;
}

function getPosterior(
  sigma: number,
  next: number,
  { roundsBeta, roundsPosterior }: Pick<SamplerOptions<unknown>, "roundsBeta" | "roundsPosterior">,
): Posterior {
  if (roundsPosterior) return getRoundedPosterior(sigma, next);
  const { up, down } = splitStep(sigma, next, 1);
  const ofX = (down / sigma) * (roundsBeta ? roundSignal(sigma, next) : 1);
  return { ofDenoised: 1 - down / sigma, ofX, up, beta: (sigma ** 2 - next ** 2) / (1 + sigma ** 2) };
}

/**
 * As DDPMScheduler's `step` computes it, in float32: at low noise, where 1 - ᾱ is small, its rounding is a ten-thousandth of
 * the result.
 */
function getRoundedPosterior(sigma: number, next: number): Posterior {
  const { fround, sqrt } = Math;
  const [alphaBar, nextAlphaBar] = [fround(1 / (1 + sigma ** 2)), fround(1 / (1 + next ** 2))];
  const [noise, nextNoise] = [fround(1 - alphaBar), fround(1 - nextAlphaBar)];
  const alpha = fround(alphaBar / nextAlphaBar);
  const beta = fround(1 - alpha);
  const ofDenoised = fround(fround(fround(sqrt(nextAlphaBar)) * beta) / noise);
  const ofSample = fround(fround(fround(sqrt(alpha)) * nextNoise) / noise);
  const variance = fround(fround(nextNoise / noise) * beta);
  // From the network's scale to x0 + sigma·noise.
  const scale = 1 / sqrt(nextAlphaBar);
  return {
    ofDenoised: ofDenoised * scale,
    ofX: ofSample * sqrt(alphaBar) * scale,
    up: sqrt(variance) * scale,
    beta,
  };
}

/** The standard deviations between the step's least and its largest, evenly in their logarithms. */
function interpolateDeviations(next: number, up: number, beta: number, shares: Float32Array): Float64Array {
  // Variances in the network's scale, where x is divided by √(1 + next²).
  const least = Math.log(Math.max(LEAST_VARIANCE, up ** 2 / (1 + next ** 2)));
  const largest = Math.log(beta);
  const scale = Math.sqrt(1 + next ** 2);
  return Float64Array.from(shares, (value) => {
    const share = (value + 1) / 2;
    return scale * Math.exp(0.5 * (share * largest + (1 - share) * least));
  });
}

/** The change to the share of x that is kept, where 1 - beta is computed in float32 from a beta near 1. */
function roundSignal(sigma: number, next: number): number {
  const kept = (1 + next ** 2) / (1 + sigma ** 2);
  const rounded = Math.fround(1 - Math.fround(1 - Math.fround(kept)));
  return Math.sqrt(rounded / kept);
}

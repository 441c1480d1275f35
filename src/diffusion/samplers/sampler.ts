// What all samplers share: their form, and the checks that none of them should have to repeat.
//
// A sampler walks down a list of sigmas. It knows x = x0 + sigma·noise and a denoiser, nothing else: no network, no
// prompt, no image. The slope of the probability flow is dx/dsigma = (x - x̂0)/sigma.

import { NishikiError } from "../../errors.js";
import type { Denoiser, PredictionFrame } from "../denoisers.js";
import type { NoiseSource } from "../noise.js";
import { combineExactly } from "../vectors.js";

/** How far a sampler has come. The last yield has sigma 0 (where the sigmas end there), and x is the result. */
export interface SamplerState {
  /** Steps done, 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The noise level that x has now. */
  readonly sigma: number;
  readonly x: Float32Array;
  /** What the network last expected behind the noise: the preview. */
  readonly denoised: Float32Array;
}

export interface SamplerOptions<C> {
  /** The condition of each image in x, one after another. */
  readonly condition: readonly C[];
  /** Stops before the next evaluation of the network, with NishikiError "aborted". */
  readonly signal?: AbortSignal;
  /** Needed by samplers that add noise on the way. */
  readonly noise?: NoiseSource;
  /** How much noise is renewed, 0 (none) … 1 (all that the theory allows). Default 1; DDIM's is 0, TCD's 0.3. */
  readonly eta?: number;
  /** TCD: the level at the time that is a fraction of a level's time earlier. Default: even in log sigma. */
  readonly timeFraction?: (sigma: number, fraction: number) => number;
  /** Heun: what its steps are straight over. Default "flow", t = sigma/(1 + sigma). */
  readonly timeParametrization?: "flow" | "sigma";
  /** Euler, Heun: noise added before each step, of Karras et al. 2022, algorithm 2. Default none. */
  readonly churn?: Churn;
  /** UniPC, DEIS: the order, 1 … 3. Default 2. */
  readonly order?: number;
  /** Whether multistep solvers end with lower orders. Default: the single-step ones do not, the others do. */
  readonly lowerOrderFinal?: boolean;
  /** Steps of the whole way, for a run that begins on it, from an image. Default: the steps of the run. */
  readonly totalSteps?: number;
  /** LMS: the levels of the way before a run that begins on it. Default none. */
  readonly skippedSigmas?: readonly number[];
  /** DDIM: one for each step. PNDM: one for each evaluation. Default: from each level to the next. */
  readonly transfers?: readonly Transfer[];
  /** PNDM: the kind of prediction whose values it extrapolates. Default: the noise. */
  readonly frame?: PredictionFrame;
}

/** One move of x, which may leave out levels or repeat them; after Liu et al. 2022 (arXiv 2202.09778), equation 11. */
export interface Transfer {
  /** The level that the network is evaluated at. */
  readonly at: number;
  /** The levels that x is moved between. */
  readonly from: number;
  readonly to: number;
}

/** The stochasticity of Karras et al. 2022, algorithm 2, in its names. */
export interface Churn {
  readonly sChurn: number;
  readonly sMin?: number;
  readonly sMax?: number;
  readonly sNoise?: number;
}

/**
 * Goes from x at sigmas[0] down to the last sigma and yields after every step.
 *
 * sigmas fall strictly; the last may be 0. Latents are never changed in place: what was yielded may be kept.
 */
export type Sampler = <C>(
  denoise: Denoiser<C>,
  x: Float32Array,
  sigmas: readonly number[],
  options: SamplerOptions<C>,
) => AsyncGenerator<SamplerState, void, void>;

/** Checks a sampler's arguments once, and binds the denoiser to its condition and signal. */
export function prepare<C>(
  denoise: Denoiser<C>,
  sigmas: readonly number[],
  { condition, signal }: SamplerOptions<C>,
): (x: Float32Array, sigma: number) => Promise<Float32Array> {
  checkSigmas(sigmas);
  return async (x, sigma) => {
    if (signal?.aborted)
      throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
    const denoised = await denoise(x, sigma, condition, signal);
    if (denoised.length !== x.length)
      throw new NishikiError("internal", `The denoiser got ${x.length} numbers and gave ${denoised.length}.`);
    if (!denoised.every(Number.isFinite))
      throw new NishikiError(
        "checkpoint",
        `The network gave numbers that are not finite at noise level ${sigma.toPrecision(4)}. ` +
          "Where it runs in float16, run it in float32; else its weights are damaged.",
      );
    return denoised;
  };
}

/**
 * dx/dsigma of the probability flow at x. In float64: a step multiplies it by up to sigmaMax, which is thousands for a
 * flow, and float32's rounding with it.
 */
export function getSlope(x: Float32Array, sigma: number, denoised: Float32Array): Float64Array {
  return combineExactly([1 / sigma, x], [-1 / sigma, denoised]);
}

/** The noise source that a sampler cannot do without. */
export function requireNoise(noise: NoiseSource | undefined, sampler: string): NoiseSource {
  if (noise) return noise;
  throw new NishikiError("usage", `The sampler ${sampler} adds noise at every step: give it options.noise.`);
}

/** eta, checked. */
export function requireEta(eta = 1): number {
  if (eta >= 0 && eta <= 1) return eta;
  throw new NishikiError("usage", `eta must be from 0 to 1, but is ${eta}.`);
}

/**
 * The factor for x where variance-preserving latents of one level, as the network sees them, are taken for those of another.
 */
export function getCarry(from: number, to: number): number {
  return from === to ? 1 : Math.sqrt((1 + to * to) / (1 + from * from));
}

/** Whether a multistep solver ends with lower orders, so that few steps stay stable; diffusers' lower_order_final. */
export function isShort<C>(
  sigmas: readonly number[],
  { totalSteps, lowerOrderFinal = true }: SamplerOptions<C>,
): boolean {
  return lowerOrderFinal && (totalSteps ?? sigmas.length - 1) < 15;
}

function checkSigmas(sigmas: readonly number[]): void {
  const falling = sigmas.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < sigmas[i - 1]!));
  const shown = sigmas.slice(0, 12).join(", ") + (sigmas.length > 12 ? ", …" : "");
  if (sigmas.length < 2 || !falling || !Number.isFinite(sigmas[0]))
    throw new NishikiError(
      "usage",
      `A sampler needs at least two noise levels that fall strictly, such as 10, 1, 0, but got ${shown}.`,
    );
}

// Common to all samplers: their interface and their checks.
//
// A sampler steps down a list of sigmas. It knows x = x0 + sigma·noise and a denoiser, but no network, prompt
// or image. The slope of the probability flow is dx/dsigma = (x - x̂0)/sigma.

import { NishikiError } from "../../errors.js";
import type { Denoiser, PredictionFrame } from "../denoisers.js";
import type { NoiseSource } from "../noise.js";
import { combineExactly } from "../vectors.js";

/**
 * The progress of a sampler. The last state has sigma 0 (if the sigmas end there), and its x is the result.
 */
export interface SamplerState {
  /** Completed steps, 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The current noise level of x. */
  readonly sigma: number;
  readonly x: Float32Array;
  /** The latest x̂0: the preview. */
  readonly denoised: Float32Array;
}

export interface SamplerOptions<C> {
  /** The condition of each image in x, in sequence. */
  readonly condition: readonly C[];
  /** Stops before the next evaluation of the network, with NishikiError "aborted". */
  readonly signal?: AbortSignal;
  /** Required by stochastic samplers. */
  readonly noise?: NoiseSource;
  /**
   * The share of noise that is renewed, 0 (none) … 1 (the theoretical maximum). Default 1; DDIM's is 0, TCD's
   * 0.3.
   */
  readonly eta?: number;
  /** TCD: gets the level at a fraction of a level's time. Default: even in log sigma. */
  readonly timeFraction?: (sigma: number, fraction: number) => number;
  /** Heun: the variable in which steps are straight. Default "flow", t = sigma/(1 + sigma). */
  readonly timeParametrization?: "flow" | "sigma";
  /** Euler, Heun: noise added before each step (Karras et al. 2022, algorithm 2). Default none. */
  readonly churn?: Churn;
  /** UniPC, DEIS: the order, 1 … 3. Default 2. */
  readonly order?: number;
  /** Whether multistep solvers end with lower orders. Default: single-step solvers do not, the others do. */
  readonly lowerOrderFinal?: boolean;
  /** Steps of the full schedule, for an img2img run that begins partway. Default: the steps of the run. */
  readonly totalSteps?: number;
  /** LMS: the levels skipped by a run that begins partway. Default none. */
  readonly skippedSigmas?: readonly number[];
  /** DDIM: one per step. PNDM: one per evaluation. Default: from each level to the next. */
  readonly transfers?: readonly Transfer[];
  /**
   * DDPM: the variances that the network predicted in its latest evaluation, one per element of x, from -1 for the least
   * of the step to 1 for the largest (between them, evenly in the logarithm). Default: the least.
   */
  readonly learnedVariance?: () => Float32Array;
  /**
   * DDIM: what the network predicted in its latest evaluation before the prediction was limited. The noise is taken from it, as
   * in diffusers. Default: predictions are not limited.
   */
  readonly unlimited?: () => Float32Array;
  /** DDPM with learned variances: whether the last step, too, adds noise, as it does after any time but 0. */
  readonly endsNoisy?: boolean;
  /** DDPM: whether it computes 1 - beta in float32, as diffusers' UnCLIPScheduler does. Default false. */
  readonly roundsBeta?: boolean;
  /** DDPM: computes the weights of a step in float32, as diffusers' DDPMScheduler does. */
  readonly roundsPosterior?: boolean;
  /** PNDM: the kind of prediction that it extrapolates. Default: the noise. */
  readonly frame?: PredictionFrame;
}

/** One move of x, which may skip or repeat levels; after Liu et al. 2022 (arXiv 2202.09778), equation 11. */
export interface Transfer {
  /** The level at which the network is evaluated. */
  readonly at: number;
  /** The levels between which x moves. */
  readonly from: number;
  readonly to: number;
}

/** The stochasticity of Karras et al. 2022, algorithm 2, with its names. */
export interface Churn {
  readonly sChurn: number;
  readonly sMin?: number;
  readonly sMax?: number;
  readonly sNoise?: number;
}

/**
 * Steps from x at sigmas[0] down to the last sigma and yields after every step.
 *
 * Sigmas decrease strictly; the last may be 0. Latents are never changed in place, so callers may keep what
 * was yielded.
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
      throw new NishikiError(
        "internal",
        `The denoiser got ${x.length} numbers but returned ${denoised.length}.`,
      );
    if (!denoised.every(Number.isFinite))
      throw new NishikiError(
        "checkpoint",
        `The network returned numbers that are not finite at noise level ${sigma.toPrecision(4)}. ` +
          "If it runs in float16, run it in float32; otherwise its weights are damaged.",
      );
    return denoised;
  };
}

/**
 * Computes dx/dsigma of the probability flow at x, in float64: a step multiplies it, and float32's rounding
 * error, by up to sigmaMax, which is thousands for a flow.
 */
export function getSlope(x: Float32Array, sigma: number, denoised: Float32Array): Float64Array {
  return combineExactly([1 / sigma, x], [-1 / sigma, denoised]);
}

/** Returns the noise source, which stochastic samplers require. */
export function requireNoise(noise: NoiseSource | undefined, sampler: string): NoiseSource {
  if (noise) return noise;
  throw new NishikiError("usage", `The sampler ${sampler} adds noise at every step: pass options.noise.`);
}

/** Checks eta. */
export function requireEta(eta = 1): number {
  if (eta >= 0 && eta <= 1) return eta;
  throw new NishikiError("usage", `eta: expected a number from 0 to 1, got ${eta}.`);
}

/**
 * Gets the factor that turns variance-preserving latents of one level, as the network sees them, into those
 * of another.
 */
export function getCarry(from: number, to: number): number {
  return from === to ? 1 : Math.sqrt((1 + to * to) / (1 + from * from));
}

/**
 * Whether a multistep solver ends with lower orders, for stability in short runs; diffusers'
 * lower_order_final.
 */
export function isShort<C>(
  sigmas: readonly number[],
  { totalSteps, lowerOrderFinal = true }: SamplerOptions<C>,
): boolean {
  return lowerOrderFinal && (totalSteps ?? sigmas.length - 1) < 15;
}

function checkSigmas(sigmas: readonly number[]): void {
  const falling = sigmas.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < sigmas[i - 1]!));
  const listedSigmas = sigmas.slice(0, 12).join(", ") + (sigmas.length > 12 ? ", …" : "");
  if (sigmas.length < 2 || !falling || !Number.isFinite(sigmas[0]))
    throw new NishikiError(
      "usage",
      `A sampler needs at least two strictly decreasing noise levels, such as 10, 1, 0, got ${listedSigmas}.`,
    );
}

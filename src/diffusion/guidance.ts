// Classifier-free guidance: moves away from the unconditional (or negative) prediction, towards the
// conditional one.
// Ho and Salimans 2022, arXiv 2207.12598.

import { NishikiError } from "../errors.js";
import type { Denoiser, PredictionFrame } from "./denoisers.js";
import { combine, concatenate, standardDeviation } from "./vectors.js";

/** Applies guidance for low < sigma ≤ high. */
export interface SigmaInterval {
  readonly low: number;
  readonly high: number;
}

export interface GuidanceOptions<C> {
  /**
   * 1 is the plain conditional network, 0 the unconditional one; higher values follow the prompt more
   * closely. Any finite
   * number.
   */
  readonly scale: number;
  /** The negative or empty prompt; one per condition. */
  readonly uncond: readonly C[];
  /** How far to restore the contrast of the conditional prediction, 0 … 1. Default 0. */
  readonly rescale?: number;
  /**
   * The kind of prediction in which contrast is measured; the paper and diffusers use the network's. Default
   * x̂0.
   */
  readonly rescaleIn?: PredictionFrame;
  /** Outside the interval only the conditional network runs, at half the cost. Default: everywhere. */
  readonly interval?: SigmaInterval;
}

/**
 * Makes a guided denoiser: x̂0 = uncond + scale·(cond - uncond). One call of `denoise` computes both on twice
 * the images: first all with the condition, then all without. If one of them has no weight (scale 1, scale 0,
 * outside the interval), computes only the other.
 *
 * Guidance in x̂0 equals guidance in eps, v or flow, since each is the same affine function of x̂0 for both.
 * Rescaling follows Lin et al. 2023 (arXiv 2305.08891, section 3.4), per image; the interval follows
 * Kynkäänniemi et al. 2024 (arXiv 2404.07724). Options out of range are `usage` errors.
 */
export function guide<C>(denoise: Denoiser<C>, options: GuidanceOptions<C>): Denoiser<C> {
  const { scale, uncond, rescale = 0, interval = { low: 0, high: Number.POSITIVE_INFINITY } } = options;
  checkOptions(scale, rescale, interval);
  return async (x, sigma, condition, signal) => {
    const inside = sigma > interval.low && sigma <= interval.high;
    if (scale === 1 || !inside) return denoise(x, sigma, condition, signal);
    checkCount(uncond, condition);
    if (scale === 0 && rescale === 0) return denoise(x, sigma, uncond, signal);
    const both = await denoise(concatenate(x, x), sigma, [...condition, ...uncond], signal);
    const cond = both.subarray(0, x.length);
    const guided = combine([scale, cond], [1 - scale, both.subarray(x.length)]);
    if (rescale === 0) return guided;
    const frame = options.rescaleIn ?? asDenoised;
    const [changed, reference] = [guided, cond].map((x0) => frame.toOutput(x, sigma, x0)) as [
      Float32Array,
      Float32Array,
    ];
    return frame.toDenoised(x, sigma, rescaleContrast(changed, reference, rescale, condition.length));
  };
}

const asDenoised: PredictionFrame = { toOutput: (_x, _sigma, x0) => x0, toDenoised: (_x, _sigma, x0) => x0 };

/**
 * Gets the interval of sigmas for the steps from `first` (included, 0 is the first step) to `end` (excluded)
 * of a step schedule.
 */
export function getStepInterval(sigmas: readonly number[], first: number, end: number): SigmaInterval {
  const steps = sigmas.length - 1;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(end) || first < 0 || end < first || end > steps)
    throw new NishikiError(
      "usage",
      `Guidance from step ${first} to ${end} is outside the ${steps} steps: choose 0 ≤ first ≤ end ≤ ${steps}.`,
    );
  return { low: sigmas[end]!, high: sigmas[first]! };
}

/** Computes phi·guided·std(cond)/std(guided) + (1 - phi)·guided for each image separately. */
function rescaleContrast(guided: Float32Array, cond: Float32Array, phi: number, count: number): Float32Array {
  const size = guided.length / count;
  const images = Array.from({ length: count }, (_, i) => {
    const image = guided.subarray(i * size, (i + 1) * size);
    const std = standardDeviation(image);
    if (std === 0) return image; // a flat image has no contrast to restore
    const ratio = standardDeviation(cond.subarray(i * size, (i + 1) * size)) / std;
    return combine([phi * ratio + (1 - phi), image]);
  });
  return concatenate(...images);
}

function checkCount<C>(uncond: readonly C[], condition: readonly C[]): void {
  if (uncond.length !== condition.length)
    throw new NishikiError(
      "usage",
      `Got ${uncond.length} unconditional conditions for ${condition.length} images: pass one per image.`,
    );
}

function checkOptions(scale: number, rescale: number, { low, high }: SigmaInterval): void {
  if (!Number.isFinite(scale))
    throw new NishikiError("usage", `scale: expected a finite guidance scale, such as 4, got ${scale}.`);
  if (!(rescale >= 0 && rescale <= 1))
    throw new NishikiError("usage", `rescale: expected a number from 0 to 1, got ${rescale}.`);
  if (!(low >= 0 && high >= low))
    throw new NishikiError("usage", `interval: expected 0 ≤ low ≤ high, got ${low} to ${high}.`);
}

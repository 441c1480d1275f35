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

/** A condition that counts more or less than others; below 0, guidance moves away from it. */
export interface WeightedCondition<C> {
  /** One per image. */
  readonly condition: readonly C[];
  readonly weight: number;
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
  /**
   * Several conditions in place of the caller's, each with its weight (composable diffusion). Default: the
   * caller's, of weight 1.
   */
  readonly parts?: readonly WeightedCondition<C>[];
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
 * With several parts, x̂0 = uncond + scale·Σ weight·(cond - uncond) (Liu et al. 2022, arXiv 2206.01714, equation
 * 11). Without guidance (scale 1, outside the interval), it is the mean of those of positive weight.
 *
 * Guidance in x̂0 equals guidance in eps, v or flow, since each is the same affine function of x̂0 for both.
 * Rescaling follows Lin et al. 2023 (arXiv 2305.08891, section 3.4), per image; the interval follows
 * Kynkäänniemi et al. 2024 (arXiv 2404.07724). Options out of range are `usage` errors.
 */
export function guide<C>(denoise: Denoiser<C>, options: GuidanceOptions<C>): Denoiser<C> {
  const { scale, uncond, rescale = 0, interval = { low: 0, high: Number.POSITIVE_INFINITY } } = options;
  checkOptions(scale, rescale, interval);
  checkParts(options.parts);
  return async (x, sigma, condition, signal) => {
    const inside = sigma > interval.low && sigma <= interval.high;
    const parts = options.parts ?? [{ condition, weight: 1 }];
    const alone = getPositiveMean(parts);
    const evaluate = (terms: readonly WeightedCondition<C>[]) =>
      evaluateAll(denoise, x, sigma, terms, signal);
    if (scale === 1 || !inside) return weigh(await evaluate(alone), alone);
    checkCount(uncond, condition);
    const all = [
      ...parts.map((part) => ({ ...part, weight: scale * part.weight })),
      { condition: uncond, weight: 1 - scale * parts.reduce((sum, { weight }) => sum + weight, 0) },
    ];
    // Parts without weight need no evaluation, unless the contrast is that of the conditional prediction.
    const terms = rescale === 0 ? all.filter(({ weight }) => Math.abs(weight) > 1e-9) : all;
    const predictions = await evaluate(terms);
    const guided = weigh(predictions, terms);
    if (rescale === 0) return guided;
    const cond = weigh(
      predictions.filter((_, i) => (parts[i]?.weight ?? 0) > 0),
      alone,
    );
    const frame = options.rescaleIn ?? asDenoised;
    const [changed, reference] = [guided, cond].map((x0) => frame.toOutput(x, sigma, x0)) as [
      Float32Array,
      Float32Array,
    ];
    return frame.toDenoised(x, sigma, rescaleContrast(changed, reference, rescale, condition.length));
  };
}

/** The conditions of positive weight, as shares of 1: what is drawn without guidance. */
function getPositiveMean<C>(parts: readonly WeightedCondition<C>[]): readonly WeightedCondition<C>[] {
  const positive = parts.filter(({ weight }) => weight > 0);
  const sum = positive.reduce((total, { weight }) => total + weight, 0);
  return positive.map((part) => ({ ...part, weight: part.weight / sum }));
}

/** The predictions for all conditions, from one call of the network on as many times the images. */
async function evaluateAll<C>(
  denoise: Denoiser<C>,
  x: Float32Array,
  sigma: number,
  terms: readonly WeightedCondition<C>[],
  signal: AbortSignal | undefined,
): Promise<readonly Float32Array[]> {
  const conditions = terms.flatMap(({ condition }) => condition);
  const batch = terms.length === 1 ? x : concatenate(...terms.map(() => x));
  const all = await denoise(batch, sigma, conditions, signal);
  return terms.length === 1 ? [all] : terms.map((_, i) => all.subarray(i * x.length, (i + 1) * x.length));
}

function weigh<C>(
  predictions: readonly Float32Array[],
  terms: readonly WeightedCondition<C>[],
): Float32Array {
  if (terms.length === 1 && terms[0]!.weight === 1) return predictions[0]!;
  return combine(...terms.map(({ weight }, i) => [weight, predictions[i]!] as const));
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

function checkParts<C>(parts: readonly WeightedCondition<C>[] | undefined): void {
  if (parts && !parts.some(({ weight }) => weight > 0))
    throw new NishikiError("usage", "parts: expected at least one weight above 0, got none.");
}

function checkOptions(scale: number, rescale: number, { low, high }: SigmaInterval): void {
  if (!Number.isFinite(scale))
    throw new NishikiError("usage", `scale: expected a finite guidance scale, such as 4, got ${scale}.`);
  if (!(rescale >= 0 && rescale <= 1))
    throw new NishikiError("usage", `rescale: expected a number from 0 to 1, got ${rescale}.`);
  if (!(low >= 0 && high >= low))
    throw new NishikiError("usage", `interval: expected 0 ≤ low ≤ high, got ${low} to ${high}.`);
}

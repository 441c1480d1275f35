// Limits what a network predicts of a clean image. Pixels lie in [-1, 1]; guidance pushes predictions beyond, and each step would
// push further. Static thresholding clips; dynamic thresholding scales a picture back by a quantile of its own values, so that
// contrasts survive (Saharia et al. 2022, arXiv:2205.11487, section 2.3).
import { NishikiError } from "../errors.js";
import type { Denoiser } from "./denoisers.js";
import { concatenate } from "./vectors.js";

/** Limits the predicted image x̂0 of one picture; returns a new array. */
export type Limit = (denoised: Float32Array) => Float32Array;

/** Clips to [-range, range]. */
export function clipTo(range: number): Limit {
  if (!(range > 0)) throw new NishikiError("usage", `range: expected a number above 0, got ${range}.`);
  return (denoised) => denoised.map((value) => Math.min(range, Math.max(-range, value)));
}

export interface DynamicThreshold {
  /** The share of absolute values that are not limited, 0 to 1; 0.95 in DeepFloyd IF. */
  readonly ratio: number;
  /** The largest threshold, at least 1. At 1, it clips to [-1, 1]. */
  readonly most: number;
}

/** Clips to [-s, s] and divides by s, where s is a quantile of the absolute values, but at least 1 and at most `most`. */
export function thresholdDynamically({ ratio, most }: DynamicThreshold): Limit {
  if (!(ratio >= 0 && ratio <= 1))
    throw new NishikiError("usage", `ratio: expected a number from 0 to 1, got ${ratio}.`);
  if (!(most >= 1)) throw new NishikiError("usage", `most: expected a number from 1, got ${most}.`);
  return (denoised) => {
    const s = Math.min(most, Math.max(1, getQuantile(denoised.map(Math.abs), ratio)));
    return denoised.map((value) => Math.min(s, Math.max(-s, value)) / s);
  };
}

/** The quantile of a list, interpolated between two neighbours: torch.quantile, where the share is a float32. */
export function getQuantile(values: Float32Array, share: number): number {
  if (values.length === 0) throw new NishikiError("usage", "The quantile of no values does not exist.");
  const sorted = Float32Array.from(values).sort(); // typed arrays sort by value
  const rank = Math.fround(share) * (sorted.length - 1);
  const below = Math.floor(rank);
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return Math.fround(low + (rank - below) * (high - low));
}

/** A denoiser whose predictions are limited, each picture by itself. */
export function limitDenoiser<C>(denoise: Denoiser<C>, limit: Limit): Denoiser<C> {
  return async (x, sigma, condition, signal) => {
    const denoised = await denoise(x, sigma, condition, signal);
    const size = denoised.length / condition.length;
    return concatenate(...condition.map((_, i) => limit(denoised.subarray(i * size, (i + 1) * size))));
  };
}

// The objective of super-resolution: mean squared error of the clean residual predicted from a noisy one, at
// uniformly drawn times, with random noise on the small image (conditioning augmentation, Ho et al. 2021,
// arXiv:2106.15282, section 4.2).
import type { HostTensors } from "../../engine/index.js";
import { add, mean, mul, reshape, square, sub } from "../../graph/index.js";
import { type SuperResolutionConfig, superResolve } from "../../models/index.js";
import { enlargeByLanczos } from "../../pipeline/index.js";
import { random } from "../../random/index.js";
import type { Objective } from "../step-program.js";
import type { SizedBatch } from "./batch-number.js";

/** A large image and the small one that a first stage would give, in [-1, 1]. */
export interface ImagePair {
  /** `[size, size, 3]` */
  readonly large: Float32Array;
  /** `[size/2, size/2, 3]` */
  readonly small: Float32Array;
}

export interface SuperResolutionTraining {
  /** Side of the crops of large images, in pixels. */
  readonly crop: number;
  /** Maximum standard deviation of the noise on small images, whose pixels are in [-1, 1]. */
  readonly augmentation: number;
}

export function superResolutionObjective(
  config: SuperResolutionConfig,
  batch: number,
  crop: number,
): Objective {
  return (tracer) => {
    const clean = tracer.input("clean", [batch, crop, crop, 3]);
    const noise = tracer.input("noise", [batch, crop, crop, 3]);
    const small = tracer.input("small", [batch, crop / 2, crop / 2, 3]);
    const time = tracer.input("time", [batch]);
    const augmentation = tracer.input("augmentation", [batch]);
    const t = reshape(time, [batch, 1, 1, 1]);
    const noisy = add(mul(clean, sub(1, t)), mul(noise, t));
    const residual = superResolve(tracer.scope(), { noisy, small, time, augmentation }, config);
    return { loss: mean(square(sub(residual, clean))) };
  };
}

/**
 * Makes a step's batch. (seed, step) alone decides crops, times and noise.
 */
export function superResolutionBatch(
  pairs: readonly ImagePair[],
  { residualScale }: SuperResolutionConfig,
  { crop, augmentation: most }: SuperResolutionTraining,
  { batchSize: batch, seed, step }: SizedBatch,
): HostTensors {
  const numbers = random(seed, "crops", step);
  const half = crop / 2;
  const [largeSize, smallSize] = [crop * crop * 3, half * half * 3];
  const clean = new Float32Array(batch * largeSize);
  const small = new Float32Array(batch * smallSize);
  const time = new Float32Array(batch);
  const augmentation = new Float32Array(batch);
  for (let i = 0; i < batch; i++) {
    const pair = pairs[i % pairs.length]!;
    const side = Math.sqrt(pair.large.length / 3);
    // Crops start at whole pixels of the small image.
    const [y, x] = [numbers.integer((side - crop) / 2 + 1), numbers.integer((side - crop) / 2 + 1)];
    time[i] = 1 - numbers.uniform();
    augmentation[i] = numbers.uniform() * most;
    const part = small.subarray(i * smallSize, (i + 1) * smallSize);
    cut(pair.small, side / 2, y, x, half, part);
    for (let j = 0; j < part.length; j++) part[j] = part[j]! + augmentation[i]! * numbers.normal();
    const residual = clean.subarray(i * largeSize, (i + 1) * largeSize);
    cut(pair.large, side, 2 * y, 2 * x, crop, residual);
    const base = enlargeByLanczos(part, half, half, 2);
    for (let j = 0; j < residual.length; j++) residual[j] = (residual[j]! - base[j]!) / residualScale;
  }
  const tensor = (shape: number[], data: Float32Array) => ({ dtype: "f32" as const, shape, data });
  return {
    clean: tensor([batch, crop, crop, 3], clean),
    noise: tensor([batch, crop, crop, 3], random(seed, "noise", step).normals(clean.length)),
    small: tensor([batch, half, half, 3], small),
    time: tensor([batch], time),
    augmentation: tensor([batch], augmentation),
  };
}

/** Copies a square of an image `[side, side, 3]` into `to`. */
export function cut(
  from: Float32Array,
  side: number,
  y: number,
  x: number,
  size: number,
  to: Float32Array,
): void {
  for (let row = 0; row < size; row++) {
    const start = ((y + row) * side + x) * 3;
    to.set(from.subarray(start, start + size * 3), row * size * 3);
  }
}

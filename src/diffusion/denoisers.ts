// Wraps every network as a denoiser: noisy latents in, predicted clean latents out. The kind of prediction
// (noise, velocity, flow or the image) matters only in this file.
//
// x = x0 + sigma·noise throughout; the network sees alpha·x (noise-schedules.ts).

import { NishikiError, unknownName } from "../errors.js";
import type { NoiseSchedule } from "./noise-schedules.js";
import { combine } from "./vectors.js";

/**
 * Predicts the clean latents x̂0 from noisy ones.
 *
 * x and the result hold condition.length images in sequence, each with its condition. If the signal is
 * cancelled, it may reject with NishikiError "aborted".
 */
export type Denoiser<C> = (
  x: Float32Array,
  sigma: number,
  condition: readonly C[],
  signal?: AbortSignal,
) => Promise<Float32Array>;

/**
 * A network as trained: takes scaled latents and its native time, and returns its prediction in a new array.
 */
export type Network<C> = (
  input: Float32Array,
  time: number,
  condition: readonly C[],
  signal?: AbortSignal,
) => Promise<Float32Array>;

/** What a network predicts. */
export type PredictionName = "eps" | "v" | "flow" | "sample";

/** Wraps a network that predicts the noise (Ho et al. 2020, arXiv 2006.11239): x̂0 = x - sigma·eps. */
export function fromEps<C>(network: Network<C>, schedule: NoiseSchedule): Denoiser<C> {
  return adapt(network, schedule, (x, sigma, _, eps) => combine([1, x], [-sigma, eps]));
}

/**
 * Wraps a network that predicts v = alpha·noise - alpha·sigma·x0 (Salimans and Ho 2022, arXiv 2202.00512,
 * section 4).
 * With alpha² (1 + sigma²) = 1, x̂0 = alpha·x_t - alpha·sigma·v.
 */
export function fromV<C>(network: Network<C>, schedule: NoiseSchedule): Denoiser<C> {
  requireKind("v", "variance-preserving", schedule);
  return adapt(network, schedule, (x, sigma, alpha, v) => combine([alpha * alpha, x], [-alpha * sigma, v]));
}

/**
 * Wraps a rectified flow, which predicts noise - x0 (Liu et al. 2023, arXiv 2209.03003): x̂0 = x_t - t·flow.
 */
export function fromFlow<C>(network: Network<C>, schedule: NoiseSchedule): Denoiser<C> {
  requireKind("flow", "flow", schedule);
  return adapt(network, schedule, (x, sigma, alpha, flow) => combine([alpha, x], [-alpha * sigma, flow]));
}

/** Wraps a network that predicts the clean latents; works with either kind of schedule. */
export function fromSample<C>(network: Network<C>, schedule: NoiseSchedule): Denoiser<C> {
  return adapt(network, schedule, (_x, _sigma, _alpha, sample) => sample);
}

/** The kinds of prediction, by the names that configs use. */
export const predictions = {
  eps: fromEps,
  v: fromV,
  flow: fromFlow,
  sample: fromSample,
} as const satisfies Record<PredictionName, unknown>;

/** Converts x̂0 to the network's kind of prediction and back; both are affine for a fixed x and sigma. */
export interface PredictionFrame {
  toOutput(x: Float32Array, sigma: number, denoised: Float32Array): Float32Array;
  toDenoised(x: Float32Array, sigma: number, output: Float32Array): Float32Array;
}

/** Makes the frame of a kind of prediction under a schedule. */
export function getPredictionFrame(
  prediction: PredictionName,
  { alphaOf }: Pick<NoiseSchedule, "alphaOf">,
): PredictionFrame {
  // x̂0 = ofX·x - ofOutput·output
  const factors = (sigma: number): readonly [ofX: number, ofOutput: number] => {
    const alpha = alphaOf(sigma);
    switch (prediction) {
      case "eps":
        return [1, sigma];
      case "v":
        return [alpha * alpha, alpha * sigma];
      case "flow":
        return [alpha, alpha * sigma];
      case "sample":
        return [0, -1];
    }
  };
  return {
    toOutput: (x, sigma, denoised) => {
      const [ofX, ofOutput] = factors(sigma);
      return combine([ofX / ofOutput, x], [-1 / ofOutput, denoised]);
    },
    toDenoised: (x, sigma, output) => {
      const [ofX, ofOutput] = factors(sigma);
      return combine([ofX, x], [-ofOutput, output]);
    },
  };
}

/** Wraps a network by its kind of prediction; an unknown kind is a `usage` error that lists the choices. */
export function getDenoiser<C>(
  prediction: string,
  network: Network<C>,
  schedule: NoiseSchedule,
): Denoiser<C> {
  if (!Object.hasOwn(predictions, prediction))
    throw unknownName("prediction", prediction, Object.keys(predictions));
  return predictions[prediction as PredictionName](network, schedule);
}

function adapt<C>(
  network: Network<C>,
  schedule: NoiseSchedule,
  toX0: (x: Float32Array, sigma: number, alpha: number, output: Float32Array) => Float32Array,
): Denoiser<C> {
  return async (x, sigma, condition, signal) => {
    const alpha = schedule.alphaOf(sigma);
    const output = await network(combine([alpha, x]), schedule.timeOf(sigma), condition, signal);
    return toX0(x, sigma, alpha, output);
  };
}

function requireKind(prediction: PredictionName, kind: NoiseSchedule["kind"], schedule: NoiseSchedule): void {
  if (schedule.kind !== kind)
    throw new NishikiError(
      "usage",
      `A network that predicts ${prediction} needs a ${kind} noise schedule, but got a ${schedule.kind} one.`,
    );
}

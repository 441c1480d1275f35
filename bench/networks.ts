// The two networks of the training benchmark: a transformer and a convolutional U-Net, on the same batches.
import { add, foldPixels, mean, mul, reshape, square, sub, trace } from "../src/graph/index.js";
import { denoiserConfigs, dit, ditConfigs } from "../src/models/index.js";
import type { Objective } from "../src/training/index.js";
import { denoiserObjective } from "../src/training/tasks/denoiser.js";
import { countFlop } from "./count-flop.js";

/**
 * Sizes of an image's latents and a caption. For the transformer, 16×16×16 latents are 64 tokens of 2×2×16
 * numbers.
 */
export const latentSize = 16;
export const latentChannels = 16;
export const textTokens = 16;
export const textWidth = 384;

export interface BenchNetwork {
  readonly name: string;
  readonly batch: number;
  readonly objective: (batch: number) => Objective;
  /** Share of the matrix rate that the project holds itself to. */
  readonly goal: number;
}

/** The sizes of `peers/dit-10m.json`. */
export function transformer(size = 32): BenchNetwork {
  const config = ditConfigs.small;
  const { latentTokens, latentChannels: channels } = config;
  const objective =
    (batch: number): Objective =>
    (tracer) => {
      const shape = [batch, latentSize, latentSize, latentChannels];
      const [cleanImage, noiseImage] = [tracer.input("latents", shape), tracer.input("noise", shape)];
      const time = tracer.input("time", [batch]);
      const text = tracer.input("text", [batch, textTokens, textWidth]);
      const mask = tracer.input("mask", [batch, textTokens]);
      const tokens = [batch, latentTokens, channels];
      const [clean, noise] = [cleanImage, noiseImage].map((t) => reshape(foldPixels(t, 2), tokens));
      const t = reshape(time, [batch, 1, 1]);
      const latents = add(mul(clean!, sub(1, t)), mul(noise!, t));
      const velocity = dit(tracer.scope(), { latents, time, text, mask }, config);
      return { loss: mean(square(sub(velocity, sub(noise!, clean!)))) };
    };
  return { name: "transformer", batch: size, objective, goal: 0.85 };
}

/** The embedded model's denoiser, at the batch that it is trained with. */
export function unet(batch = 128): BenchNetwork {
  const objective = (each: number) =>
    denoiserObjective(denoiserConfigs.small, each, { maxTokens: textTokens, places: true });
  return { name: "U-Net", batch, objective, goal: 0.65 };
}

/**
 * FLOPs of a training step: the forward pass, and twice as many for the gradients of inputs and weights,
 * without the optimizer.
 */
export function trainingFlop({ objective, batch }: BenchNetwork): number {
  return 3 * countFlop(trace((tracer) => ({ loss: objective(batch)(tracer).loss })));
}

// Distillation to a few steps: the student learns to cover in one unguided step what the guided teacher
// covers in several. Each of the teacher's paths from noise to an image is divided into windows; at the start
// of a window the student predicts the constant velocity to its end (progressive distillation, Salimans and
// Ho 2022, arXiv:2202.00512; guidance distillation, Meng et al. 2022, arXiv:2210.03142; piecewise rectified
// flow, Yan et al. 2024, arXiv:2405.07510).
import type { HostTensors } from "../../engine/index.js";
import { mean, square, sub } from "../../graph/index.js";
import { type DenoiserConfig, denoise } from "../../models/index.js";
import { random } from "../../random/index.js";
import type { Objective } from "../step-program.js";
import type { SizedBatch } from "./batch-number.js";
import type { EncodedScenes } from "./encoded-scenes.js";

/** Access to the teacher's paths. */
export interface Paths {
  /** Number of paths. */
  readonly count: number;
  /** Times at the windows' ends, descending: one more than windows. */
  readonly times: readonly number[];
  /** Index of the scene whose caption a path has. */
  sceneOf(path: number): number;
  /** Reads a path's latents at a window's end. */
  read(path: number, end: number, out: Float32Array<ArrayBuffer>): void;
}

/** Data of the batches. */
export interface DistillationData {
  readonly paths: Paths;
  /** Number of paths to draw from, counted from the first. */
  readonly available: number;
  /** Scenes with the paths' captions. */
  readonly scenes: EncodedScenes;
}

/** Mean squared error of the velocity. */
export function distillationObjective(config: DenoiserConfig, batch: number, tokens: number): Objective {
  const { latentSize: size, latentChannels: channels, textWidth } = config;
  return (tracer) => {
    const latents = tracer.input("latents", [batch, size, size, channels]);
    const target = tracer.input("velocity", [batch, size, size, channels]);
    const time = tracer.input("time", [batch]);
    const text = tracer.input("text", [batch, tokens, textWidth]);
    const mask = tracer.input("mask", [batch, tokens]);
    const velocity = denoise(tracer.scope(), { latents, time, text, mask }, config);
    return { loss: mean(square(sub(velocity, target))) };
  };
}

/**
 * Makes a step's batch. (seed, step) alone decides paths and windows; all windows are equally frequent.
 */
export function distillationBatch(
  { paths, available, scenes }: DistillationData,
  { latentSize: size, latentChannels: channels, textWidth }: DenoiserConfig,
  tokens: number,
  { batchSize: batch, seed, step }: SizedBatch,
): HostTensors {
  const numbers = random(seed, "batch", step);
  const windows = paths.times.length - 1;
  const each = size * size * channels;
  const latents = new Float32Array(batch * each);
  const velocity = new Float32Array(batch * each);
  const text = new Float32Array(batch * tokens * textWidth);
  const mask = new Float32Array(batch * tokens);
  const time = new Float32Array(batch);
  const end = new Float32Array(each);
  for (let i = 0; i < batch; i++) {
    const path = numbers.integer(available);
    const window = i % windows;
    const [from, to] = [paths.times[window]!, paths.times[window + 1]!];
    const begin = latents.subarray(i * each, (i + 1) * each);
    paths.read(path, window, begin);
    paths.read(path, window + 1, end);
    for (let j = 0; j < each; j++) velocity[i * each + j] = (begin[j]! - end[j]!) / (from - to);
    time[i] = from;
    const words = text.subarray(i * tokens * textWidth, (i + 1) * tokens * textWidth);
    mask.fill(1, i * tokens, i * tokens + scenes.readText(paths.sceneOf(path), words));
  }
  const tensor = (shape: number[], data: Float32Array) => ({ dtype: "f32" as const, shape, data });
  return {
    latents: tensor([batch, size, size, channels], latents),
    velocity: tensor([batch, size, size, channels], velocity),
    time: tensor([batch], time),
    text: tensor([batch, tokens, textWidth], text),
    mask: tensor([batch, tokens], mask),
  };
}

// For tests: a problem of few numbers that goes through the whole loop. y = x·Wᵀ + b is learned from a hidden
// W.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { add, linear, mean, mul, square, sub } from "../../src/graph/index.js";
import { random } from "../../src/random/index.js";
import type { RunOptions, TrainingTask } from "../../src/training/loop.js";

export const rows = 6;

/**
 * Inputs [6, width] of a step, and what the hidden matrix makes of them; `scale` makes losses and gradients
 * larger.
 */
export function regressionBatch(step: number, width: number, outputs: number, scale = 1) {
  const x = random(3, "inputs", step).normals(rows * width);
  const hidden = random(3, "hidden").normals(outputs * width);
  const y = new Float32Array(rows * outputs);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < outputs; j++) {
      for (let k = 0; k < width; k++)
        y[i * outputs + j]! += scale * x[i * width + k]! * hidden[j * width + k]!;
    }
  }
  return { x, y };
}

/**
 * Parameters: "weight" [outputs, width] and "bias" [outputs]. The loss is half the sum of squares by `rows`.
 */
export function regressionTask(width = 4, outputs = 3, scale = 1): TrainingTask {
  return {
    objective: (batch) => (tracer) => {
      const x = tracer.input("x", [batch, width]);
      const y = tracer.input("y", [batch, outputs]);
      const scope = tracer.scope();
      const weight = scope.parameter("weight", [outputs, width], { kind: "normal", deviation: 0.5 });
      const bias = scope.parameter("bias", [outputs], { kind: "uniform", bound: 0.5 });
      const error = sub(add(linear(x, weight), bias), y);
      return { loss: mul(mean(square(error)), outputs / 2) };
    },
    batch: async (step) => {
      const { x, y } = regressionBatch(step, width, outputs, scale);
      return {
        x: { dtype: "f32", shape: [rows, width], data: x },
        y: { dtype: "f32", shape: [rows, outputs], data: y },
      };
    },
  };
}

/** Options of a short run without samples; what is given replaces the rest. */
export function runOptions(folder: string, steps: number, given: Partial<RunOptions> = {}): RunOptions {
  return {
    folder,
    seed: 0,
    optimizer: { kind: "adamw", betas: [0.9, 0.99], momentum: 0.95, weightDecay: 0.01, gradientClipping: 1 },
    schedule: { steps, learningRate: 0.01, warmupSteps: 3, decaySteps: 0, emaDecay: 0.9 },
    checkpointInterval: 1000,
    sampleInterval: 1000,
    batchSize: rows,
    resume: false,
    ...given,
  };
}

/** A folder of its own for the time of `use`. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-training-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

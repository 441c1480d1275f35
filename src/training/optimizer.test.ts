// Optimizers, clipping and averages, through the real loop, against the formulas written out in float64.
import { afterAll, describe, expect, it } from "vitest";
import {
  regressionBatch,
  regressionTask,
  rows,
  runOptions,
  withFolder,
} from "../../tests/training/regression.js";
import { makeEngine } from "../engine/node.js";
import { runTraining } from "./loop.js";
import { readMetrics } from "./metrics.js";
import type { OptimizerConfig } from "./optimizer.js";
import { averageDecayAt, learningRateAt, type ScheduleConfig } from "./schedule.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

type Matrix = Float64Array;

/** Gradients of the regression by hand: (x·Wᵀ + b − y) / rows against x. */
function gradientsOf(
  weight: Matrix,
  bias: Matrix,
  step: number,
  width: number,
  outputs: number,
  scale: number,
) {
  const { x, y } = regressionBatch(step, width, outputs, scale);
  const gw = new Float64Array(weight.length);
  const gb = new Float64Array(bias.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < outputs; j++) {
      let error = bias[j]! - y[i * outputs + j]!;
      for (let k = 0; k < width; k++) error += x[i * width + k]! * weight[j * width + k]!;
      gb[j]! += error / rows;
      for (let k = 0; k < width; k++) gw[j * width + k]! += (error * x[i * width + k]!) / rows;
    }
  }
  return { gw, gb, norm: Math.sqrt([...gw, ...gb].reduce((sum, g) => sum + g * g, 0)) };
}

function adam(p: Matrix, g: Matrix, m: Matrix, v: Matrix, rate: number, t: number, config: OptimizerConfig) {
  const [b1, b2] = config.betas;
  const decay = p.length > 8 ? config.weightDecay : 0; // the bias does not decay
  for (let i = 0; i < p.length; i++) {
    m[i] = b1 * m[i]! + (1 - b1) * g[i]!;
    v[i] = b2 * v[i]! + (1 - b2) * g[i]! ** 2;
    const step = m[i]! / (1 - b1 ** t) / (Math.sqrt(v[i]! / (1 - b2 ** t)) + 1e-8);
    p[i] = p[i]! * (1 - rate * decay) - rate * step;
  }
}

function multiply(a: Matrix, b: Matrix, n: number, inner: number, m: number, transposeB = false): Matrix {
  const c = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < inner; k++) {
        c[i * m + j]! += a[i * inner + k]! * (transposeB ? b[j * inner + k]! : b[k * m + j]!);
      }
    }
  }
  return c;
}

/** Muon for a matrix that is wider than high: X ← aX + (bA + cA²)X with A = XXᵀ, five times. */
function muonStep(
  p: Matrix,
  g: Matrix,
  buffer: Matrix,
  rate: number,
  config: OptimizerConfig,
  n: number,
  m: number,
) {
  for (let i = 0; i < p.length; i++) buffer[i] = config.momentum * buffer[i]! + g[i]!;
  let x = g.map((value, i) => value + config.momentum * buffer[i]!);
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0)) + 1e-7;
  x = x.map((value) => value / norm);
  for (let i = 0; i < 5; i++) {
    const a = multiply(x, x, n, m, n, true);
    const mix = multiply(a, a, n, n, n).map((value, at) => 2.0315 * value - 4.775 * a[at]!);
    x = multiply(mix, x, n, n, m).map((value, at) => value + 3.4445 * x[at]!);
  }
  const scale = rate * 0.2 * Math.sqrt(Math.max(n, m));
  for (let i = 0; i < p.length; i++) p[i] = p[i]! * (1 - rate * config.weightDecay) - scale * x[i]!;
}

interface Case {
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly width: number;
  readonly outputs: number;
  readonly scale: number;
}

/** The whole run in float64. */
function reference({ optimizer, schedule, width, outputs, scale }: Case, start: Record<string, Matrix>) {
  const { weight, bias } = start as { weight: Matrix; bias: Matrix };
  const zero = (like: Matrix) => new Float64Array(like.length);
  const [mw, vw, mb, vb] = [zero(weight), zero(weight), zero(bias), zero(bias)];
  const average = { weight: weight.slice(), bias: bias.slice() };
  const norms: number[] = [];
  for (let step = 0; step < schedule.steps; step++) {
    const { gw, gb, norm } = gradientsOf(weight, bias, step, width, outputs, scale);
    norms.push(norm);
    const factor = Math.min(1, optimizer.gradientClipping / (norm + 1e-6));
    const [cw, cb] = [gw.map((g) => g * factor), gb.map((g) => g * factor)];
    const rate = learningRateAt(step, schedule);
    if (optimizer.kind === "muon") muonStep(weight, cw, mw, rate, optimizer, outputs, width);
    else adam(weight, cw, mw, vw, rate, step + 1, optimizer);
    adam(bias, cb, mb, vb, rate, step + 1, { ...optimizer, weightDecay: 0 });
    const decay = averageDecayAt(step, schedule);
    for (const [name, p] of [
      ["weight", weight],
      ["bias", bias],
    ] as const) {
      average[name].forEach((value, i) => {
        average[name][i] = value + (p[i]! - value) * (1 - decay);
      });
    }
  }
  return { weight, bias, norms, average };
}

async function compare(given: Case, tolerance: number): Promise<void> {
  await withFolder(async (folder) => {
    const task = regressionTask(given.width, given.outputs, given.scale);
    const { optimizer, schedule } = given;
    // A run of no steps gives what runs begin with.
    const none = await runTraining(engine, task, runOptions(folder, 0, { optimizer }), "");
    const start = Object.fromEntries(
      Object.entries(none.state).map(([name, { data }]) => [name, Float64Array.from(data as Float32Array)]),
    );
    const { state } = await runTraining(
      engine,
      task,
      runOptions(folder, schedule.steps, { optimizer, schedule }),
      "",
    );
    const expected = reference(given, start);
    const check = (name: string, values: Matrix) => {
      const actual = state[name]!.data as Float32Array;
      const size = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
      const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - actual[i]!)), 0);
      expect(worst / size, name).toBeLessThan(tolerance);
    };
    check("weight", expected.weight);
    check("bias", expected.bias);
    check("average.weight", expected.average.weight);
    check("average.bias", expected.average.bias);
    const metrics = await readMetrics(folder);
    expect(metrics.map(({ gradientNorm }) => gradientNorm! / scaleOf(expected.norms))).toEqual(
      expected.norms.map((norm) => expect.closeTo(norm / scaleOf(expected.norms), 4)),
    );
  });
}

function scaleOf(values: readonly number[]): number {
  return Math.max(...values);
}

const schedule: ScheduleConfig = {
  steps: 12,
  learningRate: 0.02,
  warmupSteps: 4,
  decaySteps: 5,
  emaDecay: 0.6,
};
const adamw: OptimizerConfig = {
  kind: "adamw",
  betas: [0.9, 0.98],
  momentum: 0.95,
  weightDecay: 0.1,
  gradientClipping: 1e9,
};

describe("AdamW", () => {
  it("follows the formula for twelve steps, decay of weights, rate and average included", async () => {
    await compare({ optimizer: adamw, schedule, width: 5, outputs: 3, scale: 1 }, 2e-5);
  });

  it("clips all gradients together by their norm", async () => {
    // Momentum sees a clipped first gradient beside later ones only where clipping is done on gradients, not
    // on steps.
    const optimizer = { ...adamw, gradientClipping: 0.7 };
    await compare({ optimizer, schedule, width: 5, outputs: 3, scale: 40 }, 2e-5);
  });
});

describe("Muon", () => {
  it("follows the formula for matrices, and AdamW for the bias", async () => {
    const optimizer = { ...adamw, kind: "muon" as const, gradientClipping: 3 };
    await compare({ optimizer, schedule, width: 40, outputs: 33, scale: 1 }, 3e-4);
  });

  it("takes the same steps for long matrices, which go through their Gram matrix", async () => {
    const optimizer = { ...adamw, kind: "muon" as const, gradientClipping: 3 };
    await compare({ optimizer, schedule, width: 90, outputs: 33, scale: 1 }, 3e-4);
    await compare({ optimizer, schedule, width: 33, outputs: 90, scale: 1 }, 3e-4);
  });

  it("leaves small matrices to AdamW", async () => {
    await withFolder(async (folder) => {
      const optimizer = { ...adamw, kind: "muon" as const };
      const { state } = await runTraining(engine, regressionTask(), runOptions(folder, 1, { optimizer }), "");
      expect(Object.keys(state)).toContain("adam.v.weight");
      expect(Object.keys(state)).not.toContain("muon.weight");
    });
  });
});

describe("the schedule", () => {
  it("grows, stays, and falls to nothing", () => {
    const rates = Array.from({ length: 12 }, (_, step) =>
      learningRateAt(step, { ...schedule, learningRate: 1 }),
    );
    expect(rates).toEqual(
      [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2].map((rate) => expect.closeTo(rate, 12)),
    );
    expect(learningRateAt(0, { ...schedule, warmupSteps: 0, decaySteps: 0 })).toBe(0.02);
  });

  it("averages over few steps at first", () => {
    expect(averageDecayAt(0, { ...schedule, emaDecay: 0.999 })).toBeCloseTo(0.1);
    expect(averageDecayAt(90, { ...schedule, emaDecay: 0.999 })).toBeCloseTo(0.91);
    expect(averageDecayAt(1e6, { ...schedule, emaDecay: 0.999 })).toBe(0.999);
    const every = { ...schedule, emaDecay: 0.999, emaInterval: 4 };
    expect(averageDecayAt(38, every)).toBeCloseTo(39 / 48); // the first ones all count
    const decays = [2e6, 2e6 + 1, 2e6 + 2, 2e6 + 3].map((step) => averageDecayAt(step, every));
    expect(decays.slice(0, 3)).toEqual([1, 1, 1]);
    expect(decays[3]).toBeCloseTo(0.999 ** 4, 12);
  });
});

// Measures training speed: the real loop with real batches, and the matrix rate between its steps.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeEngine } from "../src/engine/node.js";
import { denoiserConfigs } from "../src/models/index.js";
import { type RunOptions, runTraining, type TrainingTask } from "../src/training/index.js";
import { defaultDenoiserTraining, denoiserBatch } from "../src/training/tasks/denoiser.js";
import { type Cost, medianCost, startClocks } from "./cost.js";
import { makeMatrixRate, matrixFlop } from "./matrix-rate.js";
import { type BenchNetwork, textTokens, trainingFlop } from "./networks.js";
import { makeScenes } from "./scenes.js";

export interface TrainingResult {
  readonly name: string;
  readonly parameters: number;
  readonly batch: number;
  readonly lanes: number;
  readonly steps: number;
  /** Median of a step, waiting for its batch included. */
  readonly secondsPerStep: number;
  readonly processorSecondsPerStep: number;
  readonly samplesPerSecond: number;
  readonly flopPerStep: number;
  readonly gflops: number;
  /** Of matrices of 1024×1024, between the steps; median. */
  readonly matmulGflops: number;
  /** gflops / matmulGflops, and the same by processor time. */
  readonly share: number;
  readonly shareByProcessorTime: number;
  readonly goal: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Steps that are not counted: memory is taken, and the matrix rate is met for the first time. */
export const warmup = 2;

export interface TrainingSettings {
  readonly steps: number;
  readonly threads: number;
  readonly lanes: number;
  /** Work between two steps, for which the loop waits. */
  readonly between?: () => Promise<void>;
}

/**
 * Trains a network for some steps and measures them. Between two steps the matrix rate is measured on the
 * same engine, so that both meet the same state of the machine.
 */
export async function measureTraining(
  network: BenchNetwork,
  { steps, threads, lanes, between }: TrainingSettings,
): Promise<TrainingResult> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  const engine = makeEngine({ device: "cpu", threads });
  try {
    const stepCosts: Cost[] = [];
    const matrixCosts: Cost[] = [];
    const rate = await makeMatrixRate(engine);
    const losses: number[] = [];
    let parameters = 0;
    let readStep = startClocks();
    const options: RunOptions = {
      ...runOptions(join(folder, "run"), steps + warmup, network.batch),
      workers: lanes,
      onStart: (report) => {
        parameters = report.parameters;
        readStep = startClocks();
      },
      onStep: ({ metrics }) => {
        stepCosts.push(readStep());
        losses.push(metrics.loss!);
      },
      onSample: () => {
        readStep = startClocks();
      },
    };
    const task: TrainingTask = {
      ...(await makeTask(network, join(folder, "scenes"))),
      // Asked for after every step: the loop waits, so that only products run.
      sample: async () => {
        matrixCosts.push(await rate.measure());
        await between?.();
        return {};
      },
    };
    await runTraining(engine, task, options, "");
    const measured = { steps: stepCosts.slice(warmup), matrices: matrixCosts.slice(warmup) };
    return summarize(network, parameters, lanes, measured, losses);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeTask({ objective, batch }: BenchNetwork, folder: string): Promise<TrainingTask> {
  const scenes = await makeScenes(folder);
  const training = { ...defaultDenoiserTraining, maxTokens: textTokens };
  const available = scenes.scenes;
  return {
    objective,
    batch: async (step) =>
      denoiserBatch(scenes, available, denoiserConfigs.small, training, { batchSize: batch, seed: 0, step }),
  };
}

function runOptions(folder: string, steps: number, batchSize: number): RunOptions {
  return {
    folder,
    seed: 0,
    batchSize,
    resume: false,
    checkpointInterval: Number.POSITIVE_INFINITY,
    sampleInterval: 1,
    schedule: { steps, learningRate: 1e-4, warmupSteps: 0, decaySteps: 0, emaDecay: 0.999, emaInterval: 10 },
    optimizer: { kind: "adamw", betas: [0.9, 0.95], momentum: 0.95, weightDecay: 0.01, gradientClipping: 1 },
  };
}

function summarize(
  network: BenchNetwork,
  parameters: number,
  lanes: number,
  measured: { readonly steps: readonly Cost[]; readonly matrices: readonly Cost[] },
  losses: readonly number[],
): TrainingResult {
  const { name, batch, goal } = network;
  const [step, matrix] = [medianCost(measured.steps), medianCost(measured.matrices)];
  const flopPerStep = trainingFlop(network);
  const share = (by: keyof Cost) => flopPerStep / step[by] / (matrixFlop / matrix[by]);
  return {
    name,
    parameters,
    batch,
    lanes,
    steps: measured.steps.length,
    secondsPerStep: step.seconds,
    processorSecondsPerStep: step.processorSeconds,
    samplesPerSecond: batch / step.seconds,
    flopPerStep,
    gflops: flopPerStep / step.seconds / 1e9,
    matmulGflops: matrixFlop / matrix.seconds / 1e9,
    share: share("seconds"),
    shareByProcessorTime: share("processorSeconds"),
    goal,
    firstLoss: losses[0]!,
    lastLoss: losses.at(-1)!,
  };
}

// The training loop. A batch is a pure function of the step's number, so that a run that was killed goes on from its last
// checkpoint bit for bit as if it had not been.
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import type { Engine, HostTensors, Session, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { initialState, loadCheckpoint, type State, saveCheckpoint } from "./checkpoint.js";
import type { OptimizerConfig } from "./optimizer.js";
import { makeStepProgram, nextName, type Objective, type StepProgram } from "./step-program.js";

export interface TrainingTask {
  readonly objective: Objective;
  /** Inputs of step n, counted from 0. The same n gives the same batch, whatever was asked before. */
  batch(step: number): Promise<HostTensors>;
  /** Parameters that are read from files and not trained. */
  readonly frozen?: WeightPlaces;
  /** Called every `sampleEvery` steps with the moving averages; writes what a person should look at. */
  sample?(averages: State, step: number, folder: string): Promise<void>;
}

export interface ScheduleConfig {
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  readonly learningRate: number;
  /** Steps of linear growth at the start, and of linear decay to zero at the end. */
  readonly warmup: number;
  readonly decay: number;
  /** Decay of the moving average; shorter averages are used early on. */
  readonly average: number;
}

export interface RunOptions {
  readonly folder: string;
  readonly seed: number;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly checkpointEvery: number;
  readonly sampleEvery: number;
  readonly batchSize: number;
  /** Go on from the folder's checkpoint. Without it, a folder that has one is refused. */
  readonly resume: boolean;
  readonly signal?: AbortSignal;
  onStep?(report: StepReport): void;
}

export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Of this step, batch waiting included. */
  readonly seconds: number;
  readonly samples: number;
}

/** Warm-up, a plateau, linear decay. The plateau lets a run be prolonged without having planned its end. */
export function learningRateAt(step: number, { steps, learningRate, warmup, decay }: ScheduleConfig): number {
  const up = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  const down = decay > 0 ? Math.min(1, (steps - step) / decay) : 1;
  return learningRate * Math.min(up, down);
}

function scalarInputs(step: number, { schedule, optimizer }: RunOptions): HostTensors {
  const [beta1, beta2] = optimizer.betas;
  const scalar = (value: number) => ({ dtype: "f32" as const, shape: [], data: new Float32Array([value]) });
  return {
    learningRate: scalar(learningRateAt(step, schedule)),
    correction1: scalar(1 - beta1 ** (step + 1)),
    correction2: scalar(1 - beta2 ** (step + 1)),
    averageDecay: scalar(Math.min(schedule.average, (step + 1) / (step + 10))),
  };
}

async function startSession(
  engine: Engine,
  task: TrainingTask,
  steps: StepProgram,
  state: State,
): Promise<Session> {
  const carried = Object.fromEntries(
    [...steps.parameters, ...steps.state].map(({ name }) => [
      name,
      { output: nextName(name), initial: state[name]! },
    ]),
  );
  return engine.load(steps.program, { carried, weights: task.frozen });
}

/** Keeps the metrics of steps before `step`: those after it belong to work that a killed run lost. */
async function trimMetrics(path: string, step: number): Promise<void> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return;
  }
  const kept: string[] = [];
  for (const line of text.split("\n")) {
    try {
      if ((JSON.parse(line) as { step: number }).step <= step) kept.push(`${line}\n`);
    } catch {
      // The line that was being written when the process was killed.
    }
  }
  await writeFileAtomic(path, kept.join(""));
}

/** The name of a run's moving averages without their prefix, as the pipeline reads them. */
export function averagesOf(state: State): State {
  const averages: State = {};
  for (const [name, tensor] of Object.entries(state)) {
    if (name.startsWith("average.")) averages[name.slice("average.".length)] = tensor;
  }
  return averages;
}

/**
 * Trains until the schedule's end, Ctrl-C (the signal) or an error, and leaves a checkpoint.
 * @param fingerprint See {@link saveCheckpoint}.
 * @returns The last state and whether the run is complete.
 * @throws NishikiError "training" for a loss that is not finite, "file" for a full disk.
 */
export async function runTraining(
  engine: Engine,
  task: TrainingTask,
  options: RunOptions,
  fingerprint: string,
): Promise<{ step: number; finished: boolean; state: State }> {
  const { folder, schedule, seed, signal } = options;
  await mkdir(folder, { recursive: true });
  const steps = makeStepProgram(task.objective, options.optimizer);
  const found = await loadCheckpoint(folder, steps, fingerprint);
  if (found && !options.resume) {
    throw new NishikiError(
      "training",
      `${folder} already holds a run at step ${found.step}: add --resume to go on with it, or choose another folder.`,
    );
  }
  const start = found ?? { step: 0, state: initialState(steps, seed) };
  const session = await startSession(engine, task, steps, start.state);
  const metricsPath = join(folder, "metrics.jsonl");
  await trimMetrics(metricsPath, start.step);
  try {
    const step = await stepThrough(session, task, options, start.step, metricsPath, fingerprint);
    const state = await session.readState();
    if (step > start.step) await saveCheckpoint(folder, { step, state }, fingerprint);
    return { step, finished: step >= schedule.steps && !signal?.aborted, state };
  } finally {
    await session.close().catch(() => undefined);
  }
}

async function stepThrough(
  session: Session,
  task: TrainingTask,
  options: RunOptions,
  from: number,
  metricsPath: string,
  fingerprint: string,
): Promise<number> {
  const { schedule, signal, folder } = options;
  let step = from;
  let upcoming = step < schedule.steps ? task.batch(step) : undefined;
  let then = performance.now();
  while (upcoming && step < schedule.steps && !signal?.aborted) {
    const batch = await upcoming;
    // The next batch is made while the engine's thread computes this one.
    upcoming = step + 1 < schedule.steps ? task.batch(step + 1) : undefined;
    upcoming?.catch(() => undefined);
    const outputs = await session.run({ ...batch, ...scalarInputs(step, options) });
    const metrics = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, Number(t.data[0])]));
    if (!Number.isFinite(metrics.loss) || !Number.isFinite(metrics.gradientNorm)) {
      throw new NishikiError("training", nanMessage(step, metrics, folder));
    }
    const learningRate = learningRateAt(step, schedule);
    step++;
    const now = performance.now();
    const report = {
      step,
      steps: schedule.steps,
      metrics,
      learningRate,
      seconds: (now - then) / 1000,
      samples: step * options.batchSize,
    };
    then = now;
    await appendFile(
      metricsPath,
      `${JSON.stringify({ step, ...metrics, learningRate, seconds: report.seconds })}\n`,
    );
    options.onStep?.(report);
    await atIntervals(session, task, options, step, fingerprint);
  }
  return step;
}

function nanMessage(step: number, metrics: Readonly<Record<string, number>>, folder: string): string {
  const last = `The last checkpoint in ${folder} is from before; lower the learning rate and go on with --resume.`;
  return `Step ${step + 1} gave a loss of ${metrics.loss} (gradient norm ${metrics.gradientNorm}), so training stopped. ${last}`;
}

async function atIntervals(
  session: Session,
  task: TrainingTask,
  options: RunOptions,
  step: number,
  fingerprint: string,
): Promise<void> {
  const save = step % options.checkpointEvery === 0;
  const sample = task.sample && step % options.sampleEvery === 0;
  if (!save && !sample) return;
  const state = await session.readState();
  if (save) await saveCheckpoint(options.folder, { step, state }, fingerprint);
  if (sample) await task.sample?.(averagesOf(state), step, options.folder);
}

// The training loop. A batch is a pure function of the step's number, so that a run that was killed goes on
// from its last checkpoint bit for bit as if it had not been.
import { makeFolder, removeAbandoned } from "../checkpoint/node.js";
import type { Engine, HostTensors, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { averagesOf } from "./averages.js";
import { initialState, loadCheckpoint, refuseBegun, type State } from "./checkpoint.js";
import { CheckpointKeeper } from "./checkpoint-keeper.js";
import { appendMetrics, trimMetrics } from "./metrics.js";
import type { OptimizerConfig } from "./optimizer.js";
import { lockRun } from "./run-lock.js";
import { averageDecayAt, learningRateAt, type ScheduleConfig } from "./schedule.js";
import { checkStart, readStart } from "./start-from.js";
import { makeStepProgram, type Objective, type StepProgram } from "./step-program.js";
import { makeStepper, type Stepper, threadsOfWorker } from "./stepper.js";

export { learningRateAt, type ScheduleConfig } from "./schedule.js";

export interface TrainingTask {
  /**
   * The objective on a batch, or a part of one, of this many. Every input has the batch as its first axis.
   */
  readonly objective: (batch: number) => Objective;
  /** Inputs of step n, counted from 0. The same n gives the same batch, whatever was asked before. */
  batch(step: number): Promise<HostTensors>;
  /** Parameters that are read from files and not trained. */
  readonly frozen?: WeightPlaces;
  /**
   * Called every `sampleInterval` steps with the moving averages; writes what a person should look at.
   * @returns Numbers measured on the samples, if any, for the metrics.
   */
  sample?(averages: State, step: number, folder: string): Promise<Readonly<Record<string, number>>>;
  /** Ends what makes the batches. */
  close?(): Promise<void>;
}

/** What tasks need from outside. */
export interface TaskContext {
  /** Stops what a task makes: batches, encoded images, samples. */
  readonly signal?: AbortSignal | undefined;
  /** Receives what a person should know and what stops nothing. */
  readonly onNotice: (message: string) => void;
}

export interface RunOptions {
  readonly folder: string;
  readonly seed: number;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly checkpointInterval: number;
  readonly sampleInterval: number;
  readonly batchSize: number;
  /** Parts of the batch, computed beside each other on a processor's threads. Default 1. */
  readonly workers?: number;
  /** Weights that a run which has no checkpoint begins with: a `.safetensors` file, or a run's folder. */
  readonly initFrom?: string;
  /** Go on from the folder's checkpoint. Without it, a folder that has one is refused. */
  readonly resume: boolean;
  /** Ends the run after the step that is being computed, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Called once, when the run is ready for its first step. */
  onStart?(report: StartReport): void | Promise<void>;
  onStep?(report: StepReport): void;
  /** Something that a person should know and that stops nothing. */
  onNotice?(message: string): void;
  /** Called after `task.sample`, with what it measured. */
  onSample?(step: number, measured: Readonly<Record<string, number>>): void | Promise<void>;
}

export interface StartReport {
  /** Steps that were done before. */
  readonly step: number;
  readonly steps: number;
  /** Numbers that are learned. */
  readonly parameters: number;
}

export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Of this step, batch waiting included. */
  readonly seconds: number;
  /** Seen by the run so far. */
  readonly samples: number;
}

/**
 * Trains until the schedule's end, Ctrl-C (the signal) or an error, and leaves a checkpoint.
 * @param fingerprint What must be the same for the run to go on; see `writeFingerprint`.
 * @returns The last state and whether the run is complete.
 * @throws NishikiError "training" for a loss that is not finite or a checkpoint of another run, "file" for a
 * full disk.
 */
export async function runTraining(
  engine: Engine,
  task: TrainingTask,
  options: RunOptions,
  fingerprint: string,
): Promise<{ step: number; finished: boolean; state: State }> {
  const { folder } = options;
  await makeFolder(folder);
  if (!options.resume) await refuseBegun(folder);
  const unlock = await lockRun(folder);
  try {
    return await runLocked(engine, task, options, fingerprint);
  } finally {
    unlock();
  }
}

async function runLocked(
  engine: Engine,
  task: TrainingTask,
  options: RunOptions,
  fingerprint: string,
): Promise<{ step: number; finished: boolean; state: State }> {
  const { folder, schedule, seed } = options;
  const workers = workersOf(options, engine);
  const program = makeStepProgram(task.objective(options.batchSize), options.optimizer);
  const found = await loadCheckpoint(folder, program, fingerprint, options.onNotice);
  const computedIn = describeWorkers(workers, engine.threads);
  // Earlier versions called workers lanes.
  const before = found?.computedIn?.replace(/\blane(s?)\b/, "worker$1");
  if (before !== undefined && before !== computedIn) {
    options.onNotice?.(
      `The checkpoint was computed with ${before}, this run computes with ${computedIn}: ` +
        "it goes on well, but not bit for bit.",
    );
  }
  await removeAbandoned(folder);
  const start = found ?? { step: 0, state: await firstState(program, seed, options) };
  await trimMetrics(folder, start.step);
  const { objective, frozen } = task;
  const stepper = await makeStepper(engine, program, start.state, { ...options, objective, frozen, workers });
  try {
    const parameters = countParameters(program);
    await options.onStart?.({ step: start.step, steps: schedule.steps, parameters });
    const keeper = new CheckpointKeeper(folder, fingerprint, computedIn, found?.step);
    const { step, state, interrupted } = await new Run(stepper, task, options, keeper, start.step).toEnd();
    return { step, finished: step >= schedule.steps && !interrupted, state };
  } finally {
    await stepper.close().catch(() => undefined);
  }
}

/** What a run begins with: its own random weights, or finished ones. */
export async function firstState(
  program: StepProgram,
  seed: number,
  { initFrom, onNotice }: Pick<RunOptions, "initFrom" | "onNotice">,
): Promise<State> {
  if (initFrom === undefined) return initialState(program, seed);
  const start = await readStart(initFrom);
  const grown = checkStart(program.parameters, start, initFrom);
  if (grown.length > 0) {
    const some = `${grown.slice(0, 3).join(", ")}${grown.length > 3 ? ", …" : ""}`;
    onNotice?.(
      `${initFrom} has not all of the network: ${grown.length} of its tensors begin anew (${some}).`,
    );
  }
  return initialState(program, seed, start);
}

function countParameters({ parameters }: StepProgram): number {
  return parameters.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

/** What the last bits of a run depend on besides its settings, in words. */
function describeWorkers(workers: number, threads: number): string {
  const each = threadsOfWorker(threads, workers);
  return `${workers} ${workers === 1 ? "worker" : "workers"} of ${each} ${each === 1 ? "thread" : "threads"}`;
}

/** @throws NishikiError "usage" where the batch does not divide into them. */
function workersOf({ workers = 1, batchSize }: RunOptions, { device }: Engine): number {
  if (!Number.isInteger(workers) || workers < 1 || batchSize % workers !== 0) {
    throw new NishikiError(
      "usage",
      `workers: expected a number that divides the batch of ${batchSize}, got ${workers}.`,
    );
  }
  return device === "cpu" ? workers : 1; // other devices are one whole
}

/** The numbers that change from step to step, as the step's program takes them. */
export function scalarInputs(
  step: number,
  { schedule, optimizer }: Pick<RunOptions, "schedule" | "optimizer">,
): HostTensors {
  const [beta1, beta2] = optimizer.betas;
  const scalar = (value: number) => ({ dtype: "f32" as const, shape: [], data: new Float32Array([value]) });
  return {
    learningRate: scalar(learningRateAt(step, schedule)),
    correction1: scalar(1 - beta1 ** (step + 1)),
    correction2: scalar(1 - beta2 ** (step + 1)),
    averageDecay: scalar(averageDecayAt(step, schedule)),
  };
}

/** One run from its first step in this process to its last. */
class Run {
  readonly #stepper: Stepper;
  readonly #task: TrainingTask;
  readonly #options: RunOptions;
  readonly #keeper: CheckpointKeeper;
  readonly #first: number;
  /** Steps done. */
  #step: number;
  /** Whether the samples of the last step were stopped: they are part of what the run is for. */
  #interrupted = false;

  constructor(
    stepper: Stepper,
    task: TrainingTask,
    options: RunOptions,
    keeper: CheckpointKeeper,
    first: number,
  ) {
    this.#first = first;
    this.#step = first;
    this.#stepper = stepper;
    this.#task = task;
    this.#options = options;
    this.#keeper = keeper;
  }

  async toEnd(): Promise<{ step: number; state: State; interrupted: boolean }> {
    try {
      await this.#steps();
      return { step: this.#step, state: await this.#save(), interrupted: this.#interrupted };
    } catch (error) {
      await this.#rescue(error);
      throw this.#explain(error);
    }
  }

  async #steps(): Promise<void> {
    const { schedule, signal } = this.#options;
    let step = this.#step;
    let upcoming = step < schedule.steps ? this.#batch(step) : undefined;
    let then = performance.now();
    // A run that was stopped in its last samples has these still to make.
    if (!upcoming && step > 0) await this.#atIntervals(step);
    try {
      while (upcoming && !signal?.aborted) {
        const batch = await upcoming.catch((error: unknown) => {
          if (signal?.aborted) return undefined; // what makes batches was stopped, too
          throw error;
        });
        if (!batch) break;
        const computing = this.#compute(batch, step);
        // The next batch is made while the engine's thread computes this one.
        upcoming = step + 1 < schedule.steps ? this.#batch(step + 1) : undefined;
        const metrics = await computing;
        this.#step = ++step;
        const now = performance.now();
        await this.#report(step, metrics, (now - then) / 1000);
        then = now;
        await this.#atIntervals(step);
      }
    } finally {
      // However the run ends: a batch that is still being made must not outlive the task that makes it.
      await upcoming?.catch(() => undefined);
    }
  }

  /** Fails no earlier than it is awaited. */
  #batch(step: number): Promise<HostTensors> {
    const batch = Promise.resolve(step).then((asked) => this.#task.batch(asked));
    batch.catch(() => undefined);
    return batch;
  }

  /** A checkpoint of where the run stands. */
  async #save(): Promise<State> {
    const state = await this.#stepper.readState();
    if (this.#step === this.#first) return state;
    this.#checkState(state);
    await this.#keeper.finish({ step: this.#step, state });
    return state;
  }

  /**
   * Keeps what was reached before an error that has nothing to do with the numbers, such as an unreadable
   * image.
   */
  async #rescue(error: unknown): Promise<void> {
    const diverged = error instanceof NishikiError && error.code === "training";
    if (!diverged) await this.#save().catch(() => undefined);
    await this.#keeper.settle().catch(() => undefined);
  }

  async #compute(batch: HostTensors, step: number): Promise<Record<string, number>> {
    const metrics = await this.#stepper.step(batch, scalarInputs(step, this.#options));
    if (!Number.isFinite(metrics.loss) || !Number.isFinite(metrics.gradientNorm)) {
      const values = `a loss of ${metrics.loss} (gradient norm ${metrics.gradientNorm})`;
      throw new NishikiError(
        "training",
        `Step ${step + 1} gave ${values}, so training stopped. ${lowerRate}`,
      );
    }
    await this.#keeper.prove();
    return metrics;
  }

  async #report(step: number, metrics: Readonly<Record<string, number>>, seconds: number): Promise<void> {
    const { schedule, batchSize, folder } = this.#options;
    const learningRate = learningRateAt(step - 1, schedule);
    await appendMetrics(folder, { step, ...metrics, learningRate, seconds });
    const samples = step * batchSize;
    this.#options.onStep?.({ step, steps: schedule.steps, metrics, learningRate, seconds, samples });
  }

  async #atIntervals(step: number): Promise<void> {
    const { checkpointInterval, sampleInterval, folder, schedule } = this.#options;
    const save = step % checkpointInterval === 0 && step < schedule.steps; // the last one is written at the end
    const sample = this.#task.sample && (step % sampleInterval === 0 || step === schedule.steps);
    if (!save && !sample) return;
    const state = await this.#stepper.readState();
    if (save) this.#keeper.hold({ step, state });
    if (!sample) return;
    const measured = await this.#sample(state, step);
    if (!measured) return;
    if (Object.keys(measured).length > 0) await appendMetrics(folder, { step, ...measured });
    await this.#options.onSample?.(step, measured);
  }

  /** @returns What was measured; undefined where the samples were stopped. */
  async #sample(state: State, step: number): Promise<Readonly<Record<string, number>> | undefined> {
    const { folder, signal } = this.#options;
    try {
      return (await this.#task.sample?.(averagesOf(state), step, folder)) ?? {};
    } catch (error) {
      if (!signal?.aborted) throw error;
      this.#interrupted = true;
      return undefined;
    }
  }

  /** The last step has no step after it that would show whether its result is usable. */
  #checkState(state: State): void {
    const broken = Object.entries(state).find(
      ([, { data }]) => !(data as Float32Array).every(Number.isFinite),
    );
    if (!broken) return;
    const what = `Step ${this.#step} left numbers in "${broken[0]}" that are not finite`;
    throw new NishikiError("training", `${what}, so training stopped. ${lowerRate}`);
  }

  /** Adds to an error what is left of the run. */
  #explain(error: unknown): unknown {
    if (!(error instanceof NishikiError)) return error;
    const { saved } = this.#keeper;
    const left =
      saved === undefined
        ? "No checkpoint had been written yet: the next run begins anew."
        : `The checkpoint of step ${saved} in ${this.#options.folder} is good: go on from it with --resume.`;
    return new NishikiError(error.code, `${error.message} ${left}`, { cause: error.cause });
  }
}

const lowerRate = "Lower the learning rate (schedule.learningRate).";

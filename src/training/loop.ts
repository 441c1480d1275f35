// The training loop. A batch is a pure function of the step's number, so that a killed run resumes bit for
// bit from its last checkpoint.
import { makeFolder, removeAbandoned } from "../checkpoint/node.js";
import type { Engine, HostTensors, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { averagesOf } from "./averages.js";
import { initialState, loadCheckpoint, refuseBegun, type State } from "./checkpoint.js";
import { CheckpointKeeper } from "./checkpoint-keeper.js";
import { appendMetrics, trimMetrics } from "./metrics.js";
import { isIn, type OptimizerConfig, type OptimizerGroup } from "./optimizer.js";
import { lockRun } from "./run-lock.js";
import { averageDecayAt, learningRateAt, type ScheduleConfig } from "./schedule.js";
import { checkStart, readStart } from "./start-from.js";
import { makeStepProgram, type Objective, type StepProgram } from "./step-program.js";
import { makeStepper, type Stepper, threadsOfWorker } from "./stepper.js";

export { learningRateAt, type ScheduleConfig } from "./schedule.js";

export interface TrainingTask {
  /**
   * The objective for a batch, or part of one, of this size. The first axis of every input is the batch.
   */
  readonly objective: (batch: number) => Objective;
  /** Inputs of step n, counted from 0. The same n always gives the same batch. */
  batch(step: number): Promise<HostTensors>;
  /** Frozen parameters, read from files. */
  readonly frozen?: WeightPlaces;
  /** Parameters with an optimizer of their own. */
  readonly optimizerGroups?: readonly OptimizerGroup[];
  /**
   * Called every `sampleInterval` steps with the moving averages; writes sample images.
   * @returns numbers measured on the samples, for the metrics
   */
  sample?(averages: State, step: number, folder: string): Promise<Readonly<Record<string, number>>>;
  /** Stops making batches and releases resources. */
  close?(): Promise<void>;
}

/** Context of a task. */
export interface TaskContext {
  /** Whether the run goes on from its checkpoint. */
  readonly resume?: boolean | undefined;
  /** Stops the making of batches, encoded images and samples. */
  readonly signal?: AbortSignal | undefined;
  /** Receives warnings and progress. */
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
  /** Data-parallel workers that share a CPU's threads; must divide the batch size. Default 1. */
  readonly workers?: number;
  /** Initial weights of a run without a checkpoint: a `.safetensors` file or a run's folder. */
  readonly initFrom?: string;
  /** Continues from the folder's checkpoint. Without this option, a folder with a checkpoint is refused. */
  readonly resume: boolean;
  /** Ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Called once, before the first step. */
  onStart?(report: StartReport): void | Promise<void>;
  onStep?(report: StepReport): void;
  /** Receives warnings. */
  onNotice?(message: string): void;
  /** Called after `task.sample`, with the numbers it measured. */
  onSample?(step: number, measured: Readonly<Record<string, number>>): void | Promise<void>;
}

export interface StartReport {
  /** Steps done before. */
  readonly step: number;
  readonly steps: number;
  /** Number of trained parameters. */
  readonly parameters: number;
}

export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Duration of this step, including the wait for its batch. */
  readonly seconds: number;
  /** Samples seen so far. */
  readonly samples: number;
}

/**
 * Trains until the schedule ends, the signal aborts or an error occurs, and leaves a checkpoint.
 * @param fingerprint settings that must match to resume the run; see `writeFingerprint`
 * @returns the last state, and whether the run is complete
 * @throws NishikiError "training" if the loss is not finite or the checkpoint belongs to another run, "file"
 * if the disk is full
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
  const workers = chooseWorkers(options, engine);
  const { objective, frozen, optimizerGroups: groups } = task;
  const optimizer = { ...options.optimizer, ...(groups && { groups }) };
  const program = makeStepProgram(objective(options.batchSize), optimizer);
  const checkpoint = await loadCheckpoint(folder, program, fingerprint, options.onNotice);
  const computedIn = describeWorkers(workers, engine.threads);
  // Earlier versions called workers lanes.
  const before = checkpoint?.computedIn?.replace(/\blane(s?)\b/, "worker$1");
  if (before !== undefined && before !== computedIn) {
    options.onNotice?.(
      `The checkpoint was computed with ${before}, this run uses ${computedIn}. The run continues, but not ` +
        "bit for bit.",
    );
  }
  await removeAbandoned(folder);
  const start = checkpoint ?? { step: 0, state: await firstState(program, seed, { ...options, groups }) };
  await trimMetrics(folder, start.step);
  const settings = { ...options, objective, optimizer, frozen, workers };
  const stepper = await makeStepper(engine, program, start.state, settings);
  try {
    const parameters = countParameters(program);
    await options.onStart?.({ step: start.step, steps: schedule.steps, parameters });
    const keeper = new CheckpointKeeper(folder, fingerprint, computedIn, checkpoint?.step);
    const { step, state, interrupted } = await new Run(stepper, task, options, keeper, start.step).toEnd();
    return { step, finished: step >= schedule.steps && !interrupted, state };
  } finally {
    await stepper.close().catch(() => undefined);
  }
}

interface FirstStateOptions extends Pick<RunOptions, "initFrom" | "onNotice"> {
  readonly groups?: readonly OptimizerGroup[] | undefined;
}

/** Initial state of a run: random weights, or those of `initFrom`. */
export async function firstState(
  program: StepProgram,
  seed: number,
  { initFrom, onNotice, groups = [] }: FirstStateOptions,
): Promise<State> {
  if (initFrom === undefined) return initialState(program, seed);
  const start = await readStart(initFrom);
  // A network that only trains the other, such as a discriminator, starts at random unless the file has it.
  const required = program.parameters.filter(({ name }) => !groups.some((group) => isIn(group, name)));
  const missing = checkStart(required, start, initFrom);
  if (missing.length > 0) {
    const some = `${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", …" : ""}`;
    const tensors = missing.length === 1 ? "1 tensor" : `${missing.length} tensors`;
    onNotice?.(`${initFrom} lacks ${tensors} of the network, initialised at random: ${some}.`);
  }
  return initialState(program, seed, start);
}

function countParameters({ parameters }: StepProgram): number {
  return parameters.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

/** Workers and threads in words: the last bits of a run depend on them. */
function describeWorkers(workers: number, threads: number): string {
  const each = threadsOfWorker(threads, workers);
  return `${workers} ${workers === 1 ? "worker" : "workers"} of ${each} ${each === 1 ? "thread" : "threads"}`;
}

/** @throws NishikiError "usage" if the number of workers does not divide the batch size */
function chooseWorkers({ workers = 1, batchSize }: RunOptions, { device }: Engine): number {
  if (!Number.isInteger(workers) || workers < 1 || batchSize % workers !== 0) {
    throw new NishikiError(
      "usage",
      `workers: expected a divisor of the batch size ${batchSize}, got ${workers}.`,
    );
  }
  return device === "cpu" ? workers : 1; // workers share a CPU's threads; other devices have none
}

/** The scalars of a step, as inputs of the step's program. */
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

/** The steps of a run in this process. */
class Run {
  readonly #stepper: Stepper;
  readonly #task: TrainingTask;
  readonly #options: RunOptions;
  readonly #keeper: CheckpointKeeper;
  readonly #first: number;
  /** Steps done. */
  #step: number;
  /** Whether the last step's samples were stopped. Then the run is not finished. */
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
    // A run that was stopped in its last samples still has to make them.
    if (!upcoming && step > 0) await this.#atIntervals(step);
    try {
      while (upcoming && !signal?.aborted) {
        const batch = await upcoming.catch((error: unknown) => {
          if (signal?.aborted) return undefined; // the signal stopped the making of batches, too
          throw error;
        });
        if (!batch) break;
        const computing = this.#compute(batch, step);
        // Make the next batch while the engine's thread computes this one.
        upcoming = step + 1 < schedule.steps ? this.#batch(step + 1) : undefined;
        const metrics = await computing;
        this.#step = ++step;
        const now = performance.now();
        await this.#report(step, metrics, (now - then) / 1000);
        then = now;
        await this.#atIntervals(step);
      }
    } finally {
      // However the run ends, a batch in the making must not outlive its task.
      await upcoming?.catch(() => undefined);
    }
  }

  /** Rejects only when awaited. */
  #batch(step: number): Promise<HostTensors> {
    const batch = Promise.resolve().then(() => this.#task.batch(step));
    batch.catch(() => undefined);
    return batch;
  }

  /** Writes a checkpoint of the current state. */
  async #save(): Promise<State> {
    const state = await this.#stepper.readState();
    if (this.#step === this.#first) return state;
    this.#checkState(state);
    await this.#keeper.finish({ step: this.#step, state });
    return state;
  }

  /**
   * Saves the progress before an error that has nothing to do with the numbers, such as an unreadable image.
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
    const save = step % checkpointInterval === 0 && step < schedule.steps; // #save writes the last one
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

  /** @returns the measured numbers; undefined if the samples were stopped */
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

  /** Checks the last step's result, which no later step will prove finite. */
  #checkState(state: State): void {
    const broken = Object.entries(state).find(
      ([, { data }]) => !(data as Float32Array).every(Number.isFinite),
    );
    if (!broken) return;
    const reason = `Step ${this.#step} left numbers that are not finite in "${broken[0]}"`;
    throw new NishikiError("training", `${reason}, so training stopped. ${lowerRate}`);
  }

  /** Adds to an error which checkpoint remains. */
  #explain(error: unknown): unknown {
    if (!(error instanceof NishikiError)) return error;
    const { saved } = this.#keeper;
    const left =
      saved === undefined
        ? "No checkpoint exists yet: the next run starts from the beginning."
        : `The checkpoint of step ${saved} in ${this.#options.folder} is good: continue from it with --resume.`;
    return new NishikiError(error.code, `${error.message} ${left}`, { cause: error.cause });
  }
}

const lowerRate = "Lower the learning rate (schedule.learningRate).";

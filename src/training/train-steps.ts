// Short training in memory, without folder or checkpoint, for small networks that measure something.
import type { Engine, HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { averagesOf } from "./averages.js";
import { initialState, type State } from "./initial-state.js";
import { scalarInputs } from "./loop.js";
import type { OptimizerConfig } from "./optimizer.js";
import type { ScheduleConfig } from "./schedule.js";
import type { StepProgram } from "./step-program.js";
import { makeStepper } from "./stepper.js";

export interface TrainStepsOptions {
  readonly seed: number;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  /** Inputs of step n, counted from 0. */
  readonly batch: (step: number) => HostTensors;
  readonly signal?: AbortSignal;
  readonly onStep?: (done: number, of: number) => void;
}

/**
 * Trains a step program from initial weights to the end of its schedule.
 * @returns moving averages of the weights, and the loss of every step
 * @throws NishikiError "aborted", "training" if the loss is not finite, "device", "memory"
 */
export async function trainSteps(
  engine: Engine,
  program: StepProgram,
  { seed, optimizer, schedule, batch, signal, onStep }: TrainStepsOptions,
): Promise<{ averages: State; losses: readonly number[] }> {
  const stepper = await makeStepper(engine, program, initialState(program, seed), {
    objective: () => {
      throw new NishikiError("internal", "Training in memory uses one worker.");
    },
    batchSize: 1,
    optimizer,
    frozen: undefined,
    workers: 1,
  });
  try {
    const losses: number[] = [];
    for (let step = 0; step < schedule.steps; step++) {
      if (signal?.aborted) throw new NishikiError("aborted", `Stopped after ${step} steps of training.`);
      const { loss } = await stepper.step(batch(step), scalarInputs(step, { schedule, optimizer }));
      if (!Number.isFinite(loss)) {
        throw new NishikiError(
          "training",
          `Step ${step + 1} gave a loss of ${loss}. Lower the learning rate.`,
        );
      }
      losses.push(loss as number);
      onStep?.(step + 1, schedule.steps);
    }
    return { averages: averagesOf(await stepper.readState()), losses };
  } finally {
    await stepper.close();
  }
}

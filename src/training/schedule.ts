// Schedules of the learning rate and of the moving average's decay.

import { explain, numberBetween, positiveNumber, wholeNumber, z } from "../schema/index.js";

export const scheduleSchema = z
  .strictObject({
    steps: explain(wholeNumber(1, 1e9), "total number of steps; to prolong a run, raise it and use --resume"),
    learningRate: explain(positiveNumber(1e12).default(3e-3), "learning rate between warm-up and decay"),
    warmupSteps: explain(wholeNumber(0, 1e9).default(40), "steps of linear warm-up at the start"),
    decaySteps: explain(
      wholeNumber(0, 1e9).optional(),
      "steps of linear decay to zero at the end",
      "a quarter of the steps",
    ),
    emaDecay: explain(
      numberBetween(0, 0.9999999).default(0.995),
      "decay of the exponential moving average (EMA) of the weights, which samples use",
    ),
    // Each update passes over all weights.
    emaInterval: explain(wholeNumber(1, 1000).default(10), "steps between updates of the EMA"),
  })
  .meta({
    renamed: { warmup: "warmupSteps", decay: "decaySteps", average: "emaDecay", averageEvery: "emaInterval" },
  })
  .transform((schedule) => ({
    ...schedule,
    decaySteps: schedule.decaySteps ?? Math.round(schedule.steps / 4),
  }))
  .superRefine(({ steps, warmupSteps, decaySteps }, context) => {
    if (warmupSteps + decaySteps <= steps) return;
    const message = `expected warm-up and decay within the ${steps} steps, got ${warmupSteps} and ${decaySteps}. Raise steps, or lower warmupSteps or decaySteps.`;
    context.addIssue({ code: "custom", message });
  });

type CompleteSchedule = z.infer<typeof scheduleSchema>;

/** Length and learning rate of a run. */
export type ScheduleConfig = Omit<CompleteSchedule, "emaInterval"> &
  Partial<Pick<CompleteSchedule, "emaInterval">>;

/** Warm-up, plateau, linear decay. Thanks to the plateau, a run can be prolonged without planning its end. */
export function learningRateAt(
  step: number,
  { steps, learningRate, warmupSteps, decaySteps }: ScheduleConfig,
): number {
  const up = warmupSteps > 0 ? Math.min(1, (step + 1) / warmupSteps) : 1;
  const down = decaySteps > 0 ? Math.min(1, (steps - step) / decaySteps) : 1;
  return learningRate * Math.min(up, down);
}

/**
 * Decay of the moving average at a step: averages over about the last tenth of the steps, until it reaches
 * `emaDecay`. If the average is updated every few steps, the decays since the last update are multiplied, and
 * the decay is 1 (no change) in between. The first steps all count, so that short runs have an average too.
 * It does not depend on the length of the run, so that prolonged runs continue as if planned.
 */
export function averageDecayAt(step: number, { emaDecay, emaInterval = 1 }: ScheduleConfig): number {
  const early = step < 10 * emaInterval;
  if (!early && (step + 1) % emaInterval !== 0) return 1;
  let decay = 1;
  for (let each = early ? step : step - emaInterval + 1; each <= step; each++) {
    decay *= Math.min(emaDecay, (each + 1) / (each + 10));
  }
  return decay;
}

// How the learning rate and the moving average change over a run.

export interface ScheduleConfig {
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  readonly learningRate: number;
  /** Steps of linear growth at the start, and of linear decay to zero at the end. */
  readonly warmup: number;
  readonly decay: number;
  /** Decay of the moving average; shorter averages are used early on. */
  readonly average: number;
  /** Steps from one update of the moving average to the next: its passes over all weights are not free. Default 1. */
  readonly averageEvery?: number;
}

/** Warm-up, a plateau, linear decay. The plateau lets a run be prolonged without having planned its end. */
export function learningRateAt(step: number, { steps, learningRate, warmup, decay }: ScheduleConfig): number {
  const up = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  const down = decay > 0 ? Math.min(1, (steps - step) / decay) : 1;
  return learningRate * Math.min(up, down);
}

/**
 * Decay of the moving average at a step: an average over the last tenth of the steps, until `average` is reached. Where the
 * average is updated every few steps, the decays since the last update count together, and it is 1 (nothing moves) in
 * between. The first steps all count, so that short runs have an average too. The number of steps does not: a run that is
 * prolonged must go on as if that had been planned.
 */
export function averageDecayAt(step: number, { average, averageEvery = 1 }: ScheduleConfig): number {
  const early = step < 10 * averageEvery;
  if (!early && (step + 1) % averageEvery !== 0) return 1;
  let decay = 1;
  for (let each = early ? step : step - averageEvery + 1; each <= step; each++) {
    decay *= Math.min(average, (each + 1) / (each + 10));
  }
  return decay;
}

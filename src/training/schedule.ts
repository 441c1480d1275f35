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
}

/** Warm-up, a plateau, linear decay. The plateau lets a run be prolonged without having planned its end. */
export function learningRateAt(step: number, { steps, learningRate, warmup, decay }: ScheduleConfig): number {
  const up = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  const down = decay > 0 ? Math.min(1, (steps - step) / decay) : 1;
  return learningRate * Math.min(up, down);
}

/** Decay of the moving average at a step: an average over the last tenth of the steps, until `average` is reached. */
export function averageDecayAt(step: number, { average }: ScheduleConfig): number {
  return Math.min(average, (step + 1) / (step + 10));
}

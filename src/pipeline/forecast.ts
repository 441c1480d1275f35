// Estimates the remaining time from measured times.

/** Remaining work: a number of steps of a stage; a transform counts as one step. */
export interface Work {
  /** The stage's name. */
  readonly stage: string;
  readonly count: number;
}

/** Measures the steps of each stage and extrapolates from their means. Times are in seconds. */
export class Forecast {
  readonly #now: () => number;
  #last: number;
  readonly #laps = new Map<string, { sum: number; count: number }>();
  #latest: string | undefined;

  /** @param now A monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** Records the end of a step, or of a transform. */
  lap(stage: string): void {
    const time = this.#now();
    const lap = this.#laps.get(stage) ?? { sum: 0, count: 0 };
    lap.sum += (time - this.#last) / 1000;
    lap.count += 1;
    this.#laps.set(stage, lap);
    this.#latest = stage;
    this.#last = time;
  }

  /** Restarts the clock: time that the caller spends between events does not count. */
  resume(): void {
    this.#last = this.#now();
  }

  /** Estimated time for this work. A stage without measurements is assumed to be as fast as the last one measured. */
  secondsLeft(work: readonly Work[]): number {
    const mean = (stage: string | undefined) => {
      const lap = this.#laps.get(stage ?? "");
      return lap && lap.sum / lap.count;
    };
    const fallback = mean(this.#latest) ?? 0;
    return work.reduce((sum, { stage, count }) => sum + count * (mean(stage) ?? fallback), 0);
  }
}

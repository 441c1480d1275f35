// How long it will take, from how long it took.

/** Work that is still to do: so many steps of a stage, or a stage that is one piece. */
export interface Work {
  /** The stage's name. */
  readonly stage: string;
  readonly count: number;
}

/** Measures steps of stages, and forecasts from their means. Times are in seconds. */
export class Forecast {
  readonly #now: () => number;
  #last: number;
  readonly #laps = new Map<string, { sum: number; count: number }>();
  #latest: string | undefined;

  /** @param now A clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** A step of a stage ended, or a stage that is one piece. */
  lap(stage: string): void {
    const time = this.#now();
    const lap = this.#laps.get(stage) ?? { sum: 0, count: 0 };
    lap.sum += (time - this.#last) / 1000;
    lap.count += 1;
    this.#laps.set(stage, lap);
    this.#latest = stage;
    this.#last = time;
  }

  /** Time that the caller spent between events is not the pipeline's. */
  resume(): void {
    this.#last = this.#now();
  }

  /** Until all of this is done. What was not measured yet counts as a step of what was measured last. */
  secondsLeft(work: readonly Work[]): number {
    const mean = (stage: string | undefined) => {
      const lap = this.#laps.get(stage ?? "");
      return lap && lap.sum / lap.count;
    };
    const fallback = mean(this.#latest) ?? 0;
    return work.reduce((sum, { stage, count }) => sum + count * (mean(stage) ?? fallback), 0);
  }
}

// Smooths a run's speed and loss from its step reports.
import type { StepReport } from "./loop.js";

/** Half-life in steps. */
const half = 15;

/** Tracks a run's pace. */
export class Pace {
  readonly #batchSize: number;
  readonly #keep = 0.5 ** (1 / half);
  #loss = 0;
  #seconds = 0;
  #weight = 0;
  #left = 0;

  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  add({ metrics, seconds, step, steps }: StepReport): void {
    this.#loss = this.#loss * this.#keep + (metrics.loss ?? 0);
    this.#seconds = this.#seconds * this.#keep + seconds;
    this.#weight = this.#weight * this.#keep + 1;
    this.#left = steps - step;
  }

  /** Smoothed loss. */
  get loss(): number {
    return this.#loss / this.#weight;
  }

  get samplesPerSecond(): number {
    return (this.#batchSize * this.#weight) / this.#seconds;
  }

  get secondsLeft(): number {
    return (this.#left * this.#seconds) / this.#weight;
  }
}

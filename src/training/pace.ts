// How fast a run is going and where its loss lies, out of the reports of its steps.
import type { StepReport } from "./loop.js";

/** Steps over which the last ones count half. */
const half = 15;

/** Follows a run. */
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

  /** Mean of the last steps. */
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

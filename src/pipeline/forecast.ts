// How long it will take, from how long it took.

/** Measures steps and what follows them, and forecasts from their means. Times are in seconds. */
export class Forecast {
  private readonly now: () => number;
  private last: number;
  private readonly steps = { sum: 0, count: 0 };
  private readonly ends = { sum: 0, count: 0 };

  /** @param now A clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.last = now();
  }

  private lap(into: { sum: number; count: number }): void {
    const time = this.now();
    into.sum += (time - this.last) / 1000;
    into.count += 1;
    this.last = time;
  }

  /** A step ended. */
  step(): void {
    this.lap(this.steps);
  }

  /** A picture was decoded after its last step. */
  picture(): void {
    this.lap(this.ends);
  }

  /** Time that the caller spent between events is not the pipeline's. */
  resume(): void {
    this.last = this.now();
  }

  /** Until `steps` more steps and `pictures` more decodings are done. A decoding not yet seen counts as one step. */
  secondsLeft(steps: number, pictures: number): number {
    const stepSeconds = this.steps.count === 0 ? 0 : this.steps.sum / this.steps.count;
    const endSeconds = this.ends.count === 0 ? stepSeconds : this.ends.sum / this.ends.count;
    return steps * stepSeconds + pictures * endSeconds;
  }
}

// How far a drawing job is, from a pipeline's events.
import type { DecodeEvent, ProgressEvent, StepEvent } from "../../pipeline/index.js";
import type { Progress } from "../api/index.js";
import type { WorkEvent } from "../parts.js";

type State = Omit<Progress, "preview">;

export class WorkProgress {
  readonly #report: (event: WorkEvent) => void;
  readonly #started = performance.now();
  /** The share of the job that was done before. */
  readonly #before: number;
  #first: number;
  #state: State;

  /** @param first Index of the first image; those before it are finished. */
  constructor(count: number, report: (event: WorkEvent) => void, first = 0) {
    this.#report = report;
    this.#first = first;
    this.#before = first / count;
    const fraction = this.#before;
    this.#state = { stage: "load", index: first, count, step: 0, steps: 0, fraction, secondsLeft: null };
  }

  /** The next events count their images from this one. */
  startAt(index: number): void {
    this.#first = index;
  }

  /** Reports a change. */
  take(event: ProgressEvent | StepEvent | DecodeEvent): void {
    if (event.kind === "step") this.#state = this.#atStep(event);
    else if (event.kind === "decode")
      this.#state = { ...this.#state, stage: event.stage, index: this.#first + event.index };
    // Networks also load between steps; a bar that jumps back then would be wrong.
    else this.#state = { ...this.#state, stage: event.kind, steps: 0, step: 0 };
    this.#report({ kind: "progress", progress: this.#state });
  }

  /** Reports the preview of the step before. @param partial Its number among those in full size. */
  show(preview: Uint8Array, partial?: number): void {
    const progress = partial === undefined ? this.#state : { ...this.#state, partial };
    this.#report({ kind: "progress", progress, preview });
  }

  #atStep({ stage, index, step, steps, totalSecondsLeft }: StepEvent): State {
    const spent = (performance.now() - this.#started) / 1000;
    const share = this.#before + (1 - this.#before) * (spent / (spent + totalSecondsLeft));
    return {
      ...this.#state,
      stage,
      index: this.#first + index,
      step,
      steps,
      fraction: Math.max(this.#state.fraction, Math.min(share, 1)),
      secondsLeft: totalSecondsLeft,
    };
  }
}

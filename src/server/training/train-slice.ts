// One slice of a training, in the drawing process: from the last checkpoint until the training ends or its turn does.

import { makeEngine } from "../../engine/node.js";
import { NishikiError } from "../../errors.js";
import { encodeWebp, readImage } from "../../image/node.js";
import { exportLora, makeFineTuningConfig, Pace, type StepReport, train } from "../../training/index.js";
import type { Progress } from "../api/index.js";
import type { WorkEvent } from "../parts.js";
import type { TrainAnswer, TrainTask } from "./tasks.js";

/** Longer side of a preview of samples in pixels. */
const previewSide = 1024;
/** A training shows samples about this often, and at its end. */
const sampleSheets = 4;

export interface SliceOptions {
  /** Ends the slice after the current step. */
  readonly signal: AbortSignal;
  readonly report: (event: WorkEvent) => void;
}

/** @throws NishikiError what `train` throws; a slice that the signal ended returns */
export async function trainSlice(task: TrainTask, { signal, report }: SliceOptions): Promise<TrainAnswer> {
  const { images, run, prior: priorFolder, lora, steps, model, rank, learningRate, samplePrompt } = task;
  const config = makeFineTuningConfig({
    ...{ images, run, method: "lora", steps, model, rank, learningRate, priorFolder },
    prompts: [samplePrompt],
    sampleInterval: Math.max(50, Math.ceil(steps / sampleSheets)),
    checkpointInterval: 25,
  });
  const progress = new TrainingProgress(config.batchSize, steps, report);
  const engine = makeEngine({ device: "cpu" });
  let step = 0;
  let finished = false;
  try {
    ({ step, finished } = await train(config, {
      engine,
      signal,
      resume: true,
      onStart: (start) => progress.start(start.step),
      onStep: (one) => progress.take(one),
      onSample: ({ sheet }) => void progress.show(sheet),
      onNotice: (message) => progress.notice(message),
    }));
  } catch (error) {
    const isStop = signal.aborted && error instanceof NishikiError && error.code === "aborted";
    if (!isStop) throw error;
  } finally {
    await engine.close();
  }
  const hasLora = await exportLora(config, lora);
  await progress.settled;
  return { finished, step, loss: progress.loss, hasLora };
}

class TrainingProgress {
  readonly #report: (event: WorkEvent) => void;
  readonly #pace: Pace;
  #state: Omit<Progress, "preview">;
  /** Resolves when all previews are sent. */
  settled: Promise<void> = Promise.resolve();
  #hasLoss = false;

  constructor(batchSize: number, steps: number, report: (event: WorkEvent) => void) {
    this.#report = report;
    this.#pace = new Pace(batchSize);
    this.#state = { stage: "prepare", index: 0, count: 1, step: 0, steps, fraction: 0, secondsLeft: null };
    this.#send();
  }

  get loss(): number | null {
    return this.#hasLoss ? this.#pace.loss : null;
  }

  start(step: number): void {
    this.#state = { ...this.#state, step, fraction: step / this.#state.steps };
    this.#send();
  }

  take(one: StepReport): void {
    this.#pace.add(one);
    this.#hasLoss = true;
    this.#state = {
      ...this.#state,
      stage: "train",
      step: one.step,
      fraction: one.step / one.steps,
      secondsLeft: this.#pace.secondsLeft,
      values: { loss: this.#pace.loss, learningRate: one.learningRate },
    };
    this.#send();
  }

  /** Shows a sheet of samples. */
  show(sheet: string): Promise<void> {
    this.settled = this.settled.then(async () => {
      try {
        const preview = await encodeWebp(await readImage(sheet), { side: previewSide });
        this.#report({ kind: "progress", progress: this.#state, preview });
      } catch {
        // A sheet that cannot be shown is still in its file.
      }
    });
    return this.settled;
  }

  /** Texts that end in "…" tell what begins; others are warnings. */
  notice(message: string): void {
    if (!message.endsWith("…")) {
      this.#report({ kind: "warning", message });
      return;
    }
    this.#state = { ...this.#state, stage: "prepare", secondsLeft: null };
    this.#send();
  }

  #send(): void {
    this.#report({ kind: "progress", progress: this.#state });
  }
}

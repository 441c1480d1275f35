// Reports a training run: a progress line on a terminal, plain lines elsewhere, or JSON on request.
import {
  Pace,
  type SampleReport,
  type StartReport,
  type StepReport,
  type TrainingConfig,
} from "../training/index.js";
import { formatSeconds, type Progress } from "./progress.js";
import { print } from "./terminal.js";

/** Does not wait: failing output stops the run through its signal. */
const printLater = (text: string) => void print(text).catch(() => {});

/** Seconds between lines without a terminal. */
const lineEvery = 15;

/** Follows one run. */
export class TrainingReporter {
  readonly #config: TrainingConfig;
  readonly #progress: Progress;
  readonly #json: boolean;
  readonly #pace: Pace;
  #lastLine = performance.now();

  constructor(config: TrainingConfig, progress: Progress, json: boolean) {
    this.#config = config;
    this.#progress = progress;
    this.#json = json;
    this.#pace = new Pace(config.batchSize);
  }

  get listeners() {
    return {
      onStart: (report: StartReport) => this.#start(report),
      onStep: (report: StepReport) => this.#step(report),
      onSample: (report: SampleReport) => this.#sample(report),
      onNotice: (message: string) => this.#notice(message),
    };
  }

  /** @param output The result's path, if it is not the run's folder. */
  end({ step, finished }: { step: number; finished: boolean }, output?: string): void {
    const { folder } = this.#config;
    const written = output === undefined ? {} : { output };
    if (this.#json) this.#print({ event: "end", step, finished, folder, ...written });
    else if (finished) printLater(`${output ?? folder}\n`);
  }

  #print(event: Readonly<Record<string, unknown>>): void {
    printLater(`${JSON.stringify(event)}\n`);
  }

  #start({ step, steps, parameters }: StartReport): void {
    const { kind, folder } = this.#config;
    if (this.#json) this.#print({ event: "start", kind, folder, step, steps, parameters });
    const from = step > 0 ? `goes on from step ${step}` : "begins";
    const size =
      parameters < 1e6
        ? `${(parameters / 1e3).toFixed(0)} thousand`
        : `${(parameters / 1e6).toFixed(1)} million`;
    this.#progress.say(`The ${kind} (${size} parameters) ${from} in ${folder}.`);
  }

  #step(report: StepReport): void {
    const { step, steps, metrics, learningRate, seconds, samples } = report;
    this.#pace.add(report);
    if (this.#json) this.#print({ event: "step", step, ...metrics, learningRate, seconds, samples });
    const { loss, samplesPerSecond, secondsLeft } = this.#pace;
    const label = `Loss ${loss.toPrecision(4)}, ${samplesPerSecond.toPrecision(3)} pictures/s`;
    this.#progress.show(label, step, steps, secondsLeft);
    if (process.stderr.isTTY || performance.now() - this.#lastLine < lineEvery * 1000) return;
    this.#lastLine = performance.now();
    this.#progress.say(`Step ${step} of ${steps}: ${label}, ${formatSeconds(secondsLeft)} left`);
  }

  #sample({ step, sheet, plot, measured }: SampleReport): void {
    if (this.#json) this.#print({ event: "sample", step, sheet, plot, ...measured });
    const numbers = Object.entries(measured).map(([name, value]) => `, ${name} ${value.toPrecision(4)}`);
    this.#progress.say(`Step ${step}: loss ${this.#pace.loss.toPrecision(4)}${numbers.join("")}, ${sheet}`);
  }

  #notice(message: string): void {
    if (this.#json) this.#print({ event: "notice", message });
    this.#progress.say(message);
  }
}

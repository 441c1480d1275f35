// What `nishiki train` does. Apart from its command, because the libraries of training are loaded only when it is asked for.
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { completeMachine, machineFields } from "../pipeline/index.js";
import {
  describeTrainingConfig,
  exampleConfig,
  loadTrainingConfig,
  type TrainingConfig,
  train,
} from "../training/index.js";
import { makeProgress } from "./progress.js";
import { pickSettings } from "./setting-options.js";
import { listenForStop } from "./stop.js";
import { TrainingReporter } from "./training-reporter.js";

export interface TrainCommandOptions extends Readonly<Record<string, unknown>> {
  readonly resume?: boolean;
  readonly steps?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** An example and all fields, for the command's help. */
export function trainingHelp(): string {
  return `
The config is a JSON file, for example:

${JSON.stringify(exampleConfig, null, 2)}

${describeTrainingConfig()}

The run's folder then holds: checkpoint.safetensors (from which --resume goes on), metrics.jsonl, config.json, loss.png
and samples.png. Ctrl-C finishes the step and saves; a second Ctrl-C ends at once, and --resume then goes on from the
last checkpoint. Only the schedule may be changed between the two.
`;
}

/** @throws NishikiError what `train` throws, and "aborted" with the command that goes on. */
export async function runTrainCommand(path: string, options: TrainCommandOptions): Promise<void> {
  const config = await loadTrainingConfig(path, { steps: options.steps });
  const { device, threads } = completeMachine(pickSettings(options, machineFields));
  const progress = makeProgress(options.quiet ?? false);
  const reporter = new TrainingReporter(config, progress, options.json ?? false);
  const stop = listenForStop();
  stop.signal.addEventListener("abort", () => progress.say("Stopping after this step …"), { once: true });
  const engine = makeEngine({ device, threads });
  try {
    const { signal } = stop;
    const result = await train(config, { engine, resume: options.resume, signal, ...reporter.listeners });
    progress.clear();
    reporter.end(result);
    if (!result.finished) throw stopped(path, config, result.step);
  } finally {
    progress.clear();
    stop.release();
    await engine.close();
  }
}

function stopped(path: string, { folder, schedule: { steps } }: TrainingConfig, step: number): NishikiError {
  const cure = `nishiki train ${path} --resume`;
  return new NishikiError(
    "aborted",
    `Stopped after step ${step} of ${steps}, which is kept in ${folder}. Go on with: ${cure}`,
  );
}

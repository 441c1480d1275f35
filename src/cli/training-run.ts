// Runs `nishiki train`. Separate from the command's declaration, so that training code loads only when needed.
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { completeLoadOptions, loadOptionsSchema } from "../pipeline/index.js";
import {
  describeTrainingConfig,
  exampleConfig,
  loadTrainingConfig,
  type TrainingConfig,
  train,
} from "../training/index.js";
import { makeProgress, type Progress } from "./progress.js";
import { pickSettings } from "./setting-options.js";
import { formatCommand } from "./shell.js";
import { listenForStop } from "./stop.js";
import { TrainingReporter } from "./training-reporter.js";

export interface FollowOptions extends Readonly<Record<string, unknown>> {
  readonly resume?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export interface TrainCommandOptions extends FollowOptions {
  readonly steps?: number;
}

/** An example and all fields, for the command's help. */
export function trainingHelp(): string {
  return `
The config is a JSON file. Example:

${JSON.stringify(exampleConfig, null, 2)}

${describeTrainingConfig()}

The run folder receives checkpoint.safetensors (from which --resume continues), metrics.jsonl, config.json, loss.png and
samples.png. Ctrl-C finishes the current step and saves a checkpoint. A second Ctrl-C ends at once; --resume then
continues from the last checkpoint. Only the schedule may change between runs.
`;
}

/**
 * @param respelled The command that does now what options of earlier versions did here.
 * @throws NishikiError what `train` throws, and "aborted" with the command that continues.
 */
export async function runTrainCommand(
  path: string | undefined,
  options: TrainCommandOptions,
  respelled?: string,
): Promise<void> {
  if (respelled !== undefined)
    throw new NishikiError("usage", `That is a command of its own now. Use: ${respelled}`);
  if (path === undefined)
    throw new NishikiError(
      "usage",
      "Expected a config, such as configs/denoiser.json; see nishiki train --help. To train on images of your own: nishiki finetune FOLDER --output mine.safetensors",
    );
  const { steps } = options;
  const config = await loadTrainingConfig(path, { steps });
  const command = formatCommand("train", path, ...(steps === undefined ? [] : ["--steps", steps]));
  await followTraining(config, options, command);
}

/**
 * Trains with progress on the terminal, until the end or Ctrl-C.
 * @param command Continues the run with --resume.
 * @param deliver Called at the end of the run, before its result is printed. Gives what to print in place of the run's folder.
 */
export async function followTraining(
  config: TrainingConfig,
  options: FollowOptions,
  command: string,
  deliver?: (progress: Progress) => Promise<string>,
): Promise<void> {
  const { device, threads } = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const progress = makeProgress(options.quiet ?? false);
  const reporter = new TrainingReporter(config, progress, options.json ?? false);
  const stop = listenForStop();
  stop.signal.addEventListener("abort", () => progress.say("Stopping …"), { once: true });
  const engine = makeEngine({ device, threads });
  try {
    const { signal } = stop;
    const result = await train(config, { engine, resume: options.resume, signal, ...reporter.listeners });
    progress.clear();
    if (!result.finished) throw stopped(command, config, result.step);
    const output = await deliver?.(progress);
    reporter.end(result, output);
  } finally {
    progress.clear();
    stop.release();
    await engine.close();
  }
}

function stopped(command: string, { folder, schedule }: TrainingConfig, step: number): NishikiError {
  const where =
    step === 0
      ? "Stopped before the first step"
      : `Stopped after step ${step} of ${schedule.steps}, which is kept in ${folder}`;
  return new NishikiError("aborted", `${where}. Continue with: ${command} --resume`);
}

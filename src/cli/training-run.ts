// What `nishiki train` does. Apart from its command, because the libraries of training are loaded only when it is asked for.
import type { Engine } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { completeLoadOptions, loadOptionsSchema } from "../pipeline/index.js";
import {
  describeTrainingConfig,
  exampleConfig,
  exportRun,
  loadTrainingConfig,
  streamBatches,
  type TrainingConfig,
  train,
} from "../training/index.js";
import { describeFineTuning, type FineTuningOptions } from "./fine-tuning.js";
import { makeProgress } from "./progress.js";
import { pickSettings } from "./setting-options.js";
import { listenForStop } from "./stop.js";
import { print, printPath } from "./terminal.js";
import { TrainingReporter } from "./training-reporter.js";

export interface TrainCommandOptions extends FineTuningOptions, Readonly<Record<string, unknown>> {
  readonly resume?: boolean;
  readonly export?: string;
  readonly batches?: number;
  readonly stream?: number;
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
export async function runTrainCommand(path: string | undefined, options: TrainCommandOptions): Promise<void> {
  const own = describeFineTuning(path, options);
  const config = own?.config ?? (await loadTrainingConfig(path!, { steps: options.steps }));
  const { device, threads } = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  checkExport(options);
  if (options.export !== undefined || options.stream !== undefined) {
    const engine = makeEngine({ device, threads });
    try {
      await (options.stream === undefined
        ? writeExport(config, engine, options)
        : stream(config, engine, options));
    } finally {
      await engine.close();
    }
    return;
  }
  const progress = makeProgress(options.quiet ?? false);
  const reporter = new TrainingReporter(config, progress, options.json ?? false);
  const stop = listenForStop();
  stop.signal.addEventListener("abort", () => progress.say("Stopping after this step …"), { once: true });
  const engine = makeEngine({ device, threads });
  try {
    const { signal } = stop;
    const result = await train(config, { engine, resume: options.resume, signal, ...reporter.listeners });
    progress.clear();
    if (!result.finished) throw stopped(own?.command ?? `nishiki train ${path}`, config, result.step);
    if (own) await own.deliver();
    reporter.end(result);
  } finally {
    progress.clear();
    stop.release();
    await engine.close();
  }
}

function checkExport({ export: output, stream, batches }: TrainCommandOptions): void {
  if (output !== undefined && stream !== undefined)
    throw new NishikiError("usage", "--export and --stream: expected one of them, got both.");
  if (batches !== undefined && output === undefined)
    throw new NishikiError("usage", "--batches: expected --export to go with it, got none.");
}

/** Writes what another machine needs for the run. */
async function writeExport(
  config: TrainingConfig,
  engine: Engine,
  { export: output, batches, resume, quiet, json }: TrainCommandOptions,
): Promise<void> {
  const progress = makeProgress(quiet ?? false);
  const stop = listenForStop();
  try {
    const written = await exportRun(config, {
      engine,
      output: output!,
      signal: stop.signal,
      ...(batches !== undefined && { batches }),
      ...(resume !== undefined && { resume }),
      onNotice: (message) => progress.say(message),
      onBatch: (done, of) => progress.show("Writing batches", done, of),
    });
    progress.clear();
    const { step, steps, parameters, nodes } = written;
    const size = `${(parameters / 1e6).toFixed(1)} million parameters, ${nodes} operations`;
    progress.say(`The step (${size}), from step ${step} of ${steps}, with ${written.batches} batches.`);
    await (json ? print(`${JSON.stringify(written)}\n`) : printPath(written.output));
  } finally {
    progress.clear();
    stop.release();
  }
}

/** Batches on standard output, for as long as somebody reads them. */
async function stream(
  config: TrainingConfig,
  engine: Engine,
  { stream: from }: TrainCommandOptions,
): Promise<void> {
  const progress = makeProgress(false);
  const stop = listenForStop();
  // A reader that stops reading must not keep a stopped process waiting.
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const write = (bytes: Uint8Array) => {
    const written = new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    return Promise.race([written, stopped]);
  };
  try {
    const onNotice = (message: string) => progress.say(message);
    await streamBatches(config, { engine, from: from!, signal: stop.signal, write, onNotice });
  } finally {
    stop.release();
  }
}

function stopped(
  command: string,
  { folder, schedule: { steps } }: TrainingConfig,
  step: number,
): NishikiError {
  const cure = `${command} --resume`;
  return new NishikiError(
    "aborted",
    `Stopped after step ${step} of ${steps}, which is kept in ${folder}. Go on with: ${cure}`,
  );
}

// Runs a training config: opens the data, trains, writes samples and plots.
import { join } from "node:path";
import { digestWeights, writeFileAtomic } from "../checkpoint/node.js";
import type { Engine } from "../engine/index.js";
import { makeAutoencoderTask } from "./autoencoder-run.js";
import { refuseBegun } from "./checkpoint.js";
import { makeClassifierTask } from "./classifier-run.js";
import type { AutoencoderTrainingConfig, TrainingConfig } from "./config.js";
import { makeDenoiserTask } from "./denoiser-run.js";
import { makeDistillationTask } from "./distillation-run.js";
import { makeFineTuningTask } from "./fine-tuning-run.js";
import { type Settings, writeFingerprint } from "./fingerprint.js";
import { openAutoencoder } from "./frozen.js";
import { type ImageSource, openImages } from "./images.js";
import { runTraining, type StartReport, type StepReport, type TrainingTask } from "./loop.js";
import { writeLossPlot } from "./loss-plot.js";
import { makeSuperResolutionTask } from "./super-resolution-run.js";

export interface TrainOptions {
  readonly engine: Engine;
  /**
   * Continues from the folder's checkpoint, if any. Without this option, a folder with a checkpoint is
   * refused.
   */
  readonly resume?: boolean;
  /** Ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  onStart?(report: StartReport): void;
  onStep?(report: StepReport): void;
  /** Called after sample images are written, with the numbers measured on them. */
  onSample?(report: SampleReport): void;
  /** Receives warnings, such as a broken image. */
  onNotice?(message: string): void;
}

export interface SampleReport {
  readonly step: number;
  /** File with the sample images. */
  readonly sheet: string;
  /** File with the loss curve. */
  readonly plot: string;
  /** Numbers measured on the samples, such as `psnr` in dB. */
  readonly measured: Readonly<Record<string, number>>;
}

export interface TrainResult {
  /** Steps done so far. */
  readonly step: number;
  /** Whether the run has done all steps of its schedule. */
  readonly finished: boolean;
}

/**
 * Trains the network of a config. Writes to the config's folder: `checkpoint.safetensors`, `metrics.jsonl`,
 * `config.json`, `loss.png`, `samples.png`, and for a denoiser `model/`, a model folder that can generate.
 * @throws NishikiError "training" (loss is not finite, checkpoint of another run), "file", "data",
 * "checkpoint", "device".
 */
export async function train(config: TrainingConfig, options: TrainOptions): Promise<TrainResult> {
  const { engine, resume = false, signal, onStep, onNotice } = options;
  const { folder } = config;
  if (!resume) await refuseBegun(folder); // before reading images, which may take minutes
  const { task, settings, initFrom = config.initFrom } = await openRun(config, options);
  const onSample = async (step: number, measured: Readonly<Record<string, number>>) => {
    await writeLossPlot(folder, `${config.kind}: loss`);
    const at = (name: string) => join(folder, name);
    options.onSample?.({ step, sheet: at("samples.png"), plot: at("loss.png"), measured });
  };
  const onStart = async (report: StartReport) => {
    await writeConfig(config);
    options.onStart?.(report);
  };
  try {
    const run = {
      ...config,
      ...(initFrom !== undefined && { initFrom }),
      resume,
      signal,
      onStart,
      onStep,
      onSample,
      onNotice,
    };
    const fingerprint = writeFingerprint(settings);
    const { step, finished } = await runTraining(engine, task, run, fingerprint);
    return { step, finished };
  } finally {
    await task.close?.();
  }
}

/** An opened run that has not started: its data, objective and initial weights. */
export interface OpenedRun extends OpenedTask {
  readonly source: ImageSource;
}

/**
 * Opens the data and networks of a config. Close the task when done.
 * @throws NishikiError "file", "data", "checkpoint", "usage"
 */
export async function openRun(config: TrainingConfig, options: TrainOptions): Promise<OpenedRun> {
  const source = await openImages(config.data, { signal: options.signal });
  for (const problem of source.problems) options.onNotice?.(`Skipped: ${problem}.`);
  return { ...(await openTask(config, source, options)), source };
}

interface OpenedTask {
  readonly task: TrainingTask;
  /**
   * Settings that must match to resume the run. The schedule is not among them: it may change.
   */
  readonly settings: Settings;
  /** Initial weights, if the config names none. */
  readonly initFrom?: string;
}

async function openTask(
  config: TrainingConfig,
  source: ImageSource,
  { engine, resume, signal, onNotice }: TrainOptions,
): Promise<OpenedTask> {
  const context = { resume, signal, onNotice: (text: string) => onNotice?.(text) };
  const { kind, seed, batchSize, optimizer } = config;
  const network = "network" in config ? config.network : undefined;
  const common = { kind, seed, batchSize, optimizer, network, data: source.settings };
  switch (config.kind) {
    case "autoencoder":
      return openAutoencoderRun(engine, config, source, common);
    case "denoiser": {
      const { task, settings } = await makeDenoiserTask(engine, config, source, context);
      return { task, settings: { ...common, ...settings } };
    }
    case "distillation": {
      const { task, settings, initFrom } = await makeDistillationTask(engine, config, source, context);
      return { task, settings: { ...common, ...settings }, initFrom };
    }
    case "fine-tuning": {
      const { task, settings, initFrom } = await makeFineTuningTask(engine, config, source, context);
      return { task, settings: { ...common, ...settings }, ...(initFrom !== undefined && { initFrom }) };
    }
    case "classifier": {
      const { autoencoderRoundTrips, latentNoise, autoencoder } = config;
      const settings = { autoencoderRoundTrips, latentNoise, ...(await describeAutoencoder(autoencoder)) };
      return { task: await makeClassifierTask(engine, config, source), settings: { ...common, ...settings } };
    }
    case "super-resolution": {
      const { crop, cropsPerImage, augmentation, autoencoderRoundTrips, autoencoder } = config;
      const frozen = await describeAutoencoder(autoencoder);
      const settings = { crop, cropsPerImage, augmentation, autoencoderRoundTrips, ...frozen };
      const task = await makeSuperResolutionTask(engine, config, source);
      return { task, settings: { ...common, ...settings } };
    }
  }
}

async function openAutoencoderRun(
  engine: Engine,
  config: AutoencoderTrainingConfig,
  source: ImageSource,
  common: Settings,
): Promise<OpenedTask> {
  const { task, settings } = await makeAutoencoderTask(engine, config, source);
  return { task, settings: { ...common, ...settings } };
}

/**
 * A frozen autoencoder in a run's fingerprint: its sizes and a digest of its weights.
 */
async function describeAutoencoder(
  autoencoder: { readonly weights: string; readonly network: object } | undefined,
): Promise<Settings> {
  if (!autoencoder) return {};
  const digest = await digestWeights(await openAutoencoder(autoencoder.weights));
  return { autoencoder: autoencoder.network, frozen: { autoencoder: digest } };
}

/** Saves the config in the run's folder. */
async function writeConfig(config: TrainingConfig): Promise<void> {
  await writeFileAtomic(join(config.folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

// Trains the denoiser on encoded images from shards. Samples draw fixed prompts.
import { join } from "node:path";
import { describeMix } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import type { KnownWords } from "../pipeline/index.js";
import { withAverages } from "./averages-file.js";
import type { DenoiserTrainingConfig } from "./config.js";
import { drawImages, layOut } from "./draw-prompts.js";
import type { Settings } from "./fingerprint.js";
import { openAutoencoder, textEncoder } from "./frozen.js";
import type { ImageSource } from "./images.js";
import type { State } from "./initial-state.js";
import { LatentShards } from "./latent-shards.js";
import type { TaskContext, TrainingTask } from "./loop.js";
import { exportModel } from "./model-export.js";
import { writeSheet } from "./sample-sheet.js";
import { denoiserBatch, denoiserObjective } from "./tasks/denoiser.js";
import type { LatentStatistics } from "./tasks/encoded-scenes.js";
import { addWords, knowWords } from "./words-export.js";

/** The task of a denoiser's run, with the settings of its fingerprint. */
export async function makeDenoiserTask(
  engine: Engine,
  config: DenoiserTrainingConfig,
  source: ImageSource,
  { signal, onNotice }: TaskContext,
): Promise<{ task: TrainingTask; settings: Settings }> {
  checkSizes(config, source);
  const {
    network,
    latents,
    autoencoder,
    batchSize,
    seed,
    maxTokens,
    captionDropout,
    timestepSampling,
    pairedNoise,
  } = config;
  const weights = await openAutoencoder(autoencoder.weights);
  const folder = latents.folder ?? join(config.folder, "latents");
  // More shards than the folder's images fill would only repeat images.
  const images = Math.min(latents.images, source.count);
  const shardSize = Math.min(latents.shardSize, images);
  const total = Math.ceil(images / shardSize);
  const shards = await LatentShards.open(engine, source, {
    folder,
    shardSize,
    seed,
    maxTokens,
    textWidth: network.textWidth,
    network: autoencoder.network,
    weights,
    signal,
    onShard: (index) => onNotice(`Encoding images ${index * shardSize + 1} to ${(index + 1) * shardSize} …`),
  });
  let known: Promise<KnownWords> | undefined;
  const words = () => {
    const { data } = config;
    if ("scenes" in data) known ??= knowWords(engine, data.scenes.mix, maxTokens);
    return known;
  };
  const shardsAt = (step: number) => shardCount(step, total, latents);
  const training = {
    maxTokens,
    captionDropout,
    timestepSampling,
    pairedNoise,
    places: "scenes" in config.data,
  };
  const task: TrainingTask = {
    objective: (batch) => denoiserObjective(network, batch, training),
    batch: async (step) => {
      const count = shardsAt(step);
      await shards.need(count);
      const available = count * shardSize;
      return denoiserBatch(shards.scenes, available, network, training, { batchSize, seed, step });
    },
    sample: async (averages, step) => {
      await shards.need(1);
      const model = await exportAverages(config, averages, shards.scenes.statistics!, source.size);
      const learned = await words();
      if (learned) await addWords(model, learned);
      if (config.prompts.length > 0) {
        const drawn = await drawImages({ model, engine, prompts: config.prompts, signal });
        await writeSheet(config.folder, step, await layOut(drawn));
      }
      return {};
    },
  };
  const { frozen } = shards;
  return {
    task,
    settings: {
      latents: { ...latents, folder: undefined },
      maxTokens,
      captionDropout,
      timestepSampling,
      ...(!pairedNoise && { pairedNoise }),
      frozen,
    },
  };
}

/** Settings for how many shards a step draws from. */
export interface ShardSchedule {
  readonly initialShards: number;
  /** 0: all shards from the start. */
  readonly stepsPerNewShard: number;
}

/** Number of shards that a step draws from. It grows, so that a run can start before all shards exist. */
export function shardCount(
  step: number,
  total: number,
  { initialShards, stepsPerNewShard }: ShardSchedule,
): number {
  return stepsPerNewShard === 0
    ? total
    : Math.min(total, initialShards + Math.floor(step / stepsPerNewShard));
}

/** @throws NishikiError "usage" if networks and images do not fit together */
function checkSizes({ network, autoencoder }: DenoiserTrainingConfig, { size }: ImageSource): void {
  const { fold, latentChannels } = autoencoder.network;
  const check = (name: string, expected: number, value: number) => {
    if (expected === value) return;
    throw new NishikiError(
      "usage",
      `network.${name}: expected ${expected} to fit the autoencoder, got ${value}.`,
    );
  };
  check("latentSize", size / fold / 2, network.latentSize);
  check("latentChannels", latentChannels, network.latentChannels);
  check("textWidth", textEncoder.config.width, network.textWidth);
}

/** Writes the current moving averages as the model folder `model/` in the run's folder. */
async function exportAverages(
  { data, folder, autoencoder, network, maxTokens, sampling, model }: DenoiserTrainingConfig,
  averages: State,
  statistics: LatentStatistics,
  pictureSize: number,
): Promise<string> {
  const output = join(folder, "model");
  await withAverages(folder, averages, (run) =>
    exportModel({
      ...model,
      autoencoder: { run: autoencoder.weights, network: autoencoder.network },
      denoiser: { run, network },
      textEncoder: textEncoder.folder,
      statistics,
      maxTokens,
      pictureSize,
      defaults: sampling,
      ...("scenes" in data && { scenes: describeMix(data.scenes.mix) }),
      output,
    }),
  );
  return output;
}

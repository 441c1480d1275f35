// Training the denoiser on encoded images: batches out of shards, and fixed prompts drawn to look at.
import { join } from "node:path";
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

/** The task of a denoiser's run, and what its latents depend on. */
export async function makeDenoiserTask(
  engine: Engine,
  config: DenoiserTrainingConfig,
  source: ImageSource,
  { signal, onNotice }: TaskContext,
): Promise<{ task: TrainingTask; settings: Settings }> {
  checkSizes(config, source);
  const { network, latents, autoencoder, batchSize, seed, maxTokens, captionDropout, timestepSampling } =
    config;
  const weights = await openAutoencoder(autoencoder.weights);
  const folder = latents.folder ?? join(config.folder, "latents");
  // One shard more than all of a folder's images would only repeat them.
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
    onShard: (index) =>
      onNotice(`Encoding pictures ${index * shardSize + 1} to ${(index + 1) * shardSize} …`),
  });
  let known: Promise<KnownWords> | undefined;
  const words = () => {
    const { data } = config;
    if ("scenes" in data) known ??= knowWords(engine, data.scenes.mix, maxTokens);
    return known;
  };
  const shardsAt = (step: number) => shardCount(step, total, latents);
  const training = { maxTokens, captionDropout, timestepSampling, places: "scenes" in config.data };
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
      frozen,
    },
  };
}

/** How many shards steps draw from, as configs say it. */
export interface ShardSchedule {
  readonly initialShards: number;
  /** 0: all from the start. */
  readonly stepsPerNewShard: number;
}

/** How many shards a step draws from: a run can begin while most are still to be made. */
export function shardCount(
  step: number,
  total: number,
  { initialShards, stepsPerNewShard }: ShardSchedule,
): number {
  return stepsPerNewShard === 0
    ? total
    : Math.min(total, initialShards + Math.floor(step / stepsPerNewShard));
}

/** @throws NishikiError "usage" where networks and images do not fit together. */
function checkSizes({ network, autoencoder }: DenoiserTrainingConfig, { size }: ImageSource): void {
  const { fold, latentChannels } = autoencoder.network;
  const refuse = (what: string, wanted: number, given: number) => {
    if (wanted === given) return;
    throw new NishikiError(
      "usage",
      `network.${what} must be ${wanted} to fit the autoencoder, not ${given}.`,
    );
  };
  refuse("latentSize", size / fold / 2, network.latentSize);
  refuse("latentChannels", latentChannels, network.latentChannels);
  refuse("textWidth", textEncoder.config.width, network.textWidth);
}

/** Writes `model/` in the run's folder, which draws with the moving averages as they are now. */
async function exportAverages(
  { folder, autoencoder, network, maxTokens, sampling, model }: DenoiserTrainingConfig,
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
      output,
    }),
  );
  return output;
}

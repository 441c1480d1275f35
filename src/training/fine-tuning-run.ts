// Fine-tuning a finished model on a few pictures of one's own: thin matrices beside its denoiser's (a LoRA), or the denoiser itself.
import { basename, join } from "node:path";
import { openWeights, writeSafetensors } from "../checkpoint/node.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { joinGrid } from "../image/index.js";
import type { ModelManifest } from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { withAverages } from "./averages-file.js";
import type { FineTuningConfig } from "./config.js";
import { drawPrompts } from "./denoiser-run.js";
import { copyModel } from "./fast-export.js";
import type { Settings } from "./fingerprint.js";
import { digestWeights } from "./frozen.js";
import type { State } from "./initial-state.js";
import { LatentShards } from "./latent-shards.js";
import type { TrainingTask } from "./loop.js";
import { replaceDenoiser } from "./model-export.js";
import { readAutoencoderConfig, readDenoiserConfig } from "./model-networks.js";
import type { PictureSource } from "./pictures.js";
import { writeSheet } from "./sample-sheet.js";
import { denoiserBatch, denoiserObjective } from "./tasks/denoiser.js";

/** Pictures of one file; more are in further ones. */
const largestShard = 500;

/** What a LoRA is called in its run's folder. */
export const loraFile = "lora.safetensors";

/** The task of a fine-tuning, and what its data depend on. */
export async function makeFineTuningTask(
  engine: Engine,
  config: FineTuningConfig,
  source: PictureSource,
  onNotice: (message: string) => void,
): Promise<{ task: TrainingTask; settings: Settings; initFrom?: string }> {
  const { model, method, rank, alpha, batchSize, seed, folder, captionDropout, timestepSampling } = config;
  const manifest = await readModelFolder(model);
  const network = readDenoiserConfig(manifest, model);
  if (source.size !== manifest.pictureSize)
    throw new NishikiError(
      "usage",
      `data: expected pictures of ${manifest.pictureSize} pixels, got ${source.size}.`,
    );
  const shardSize = Math.min(largestShard, source.count);
  const available = Math.min(source.count, 20 * largestShard);
  const shards = await LatentShards.open(engine, source, {
    folder: config.latents.folder ?? join(folder, "latents"),
    shardSize,
    seed,
    maxTokens: manifest.maxTokens,
    textWidth: network.textWidth,
    network: readAutoencoderConfig(manifest, model),
    weights: await openWeights(join(model, manifest.parts.autoencoder.file)),
    onShard: (index) => onNotice(`Encoding pictures ${index * shardSize + 1} and on …`),
  });
  // The model's own measures of latents, not those of a few pictures.
  shards.scenes.statistics = { mean: manifest.latents.mean, std: manifest.latents.std };
  const lowRank = method === "lora" ? { rank, alpha } : undefined;
  const file = join(model, manifest.parts.denoiser.file);
  const { maxTokens } = manifest;
  // What lies where is left as it was learned: a user's pictures do not say it.
  const training = { maxTokens, captionDropout, timestepSampling, places: false };
  const weights = lowRank && (await openWeights(file));
  const task: TrainingTask = {
    objective: (batch) => denoiserObjective(network, batch, training, lowRank),
    batch: async (step) => {
      await shards.need(Math.ceil(available / shardSize));
      return denoiserBatch(shards.scenes, available, network, training, { batchSize, seed, step });
    },
    ...(weights && { frozen: weights }),
    sample: async (averages, step) => {
      const prompts = config.prompts.length > 0 ? config.prompts : await choosePrompts(source);
      const after = await finish(config, manifest, averages);
      const before = await drawPrompts(model, engine, prompts);
      const changed = await drawPrompts(after.model, engine, prompts, {}, after.lora);
      await writeSheet(folder, step, joinGrid([before, changed], { columns: 1, spacing: 4 }));
      return {};
    },
  };
  const settings = {
    method,
    model: manifest.parts.denoiser.sha256,
    captionDropout,
    timestepSampling,
    ...(lowRank && { rank, alpha }),
    frozen: { ...shards.frozen, ...(weights && { denoiser: await digestWeights(weights) }) },
  };
  return { task, settings, ...(lowRank ? {} : { initFrom: config.initFrom ?? file }) };
}

/** Some captions of the pictures, and two prompts that have nothing to do with them: these should stay as they are. */
async function choosePrompts(source: PictureSource): Promise<readonly string[]> {
  const own = (await source.samples(4)).map(({ caption }) => caption);
  return [...new Set(own), "a cat, 3d style", "a red apple"];
}

/** Writes what the run is for: a LoRA's file, or a model's folder. */
async function finish(
  { folder, model, method, rank, alpha, data }: FineTuningConfig,
  manifest: ModelManifest,
  averages: State,
): Promise<{ readonly model: string; readonly lora?: string }> {
  if (method === "full") {
    const output = join(folder, "model");
    await copyModel(model, output);
    await withAverages(folder, averages, (run) => replaceDenoiser(run, output));
    return { model: output };
  }
  const tensors = Object.entries(averages).map(([name, { shape, data }]) => {
    return { name, dtype: "f32" as const, shape: [...shape], data: data as Float32Array };
  });
  const layers = tensors.flatMap(({ name }) => /^(.*)\.lora_A\.weight$/.exec(name)?.[1] ?? []);
  const alphas = layers.map((layer) => {
    return { name: `${layer}.alpha`, dtype: "f32" as const, shape: [], data: Float32Array.of(alpha) };
  });
  const path = join(folder, loraFile);
  await writeSafetensors(path, [...tensors, ...alphas], {
    format: "nishiki",
    "modelspec.architecture": `nishiki/${manifest.name} ${manifest.version}/lora`,
    "modelspec.title": basename(folder).replace(/\.run$/, ""),
    ss_network_dim: String(rank),
    ss_network_alpha: String(alpha),
    ...("folder" in data && { ss_dataset_dirs: JSON.stringify({ [basename(data.folder)]: {} }) }),
  });
  return { model, lora: path };
}

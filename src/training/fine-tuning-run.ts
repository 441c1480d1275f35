// Fine-tuning a finished model on a few pictures of one's own: thin matrices beside its denoiser's (a LoRA), or the denoiser itself.
import { basename, join } from "node:path";
import { openWeights, writeSafetensors } from "../checkpoint/node.js";
import type { Engine, HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type CaptionedPicture, joinGrid } from "../image/index.js";
import { fromBytes, type ModelManifest } from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { withAverages } from "./averages-file.js";
import type { FineTuningConfig } from "./config.js";
import { drawImages, layOut } from "./draw-prompts.js";
import { copyModel } from "./fast-export.js";
import type { Settings } from "./fingerprint.js";
import { digestWeights } from "./frozen.js";
import type { State } from "./initial-state.js";
import { LatentShards } from "./latent-shards.js";
import type { TaskContext, TrainingTask } from "./loop.js";
import { replaceDenoiser } from "./model-export.js";
import { readAutoencoderConfig, readDenoiserConfig } from "./model-networks.js";
import type { PictureSource } from "./pictures.js";
import { openPriorImages } from "./prior-images.js";
import { writeSheet } from "./sample-sheet.js";
import { psnr } from "./super-resolution-run.js";
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
  { signal, onNotice }: TaskContext,
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
  const latents = config.latents.folder ?? join(folder, "latents");
  const weightsOfEncoder = await openWeights(join(model, manifest.parts.autoencoder.file));
  const open = async (images: PictureSource, to: string, size: number, onShard: (index: number) => void) => {
    const shards = await LatentShards.open(engine, images, {
      ...{ folder: to, shardSize: size, seed, signal, onShard },
      maxTokens: manifest.maxTokens,
      textWidth: network.textWidth,
      network: readAutoencoderConfig(manifest, model),
      weights: weightsOfEncoder,
    });
    // The model's own measures of latents, not those of a few pictures.
    shards.scenes.statistics = { mean: manifest.latents.mean, std: manifest.latents.std };
    return shards;
  };
  const shards = await open(source, latents, shardSize, (index) =>
    onNotice(`Encoding pictures ${index * shardSize + 1} and on …`),
  );
  const { share, images } = config.priorPreservation;
  const kept = Math.min(batchSize - 1, Math.round(share * batchSize));
  const prior =
    kept > 0 ? await openPriorImages({ engine, model, manifest, count: images, seed, signal }) : undefined;
  const priorShards =
    prior && (await open(prior, join(latents, "prior"), images, () => onNotice(drawingPrior(images))));
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
      const number = { batchSize: batchSize - kept, seed, step };
      const own = denoiserBatch(shards.scenes, available, network, training, number);
      if (!priorShards) return own;
      await priorShards.need(1);
      const priorNumber = { batchSize: kept, seed: seed + 1, step }; // times and noise of their own
      return joinBatches(own, denoiserBatch(priorShards.scenes, images, network, training, priorNumber));
    },
    ...(weights && { frozen: weights }),
    sample: async (averages, step) => {
      const own = config.prompts.length > 0 ? config.prompts : await chooseCaptions(source);
      const prompts = [...own, ...unrelatedPrompts];
      const after = await finish(config, manifest, averages);
      const before = await drawImages({ model, engine, prompts, signal });
      const changed = await drawImages({ ...after, engine, prompts, signal });
      const rows = [await layOut(before), await layOut(changed)];
      await writeSheet(folder, step, joinGrid(rows, { columns: 1, spacing: 4 }));
      return { unrelatedPsnr: compare(before.slice(own.length), changed.slice(own.length)) };
    },
  };
  const settings = {
    method,
    model: manifest.parts.denoiser.sha256,
    captionDropout,
    timestepSampling,
    ...(lowRank && { rank, alpha }),
    ...(kept > 0 && { priorPreservation: config.priorPreservation }),
    frozen: { ...shards.frozen, ...(weights && { denoiser: await digestWeights(weights) }) },
  };
  return { task, settings, ...(lowRank ? {} : { initFrom: config.initFrom ?? file }) };
}

/** Two prompts that have nothing to do with anybody's pictures: what they draw should stay as it is. */
const unrelatedPrompts = ["a cat, 3d style", "a red apple"];

const drawingPrior = (count: number) =>
  `The model draws ${count} images first, so that other prompts stay as they are (priorPreservation) …`;

async function chooseCaptions(source: PictureSource): Promise<readonly string[]> {
  return [...new Set((await source.samples(4)).map(({ caption }) => caption))];
}

/** Mean peak signal-to-noise ratio in decibels: how much of the images was kept. */
function compare(before: readonly CaptionedPicture[], after: readonly CaptionedPicture[]): number {
  const pixels = ({ picture }: CaptionedPicture) => fromBytes(picture.data as Uint8Array);
  const ratios = before.map((image, i) => psnr(pixels(image), pixels(after[i]!)));
  return ratios.reduce((sum, ratio) => sum + ratio / ratios.length, 0);
}

/** One batch behind the other. */
function joinBatches(first: HostTensors, second: HostTensors): HostTensors {
  const joined = Object.entries(first).map(([name, { dtype, shape, data }]) => {
    const more = second[name]!;
    const both = new Float32Array(data.length + more.data.length);
    both.set(data as Float32Array);
    both.set(more.data as Float32Array, data.length);
    return [name, { dtype, shape: [shape[0]! + more.shape[0]!, ...shape.slice(1)], data: both }] as const;
  });
  return Object.fromEntries(joined);
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

// Training a student that draws in a few steps without guidance, from a finished model: its captions are those of encoded scenes.
import { join } from "node:path";
import { openWeights } from "../checkpoint/node.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import type { AutoencoderConfig, DenoiserConfig } from "../models/index.js";
import type { ModelManifest } from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { withAverages } from "./averages-file.js";
import type { DistillationTrainingConfig } from "./config.js";
import { drawPrompts, shardCount } from "./denoiser-run.js";
import { addFast, copyModel } from "./fast-export.js";
import type { Settings } from "./fingerprint.js";
import { digestWeights } from "./frozen.js";
import { LatentShards } from "./latent-shards.js";
import type { TrainingTask } from "./loop.js";
import type { PictureSource } from "./pictures.js";
import { writeSheet } from "./sample-sheet.js";
import { distillationBatch, distillationObjective } from "./tasks/distillation.js";
import { TeacherPaths } from "./teacher-paths.js";

/** The network of a model's denoiser. @throws NishikiError "usage" for a model whose denoiser is not trained here */
export function denoiserOf(manifest: ModelManifest, folder: string): DenoiserConfig {
  const { architecture, config } = manifest.parts.denoiser;
  if (architecture === "unet") return config as unknown as DenoiserConfig;
  throw new NishikiError(
    "usage",
    `teacher: ${folder} has a denoiser "${architecture}"; only "unet" is distilled.`,
  );
}

/** The task of a distillation, and what its data depend on. */
export async function makeDistillationTask(
  engine: Engine,
  config: DistillationTrainingConfig,
  source: PictureSource,
  onNotice: (message: string) => void,
): Promise<{ task: TrainingTask; settings: Settings; startFrom: string }> {
  const { teacher, latents, paths: given, batchSize, seed, folder } = config;
  const manifest = await readModelFolder(teacher);
  const network = denoiserOf(manifest, teacher);
  const { file } = manifest.parts.denoiser;
  const tokens = manifest.maxTokens;
  const shards = await LatentShards.open(engine, source, {
    folder: latents.folder ?? join(folder, "latents"),
    perShard: latents.perShard,
    seed,
    tokens,
    textWidth: network.textWidth,
    network: manifest.parts.autoencoder.config as unknown as AutoencoderConfig,
    weights: await openWeights(join(teacher, manifest.parts.autoencoder.file)),
    onShard: (index) => onNotice(`Encoding captions ${index * latents.perShard + 1} and on …`),
  });
  const { guidance, sampler } = manifest.defaults;
  const settings = {
    windows: given.steps,
    stepsPerWindow: given.stepsPerWindow,
    guidance: given.guidance ?? guidance,
    sampler: given.sampler ?? sampler,
    perShard: given.perShard,
    seed,
  };
  const paths = await TeacherPaths.open({
    ...settings,
    teacher,
    folder: given.folder ?? join(folder, "paths"),
    onShard: (index) =>
      onNotice(`The teacher draws paths ${index * given.perShard + 1} to ${(index + 1) * given.perShard} …`),
  });
  const total = Math.ceil(given.count / given.perShard);
  const task: TrainingTask = {
    objective: (batch) => distillationObjective(network, batch, tokens),
    batch: async (step) => {
      const count = shardCount(step, total, given);
      await shards.need(Math.ceil((count * given.perShard) / latents.perShard));
      await paths.need(count, engine, shards.scenes);
      const available = count * given.perShard;
      return distillationBatch(paths, available, shards.scenes, network, tokens, batchSize, seed, step);
    },
    sample: async (averages, step) => {
      const model = join(folder, "model");
      await copyModel(teacher, model);
      await withAverages(folder, averages, (run) => addFast({ run, model, steps: given.steps }));
      if (config.prompts.length > 0) {
        await writeSheet(folder, step, await drawPrompts(model, engine, config.prompts, { fast: true }));
      }
      return {};
    },
  };
  const denoiser = await digestWeights(await openWeights(join(teacher, file)));
  const frozen = { ...shards.frozen, teacher: denoiser };
  return { task, settings: { ...settings, frozen }, startFrom: config.startFrom ?? join(teacher, file) };
}

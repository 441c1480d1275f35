// Distils a finished model into a student that draws in a few steps without guidance, on captions of encoded
// scenes.
import { join } from "node:path";
import { digestWeights, openWeights } from "../checkpoint/node.js";
import type { Engine } from "../engine/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { withAverages } from "./averages-file.js";
import type { DistillationTrainingConfig } from "./config.js";
import { shardCount } from "./denoiser-run.js";
import { drawImages, layOut } from "./draw-prompts.js";
import { addFast, copyModel } from "./fast-export.js";
import type { Settings } from "./fingerprint.js";
import type { ImageSource } from "./images.js";
import { LatentShards } from "./latent-shards.js";
import type { TaskContext, TrainingTask } from "./loop.js";
import { readAutoencoderConfig, readDenoiserConfig } from "./model-networks.js";
import { writeSheet } from "./sample-sheet.js";
import { distillationBatch, distillationObjective } from "./tasks/distillation.js";
import { TeacherPaths } from "./teacher-paths.js";

/** The task of a distillation, with the settings of its fingerprint. */
export async function makeDistillationTask(
  engine: Engine,
  config: DistillationTrainingConfig,
  source: ImageSource,
  { signal, onNotice }: TaskContext,
): Promise<{ task: TrainingTask; settings: Settings; initFrom: string }> {
  const { teacher, latents, paths: pathsConfig, batchSize, seed, folder } = config;
  const manifest = await readModelFolder(teacher);
  const network = readDenoiserConfig(manifest, teacher);
  const { file } = manifest.parts.denoiser;
  const { maxTokens } = manifest;
  const shards = await LatentShards.open(engine, source, {
    folder: latents.folder ?? join(folder, "latents"),
    shardSize: latents.shardSize,
    seed,
    maxTokens,
    textWidth: network.textWidth,
    network: readAutoencoderConfig(manifest, teacher),
    weights: await openWeights(join(teacher, manifest.parts.autoencoder.file)),
    signal,
    onShard: (index) => onNotice(`Encoding captions from ${index * latents.shardSize + 1} on …`),
  });
  const { guidance, sampler } = manifest.defaults;
  const settings = {
    windows: pathsConfig.studentSteps,
    stepsPerWindow: pathsConfig.teacherStepsPerStudentStep,
    guidance: pathsConfig.guidance ?? guidance,
    sampler: pathsConfig.sampler ?? sampler,
    shardSize: pathsConfig.shardSize,
    seed,
  };
  const paths = await TeacherPaths.open({
    ...settings,
    teacher,
    folder: pathsConfig.folder ?? join(folder, "paths"),
    signal,
    onShard: (index) =>
      onNotice(
        `The teacher draws paths ${index * pathsConfig.shardSize + 1} to ${(index + 1) * pathsConfig.shardSize} …`,
      ),
  });
  const total = Math.ceil(pathsConfig.count / pathsConfig.shardSize);
  const task: TrainingTask = {
    objective: (batch) => distillationObjective(network, batch, maxTokens),
    batch: async (step) => {
      const count = shardCount(step, total, pathsConfig);
      await shards.need(Math.ceil((count * pathsConfig.shardSize) / latents.shardSize));
      await paths.need(count, engine, shards.scenes);
      const available = count * pathsConfig.shardSize;
      const data = { paths, available, scenes: shards.scenes };
      return distillationBatch(data, network, maxTokens, { batchSize, seed, step });
    },
    sample: async (averages, step) => {
      const model = join(folder, "model");
      await copyModel(teacher, model);
      await withAverages(folder, averages, (run) => addFast({ run, model, steps: pathsConfig.studentSteps }));
      if (config.prompts.length > 0) {
        const { prompts } = config;
        const drawn = await drawImages({ model, engine, prompts, request: { fast: true }, signal });
        await writeSheet(folder, step, await layOut(drawn));
      }
      return {};
    },
  };
  const denoiser = await digestWeights(await openWeights(join(teacher, file)));
  const frozen = { ...shards.frozen, teacher: denoiser };
  return { task, settings: { ...settings, frozen }, initFrom: config.initFrom ?? join(teacher, file) };
}

// The config of a denoiser's run.
import { denoiserConfigs, denoiserSchema } from "../models/index.js";
import { explain, flag, nonEmptyText, numberBetween, wholeNumber, z } from "../schema/index.js";
import {
  captionDropout,
  common,
  count,
  frozenAutoencoder,
  networkChoice,
  prompts,
  renamedCommon,
  samplerName,
  shards,
  timestepSampling,
  withWorkers,
} from "./config-common.js";
import { defaultTimestepSampling } from "./tasks/denoiser.js";

const latentsSchema = z
  .strictObject({
    folder: shards.folder,
    images: explain(count.default(100_000), "total number of images to draw and encode"),
    shardSize: shards.shardSize(1000, "images"),
    initialShards: shards.initialShards,
    stepsPerNewShard: shards.stepsPerNewShard(40),
  })
  .meta({ renamed: shards.renamed });

const samplingSchema = z.strictObject({
  steps: explain(wholeNumber(1, 1000).default(20), "sampling steps, for samples and the finished model"),
  guidance: explain(numberBetween(0, 100).default(3), "guidance scale"),
  sampler: explain(samplerName.prefault("euler"), "sampler", "euler"),
  shift: explain(numberBetween(0.01, 100).optional(), "shift of the schedule towards noise", "none"),
});

const modelSchema = z.strictObject({
  name: explain(nonEmptyText.default("untitled"), "name of the model"),
  version: explain(nonEmptyText.default("1"), "version of the model"),
  licence: explain(
    nonEmptyText.default("not stated"),
    "licence of the model: an SPDX identifier or free text",
  ),
});

export const denoiserConfigSchema = z
  .strictObject({
    kind: z.literal("denoiser"),
    ...common,
    batchSize: explain(count.default(32), "images per step"),
    network: networkChoice(denoiserSchema, denoiserConfigs).prefault("small"),
    autoencoder: explain(frozenAutoencoder, "autoencoder whose latents the denoiser learns"),
    latents: explain(latentsSchema.prefault({}), "encoded images and captions"),
    maxTokens: explain(wholeNumber(3, 512).default(40), "maximum number of tokens per caption"),
    captionDropout,
    timestepSampling: timestepSampling(defaultTimestepSampling),
    pairedNoise: explain(
      flag.default(true),
      "pair noise with the images of a batch that it is nearest to, which shortens the paths between them",
    ),
    prompts,
    sampling: explain(samplingSchema.prefault({}), "settings for drawing samples"),
    model: explain(modelSchema.prefault({}), "description of the model, written to its folder"),
  })
  .meta({
    renamed: { ...renamedCommon, tokens: "maxTokens", times: "timestepSampling", drawing: "sampling" },
  })
  .transform(withWorkers);

export type DenoiserTrainingConfig = z.infer<typeof denoiserConfigSchema>;

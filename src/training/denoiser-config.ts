// The config of a denoiser's run.
import { denoiserConfigs, denoiserSchema } from "../models/index.js";
import { explain, nonEmptyText, numberBetween, wholeNumber, z } from "../schema/index.js";
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
    images: explain(count.default(100_000), "images that are drawn and encoded in all"),
    shardSize: shards.shardSize(1000, "images"),
    initialShards: shards.initialShards,
    stepsPerNewShard: shards.stepsPerNewShard(40),
  })
  .meta({ renamed: shards.renamed });

const samplingSchema = z.strictObject({
  steps: explain(
    wholeNumber(1, 1000).default(20),
    "steps of the sampler, for samples and the finished model",
  ),
  guidance: explain(numberBetween(0, 100).default(3), "guidance scale"),
  sampler: explain(samplerName.prefault("euler"), "name of the sampler", "euler"),
  shift: explain(numberBetween(0.01, 100).optional(), "shift of the schedule towards noise", "none"),
});

const modelSchema = z.strictObject({
  name: explain(nonEmptyText.default("untitled"), "name of the model"),
  version: explain(nonEmptyText.default("1"), "its version"),
  licence: explain(nonEmptyText.default("not stated"), "its licence: an SPDX identifier, or words"),
});

export const denoiserConfigSchema = z
  .strictObject({
    kind: z.literal("denoiser"),
    ...common,
    batchSize: explain(count.default(32), "images in a step"),
    network: networkChoice(denoiserSchema, denoiserConfigs).prefault("small"),
    autoencoder: explain(frozenAutoencoder, "the autoencoder whose latents are learned"),
    latents: explain(latentsSchema.prefault({}), "images and captions, encoded once"),
    maxTokens: explain(wholeNumber(3, 512).default(40), "most tokens of a caption"),
    captionDropout,
    timestepSampling: timestepSampling(defaultTimestepSampling),
    prompts,
    sampling: explain(samplingSchema.prefault({}), "how samples are drawn"),
    model: explain(modelSchema.prefault({}), "what the model's folder says about it"),
  })
  .meta({
    renamed: { ...renamedCommon, tokens: "maxTokens", times: "timestepSampling", drawing: "sampling" },
  })
  .transform(withWorkers);

export type DenoiserTrainingConfig = z.infer<typeof denoiserConfigSchema>;

// The config of a fine-tuning on images of one's own.
import { embeddedModel } from "../pipeline/node.js";
import { explain, nonEmptyText, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import {
  captionDropout,
  common,
  count,
  positive,
  promptList,
  renamedCommon,
  shards,
  timestepSampling,
  withWorkers,
} from "./config-common.js";
import { evenTimestepSampling } from "./tasks/denoiser.js";

/** Ruiz et al. 2022, "DreamBooth" (arXiv:2208.12242, section 3.2). */
const priorSchema = z.strictObject({
  share: explain(
    numberBetween(0, 0.9).default(0.5),
    "share of each step for images that the model itself drew before, so that other prompts stay as they are; 0: none",
  ),
  images: explain(wholeNumber(1, 1000).default(48), "how many of these the model draws"),
});

export const fineTuningConfigSchema = z
  .strictObject({
    kind: z.literal("fine-tuning"),
    ...common,
    batchSize: explain(count.default(16), "images in a step"),
    model: explain(nonEmptyText.optional(), "folder of the model that is fine-tuned", "the embedded model"),
    method: explain(
      oneOf(["lora", "full"]).default("lora"),
      '"lora" trains a small file beside the model, "full" changes the model itself',
    ),
    rank: explain(count.default(16), "rank of a LoRA's matrices"),
    alpha: explain(positive.optional(), "a LoRA counts alpha/rank times", "the rank"),
    latents: explain(
      z.strictObject({ folder: shards.folder }).prefault({}),
      "images and captions, encoded once",
    ),
    priorPreservation: explain(priorSchema.prefault({}), "keeps what the model draws already as it is"),
    captionDropout,
    timestepSampling: timestepSampling(evenTimestepSampling),
    prompts: explain(
      promptList.default([]),
      "drawn before and after, at seed 0",
      "captions of the images, and two others",
    ),
  })
  .meta({ renamed: { ...renamedCommon, times: "timestepSampling" } })
  .transform((config) =>
    withWorkers({ ...config, model: config.model ?? embeddedModel, alpha: config.alpha ?? config.rank }),
  );

export type FineTuningConfig = z.infer<typeof fineTuningConfigSchema>;

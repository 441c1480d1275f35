// The config of a fine-tuning on the user's images.
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
    "share of each step for images that the model itself drew, so that other prompts keep their results; 0 turns it off",
  ),
  images: explain(wholeNumber(1, 1000).default(48), "number of images that the model draws"),
  folder: explain(
    nonEmptyText.optional(),
    "folder where these images are kept, encoded, for further runs",
    "the run's latents folder",
  ),
});

export const fineTuningConfigSchema = z
  .strictObject({
    kind: z.literal("fine-tuning"),
    ...common,
    batchSize: explain(count.default(16), "images per step"),
    model: explain(nonEmptyText.optional(), "folder of the model to fine-tune", "the embedded model"),
    method: explain(
      oneOf(["lora", "full"]).default("lora"),
      '"lora" for a small file beside the model, "full" for the whole model',
    ),
    rank: explain(count.default(16), "rank of the LoRA"),
    alpha: explain(positive.optional(), "LoRA alpha; the LoRA is scaled by alpha/rank", "the rank"),
    latents: explain(z.strictObject({ folder: shards.folder }).prefault({}), "encoded images and captions"),
    priorPreservation: explain(
      priorSchema.prefault({}),
      "prior preservation, which keeps the results of other prompts",
    ),
    captionDropout,
    timestepSampling: timestepSampling(evenTimestepSampling),
    prompts: explain(
      promptList.default([]),
      "prompts of the samples, drawn before and after at seed 0",
      "captions of the images, and two unrelated prompts",
    ),
  })
  .meta({ renamed: { ...renamedCommon, times: "timestepSampling" } })
  .transform((config) =>
    withWorkers({ ...config, model: config.model ?? embeddedModel, alpha: config.alpha ?? config.rank }),
  );

export type FineTuningConfig = z.infer<typeof fineTuningConfigSchema>;

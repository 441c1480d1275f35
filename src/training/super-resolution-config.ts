// The config of a super-resolution's run.
import { superResolutionConfigs, superResolutionSchema } from "../models/index.js";
import { explain, nonEmptyText, numberBetween, wholeNumber, z } from "../schema/index.js";
import {
  common,
  count,
  frozenAutoencoder,
  networkChoice,
  renamedCommon,
  share,
  withWorkers,
} from "./config-common.js";

const samplingSchema = z.strictObject({
  steps: explain(wholeNumber(1, 1000).default(4), "sampling steps"),
  augmentation: explain(numberBetween(0, 2).default(0.05), "standard deviation of the noise on small images"),
});

export const superResolutionConfigSchema = z
  .strictObject({
    kind: z.literal("super-resolution"),
    ...common,
    batchSize: explain(count.default(16), "crops per step"),
    network: networkChoice(superResolutionSchema, superResolutionConfigs).prefault("small"),
    autoencoder: explain(
      frozenAutoencoder.optional(),
      "autoencoder that small images pass through, as a first stage's do",
      "none",
    ),
    autoencoderRoundTrips: explain(
      share.default(0.75),
      "share of small images that pass through the autoencoder (recompression augmentation)",
    ),
    crop: explain(count.default(128), "side of a crop, in pixels of the large image"),
    cropsPerImage: explain(count.default(4), "crops per image"),
    augmentation: explain(
      numberBetween(0, 2).default(0.2),
      "maximum standard deviation of the noise on small images (conditioning augmentation)",
    ),
    sampling: explain(samplingSchema.prefault({}), "settings for drawing samples"),
    model: explain(
      nonEmptyText.optional(),
      "model folder that receives the network with each sample sheet",
      "none",
    ),
    samples: explain(wholeNumber(1, 64).default(4), "images per sample sheet"),
  })
  .meta({
    renamed: {
      ...renamedCommon,
      roundTrips: "autoencoderRoundTrips",
      cropsPerPicture: "cropsPerImage",
      drawing: "sampling",
    },
  })
  .transform(withWorkers);

export type SuperResolutionTrainingConfig = z.infer<typeof superResolutionConfigSchema>;

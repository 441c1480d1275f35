// The config of a run of the classifier that scores images.
import { classifierConfigs, classifierSchema } from "../models/index.js";
import { explain, numberBetween, wholeNumber, z } from "../schema/index.js";
import {
  common,
  count,
  frozenAutoencoder,
  networkChoice,
  renamedCommon,
  share,
  withWorkers,
} from "./config-common.js";

export const classifierConfigSchema = z
  .strictObject({
    kind: z.literal("classifier"),
    ...common,
    batchSize: explain(count.default(64), "images per step"),
    network: networkChoice(classifierSchema, classifierConfigs).prefault("small"),
    autoencoder: explain(
      frozenAutoencoder.optional(),
      "autoencoder that some images pass through, as a generator's do",
      "none",
    ),
    autoencoderRoundTrips: explain(
      share.default(0.3),
      "share of images that pass through the autoencoder (recompression augmentation)",
    ),
    latentNoise: explain(
      numberBetween(0, 10).default(0.25),
      "maximum standard deviation of the noise on those images' latents",
    ),
    samples: explain(wholeNumber(1, 10_000).default(256), "number of unseen scenes for each measurement"),
  })
  .meta({ renamed: { ...renamedCommon, roundTrips: "autoencoderRoundTrips" } })
  .transform(withWorkers);

export type ClassifierTrainingConfig = z.infer<typeof classifierConfigSchema>;

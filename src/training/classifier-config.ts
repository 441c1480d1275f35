// The config of a run of the classifier that scores images.
import { classifierSchema, judgeConfigs } from "../models/index.js";
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
    batchSize: explain(count.default(64), "images in a step"),
    network: networkChoice(classifierSchema, judgeConfigs).prefault("small"),
    autoencoder: explain(
      frozenAutoencoder.optional(),
      "an autoencoder that some images go through, as those of a generator do",
      "none",
    ),
    autoencoderRoundTrips: explain(
      share.default(0.3),
      "share of images that go through the autoencoder (recompression augmentation)",
    ),
    latentNoise: explain(
      numberBetween(0, 10).default(0.25),
      "largest standard deviation of the noise on their latents",
    ),
    samples: explain(
      wholeNumber(1, 10_000).default(256),
      "unseen scenes on which each sample measures the classifier",
    ),
  })
  .meta({ renamed: { ...renamedCommon, roundTrips: "autoencoderRoundTrips" } })
  .transform(withWorkers);

export type ClassifierTrainingConfig = z.infer<typeof classifierConfigSchema>;

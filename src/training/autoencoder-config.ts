// The config of an autoencoder's run.
import { discriminatorConfigs, discriminatorSchema } from "../models/index.js";
import {
  explain,
  nonEmptyText,
  numberBetween,
  oneOf,
  positiveNumber,
  wholeNumber,
  z,
} from "../schema/index.js";
import {
  autoencoderNetwork,
  common,
  count,
  networkChoice,
  renamedCommon,
  share,
  withWorkers,
} from "./config-common.js";
import { optimizerSchema } from "./optimizer.js";
import { defaultAutoencoderLoss } from "./tasks/autoencoder.js";

const weight = (usual: number) => numberBetween(0, 1000).default(usual);

const lossSchema = z
  .strictObject({
    l1: explain(
      weight(defaultAutoencoderLoss.l1),
      "weight of the absolute error, relative to the squared error",
    ),
    latentNoise: explain(
      weight(defaultAutoencoderLoss.latentNoise),
      "standard deviation of the noise added to latents",
    ),
    latentL2: explain(weight(defaultAutoencoderLoss.latentL2), "weight of the latents' mean square"),
    equivariance: explain(
      numberBetween(0, 1000).optional(),
      "weight of the error of half-size images decoded from half-size latents, which smooths the latents",
      "0",
    ),
  })
  .meta({ renamed: { absolute: "l1", latentSize: "latentL2" } });

const perceptualSchema = z.strictObject({
  weight: explain(positiveNumber(1000).default(0.1), "weight of the perceptual loss"),
  classifier: explain(
    nonEmptyText.optional(),
    "folder of the classifier whose features are compared",
    "the one that ships",
  ),
});

const { kind, weightDecay } = optimizerSchema.shape;

const adversarialSchema = z.strictObject({
  weight: explain(positiveNumber(1000).default(0.01), "weight of the adversarial loss"),
  gradientPenalty: explain(
    numberBetween(0, 1e6).default(100),
    "weight of the penalty on the discriminator's gradient, which keeps it from heeding faint patterns",
  ),
  discriminator: networkChoice(discriminatorSchema, discriminatorConfigs).prefault("small"),
  optimizer: explain(
    z
      .strictObject({
        kind,
        weightDecay,
        learningRateScale: explain(
          positiveNumber(1e6).default(2),
          "learning rate, relative to that of the autoencoder",
        ),
      })
      .prefault({}),
    "optimizer of the discriminator; betas and the limit of the gradients are those of the run",
  ),
});

const denoisedSchema = z.strictObject({
  model: explain(
    nonEmptyText,
    "model folder whose denoiser makes latents; a copy of it with the new decoder appears in the run folder",
  ),
  share: explain(share.default(0.5), "share of images whose latents the denoiser makes"),
  minTime: explain(share.default(0.1), "least noise that the denoiser removes from an image's latents"),
  maxTime: explain(
    numberBetween(0, 0.9).default(0.4),
    "most noise that it removes; at 1 nothing of the image would be left",
  ),
  steps: explain(wholeNumber(1, 100).default(2), "sampling steps"),
  guidance: explain(numberBetween(0, 100).optional(), "guidance scale", "the model's"),
});

export type DenoisedConfig = z.infer<typeof denoisedSchema>;

export const autoencoderConfigSchema = z
  .strictObject({
    kind: z.literal("autoencoder"),
    ...common,
    batchSize: explain(count.default(8), "images per step"),
    network: autoencoderNetwork.prefault("small"),
    part: explain(
      oneOf(["both", "decoder"]).default("both"),
      '"both", or "decoder" for the decoder alone, starting from initFrom and keeping the latents',
    ),
    loss: explain(lossSchema.prefault({}), "terms of the loss"),
    perceptual: explain(
      perceptualSchema.optional(),
      "perceptual loss: difference of a classifier's features",
      "none",
    ),
    adversarial: explain(
      adversarialSchema.optional(),
      "adversarial loss: a discriminator learns to tell decoded images from real ones",
      "none",
    ),
    denoised: explain(
      denoisedSchema.optional(),
      'for part "decoder": latents that a denoiser has restored from noise, beside the encoder\'s',
      "none",
    ),
    samples: explain(wholeNumber(1, 64).default(8), "images per sample sheet"),
  })
  .meta({ renamed: renamedCommon })
  .transform(withWorkers);

export type AutoencoderTrainingConfig = z.infer<typeof autoencoderConfigSchema>;

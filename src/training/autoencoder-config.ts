// The config of an autoencoder's run.
import { explain, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import { autoencoderNetwork, common, count, renamedCommon, withWorkers } from "./config-common.js";
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
  })
  .meta({ renamed: { absolute: "l1", latentSize: "latentL2" } });

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
    samples: explain(wholeNumber(1, 64).default(8), "images per sample sheet"),
  })
  .meta({ renamed: renamedCommon })
  .transform(withWorkers);

export type AutoencoderTrainingConfig = z.infer<typeof autoencoderConfigSchema>;

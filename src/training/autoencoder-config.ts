// The config of an autoencoder's run.
import { explain, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import { autoencoderNetwork, common, count, renamedCommon, withWorkers } from "./config-common.js";
import { defaultAutoencoderLoss } from "./tasks/autoencoder.js";

const weight = (usual: number) => numberBetween(0, 1000).default(usual);

const lossSchema = z
  .strictObject({
    l1: explain(weight(defaultAutoencoderLoss.l1), "weight of absolute differences beside squared ones"),
    latentNoise: explain(
      weight(defaultAutoencoderLoss.latentNoise),
      "standard deviation of the noise that is added to latents",
    ),
    latentL2: explain(weight(defaultAutoencoderLoss.latentL2), "weight of the latents' mean square"),
  })
  .meta({ renamed: { absolute: "l1", latentSize: "latentL2" } });

export const autoencoderConfigSchema = z
  .strictObject({
    kind: z.literal("autoencoder"),
    ...common,
    batchSize: explain(count.default(8), "images in a step"),
    network: autoencoderNetwork.prefault("small"),
    part: explain(
      oneOf(["both", "decoder"]).default("both"),
      '"decoder" trains the decoder alone, starting from initFrom; latents stay as they are',
    ),
    loss: explain(lossSchema.prefault({}), "what is minimised"),
    samples: explain(wholeNumber(1, 64).default(8), "images in a sample sheet"),
  })
  .meta({ renamed: renamedCommon })
  .transform(withWorkers);

export type AutoencoderTrainingConfig = z.infer<typeof autoencoderConfigSchema>;

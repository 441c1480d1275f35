// The settings of condition-annealed sampling (CADS), as a request declares them.
import { numberBetween, z } from "../schema/index.js";
import { shareSchema } from "./request-values.js";

export const cadsSchema = z
  .strictObject({
    scale: numberBetween(0, 10).meta({
      description:
        "noise on what the prompt says, high in the first steps and none in the last, for more varied images (CADS); 0.25 is little",
      flag: "--cads <scale>",
      defaultText: "0",
    }),
    tau1: shareSchema.optional().meta({
      description: "remaining share of the steps from which on CADS adds no noise",
      flag: "--cads-tau1 <share>",
      defaultText: "0.6",
    }),
    tau2: shareSchema.optional().meta({
      description: "remaining share of the steps down to which CADS replaces the prompt by noise",
      flag: "--cads-tau2 <share>",
      defaultText: "0.9",
    }),
    mixing: shareSchema.optional().meta({
      description: "how far CADS gives noisy prompts their former mean and deviation, 0 to 1",
      flag: "--cads-mixing <number>",
      defaultText: "1",
    }),
  })
  .optional()
  .meta({ description: "condition-annealed sampling (CADS): more varied images of one prompt" });

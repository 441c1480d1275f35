// The settings of a prior, which draws CLIP's embedding of an image from the prompt before the image is drawn from that
// (Ramesh et al. 2022, arXiv:2204.06125).
import { numberBetween, wholeNumber, z } from "../schema/index.js";

export const priorSchema = z
  .strictObject({
    steps: wholeNumber(2, 1000).optional().meta({
      description: "number of steps of the prior",
      flag: "--prior-steps <number>",
      defaultText: "25",
    }),
    guidance: numberBetween(0, 100).optional().meta({
      description: "guidance scale of the prior; up to 1 means none",
      flag: "--prior-guidance <number>",
      defaultText: "4",
    }),
    candidates: wholeNumber(1, 16).optional().meta({
      description:
        "image embeddings to draw for a text, of which the one most like the text is taken: the prior works longer by so many",
      flag: "--prior-candidates <number>",
      defaultText: "1",
    }),
  })
  .optional()
  .meta({ description: "the prior of models in the manner of DALL-E 2" });

// Explanations: how a drawn image came about, and what it costs to find out.
import { panelNames, usualAmounts, usualPanels } from "../../inspect/index.js";
import { numberBetween, oneOf, wholeNumber, z } from "../../schema/index.js";
import { imageIdSchema } from "./values.js";

/** What is drawn to explain an image. */
export const explainedFields = {
  image: imageIdSchema,
  panels: z
    .array(oneOf(panelNames))
    .default([...usualPanels])
    .meta({ description: "what is drawn beside the image itself: a choice of panels" }),
  otherSeeds: wholeNumber(0, 63).default(usualAmounts.seeds).meta({ description: "other seeds to draw" }),
  leaveOut: wholeNumber(0, 20)
    .default(usualAmounts.words)
    .meta({ description: "the most words to leave out, one at a time" }),
  scales: z
    .array(numberBetween(0, 100))
    .max(10)
    .default([...usualAmounts.scales])
    .meta({ description: "other guidance scales to draw" }),
  ordinary: wholeNumber(0, 24).optional().meta({
    description:
      "ordinary prompts whose pull is compared, for a step each, once for a model; 24 for the embedded one if left out, else none",
  }),
};

export const explanationForecastRequestSchema = z.strictObject(explainedFields);
export type ExplanationForecastRequest = Readonly<z.input<typeof explanationForecastRequestSchema>>;

export const explanationForecastSchema = z.object({
  forecast: z
    .object({
      panels: z.array(
        z.object({
          panel: oneOf(panelNames),
          drawings: z.int().meta({ description: "images, and predictions that stop early" }),
          seconds: z
            .number()
            .meta({ description: "of the drawing itself, with loading the model if it is not in memory" }),
          bytes: z.number().meta({ description: "bytes of memory at the peak" }),
          isMeasured: z.boolean().meta({ description: "false if this model has not drawn here yet" }),
        }),
      ),
      memory: z
        .object({ total: z.number(), free: z.number() })
        .meta({ description: "this machine's, in bytes" }),
    })
    .nullable()
    .meta({ description: "null if the model does not say what it costs" }),
});
export type ExplanationForecast = Readonly<z.output<typeof explanationForecastSchema>>;

// What is loaded beside a model.
import { numberBetween, oneOf, z } from "../../schema/index.js";
import { catalogueIdSchema } from "./values.js";

/** What to load beside the model: ids of the catalogue, never paths. */
export const jobLoadSchema = z.strictObject({
  loras: z
    .array(z.strictObject({ id: catalogueIdSchema, weight: numberBetween(-10, 10).default(1) }))
    .max(16)
    .optional(),
  embeddings: z.array(catalogueIdSchema).max(64).optional(),
  vae: catalogueIdSchema.optional(),
  ipAdapter: catalogueIdSchema
    .optional()
    .meta({ description: "makes the model take image prompts, style and layout references" }),
  precision: oneOf(["float32", "int8"]).optional(),
});
export type JobLoad = Readonly<z.output<typeof jobLoadSchema>>;

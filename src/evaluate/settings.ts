// What an evaluation may be asked for, apart from the model and its request.
import { explain, flag, nonEmptyText, wholeNumber, z } from "../schema/index.js";

export const evaluationSettingsSchema = z.strictObject({
  output: explain(nonEmptyText, "folder for the images and the report"),
  prompts: explain(
    wholeNumber(1, 1_000_000).default(1104),
    "approximate number of prompts, without synonyms and extra seeds",
  ),
  seed: explain(wholeNumber(0).default(0), "decides the prompts and the seeds of the images"),
  sprites: explain(nonEmptyText.default(".data/sprites"), 'folder that "nishiki data build" wrote'),
  classifier: explain(
    nonEmptyText.optional(),
    "folder of the classifier; the one that ships with the package where it is left out",
  ),
  looks: explain(
    flag.optional(),
    "also measure how clean images look, which trains two small networks; from 60 prompts on by default",
  ),
  clip: explain(
    nonEmptyText.optional(),
    "folder of a CLIPModel, or org/name in the hub's cache, that scores how like images are to their prompts",
  ),
});

/** The settings as a caller gives them: all but `output` have defaults. */
export type EvaluationSettings = Readonly<z.input<typeof evaluationSettingsSchema>>;

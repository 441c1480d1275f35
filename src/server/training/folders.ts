// Where trainings and evaluations keep their files, in the library's folder.
import { join } from "node:path";

/** LoRAs that were trained here; a models folder like any other. */
export const getOwnModelsFolder = (folder: string) => join(folder, "models");

export const getTrainingFolder = (folder: string, job: string) => join(folder, "trainings", job);

/** What trainings share and can make again. */
export const getPriorFolder = (folder: string) => join(folder, ".nishiki", "prior");

export const getEvaluationFolder = (folder: string, job: string) => join(folder, "evaluations", job);

/** Explanations can be made again, so they lie among what can be deleted. */
export const getExplanationFile = (folder: string, job: string) =>
  join(folder, ".nishiki", "explanations", `${job}.json`);

export { findSprites } from "../../inspect/node.js";

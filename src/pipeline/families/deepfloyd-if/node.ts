// DeepFloyd IF as a row of the table of families (node).
import type { Family } from "../node-family.js";
import { describeIf } from "./node-describe.js";
import { ifPipelines } from "./node-files.js";
import { openIfModel } from "./node-model.js";

/** Folders of stage 1 or stage 2, in diffusers' layout. */
export const deepFloydIfFamily: Family = {
  id: "deepfloyd-if",
  title: "DeepFloyd IF",
  loadOptions: ["superResolution", "precision"],
  detect: ({ pipelineClass }) => pipelineClass !== undefined && ifPipelines.includes(pipelineClass),
  open: ({ path, pipelineClass }, options) => openIfModel(path, pipelineClass!, options),
  describe: ({ path, pipelineClass }) => describeIf(path, pipelineClass!),
};

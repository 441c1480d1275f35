// Stable Diffusion's x4 upscaler as a row of the table of families (node).
import type { Family } from "../node-family.js";
import { describeUpscaler } from "./node-describe.js";
import { openUpscalerModel, upscalerPipelines } from "./node-model.js";

/** Folders in diffusers' layout, as stabilityai/stable-diffusion-x4-upscaler is published. */
export const upscalerFamily: Family = {
  id: "upscaler",
  title: "Stable Diffusion x4 upscaler",
  loadOptions: [],
  detect: ({ pipelineClass }) => pipelineClass !== undefined && upscalerPipelines.includes(pipelineClass),
  open: ({ path }, options) => openUpscalerModel(path, options),
  describe: ({ path }) => describeUpscaler(path),
};

// Stable Diffusion as a row of the table of families (node).
import { isSingleFile } from "../../../checkpoint/node.js";
import type { Family } from "../node-family.js";
import { describeStableDiffusion } from "./node-describe.js";
import { openStableDiffusionModel } from "./node-model.js";

/**
 * Stable Diffusion 1.x, 2.x and XL, as folders and as single files. It also takes folders of pipelines and files of formats
 * that it does not know, to say what they are.
 */
export const stableDiffusionFamily: Family = {
  id: "stable-diffusion",
  title: "Stable Diffusion",
  loadOptions: [
    "vae",
    "base",
    "previewVae",
    "prediction",
    "lora",
    "allowPartialLora",
    "embedding",
    "ipAdapter",
    "imageEncoder",
    "clip",
    "prior",
    "precision",
  ],
  detect: ({ path, pipelineClass }) => pipelineClass !== undefined || isSingleFile(path),
  open: ({ path }, options) => openStableDiffusionModel(path, options),
  describe: ({ path }) => describeStableDiffusion(path),
};

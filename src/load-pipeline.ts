// Where the rooms come together for Node: the pipeline's core, this machine's engine, and PNG files.

import { getSampler, getStepSchedule } from "./diffusion/index.js";
import { encodePng, formatParameters } from "./image/index.js";
import { type MachineSettings, Pipeline, type Pixels, type Receipt, receiptKey } from "./pipeline/index.js";
import { loadParts } from "./pipeline/node.js";

/** A PNG that brings its own history: the text that other programs read, and the receipt that `nishiki verify` reads. */
export function encodePicture(pixels: Pixels, receipt: Receipt): Uint8Array {
  const { request, model, version } = receipt;
  const parameters = formatParameters({
    prompt: request.prompt,
    negativePrompt: request.negative,
    fields: {
      Steps: request.steps,
      Sampler: getSampler(request.sampler).label,
      "Schedule type": request.schedule && getStepSchedule(request.schedule).label,
      "CFG scale": request.guidance,
      Seed: request.seed,
      Size: request.size,
      "Denoising strength": request.strength,
      "Variation seed": request.variationStrength ? request.variationSeed : undefined,
      "Variation seed strength": request.variationStrength || undefined,
      // That program counts the last layer as 1.
      "Deep features every": request.reuse,
      "Clip skip": request.clipSkip === undefined ? undefined : request.clipSkip + 1,
      Tiling: request.tile ? "True" : undefined,
      Model: `${model.name} ${model.version}`,
      Version: `nishiki ${version}`,
    },
  });
  return encodePng(pixels, { text: { parameters, [receiptKey]: JSON.stringify(receipt) } });
}

/**
 * Loads a model and makes it ready to draw.
 * @param settings The model's folder (default: the model that comes with the package), device and threads.
 * @throws NishikiError "usage", "file", "checkpoint", "device", "memory".
 */
export async function loadPipeline(settings: Partial<MachineSettings> = {}): Promise<Pipeline> {
  return new Pipeline({ ...(await loadParts(settings)), encodeFile: encodePicture });
}

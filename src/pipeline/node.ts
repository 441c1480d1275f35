// Models from files, into pipelines on this machine's devices (node).
import { resolveModel } from "../hub/index.js";
import { completeMachine } from "./complete-request.js";
import { embeddedModel } from "./families/nishiki/node-model.js";
import { openWithFamily } from "./families/node-families.js";
import type { OpenedModel } from "./families/node-family.js";
import type { MachineSettings } from "./machine.js";
import { Pipeline, type PipelineParts } from "./pipeline.js";

export { readKnownWords, writeKnownWords } from "./families/nishiki/node-known-words.js";
export { embeddedModel, hashModel, readModelFolder } from "./families/nishiki/node-model.js";
export { describeModel } from "./families/node-families.js";
export type { Family, ModelDescription, OpenedModel } from "./families/node-family.js";
export { hashFile, ownVersion } from "./node-environment.js";
export { type RequestWithFiles, readInputPicture, readPictures } from "./node-input-pictures.js";

/** Looks at a model. @throws NishikiError "usage", "file", "checkpoint" */
export async function openModel(settings: Partial<MachineSettings> = {}): Promise<OpenedModel> {
  const machine = completeMachine(settings);
  const path = machine.model === undefined ? embeddedModel : await resolveModel(machine.model);
  return openWithFamily(path, machine);
}

/**
 * Loads a model: everything that a pipeline is made of.
 * @throws NishikiError "usage", "file", "checkpoint", "device", "memory".
 */
export async function loadParts(settings: Partial<MachineSettings> = {}): Promise<PipelineParts> {
  return (await openModel(settings)).load();
}

/**
 * Loads a model and makes it ready to draw.
 * @param settings The model's folder (default: the model that comes with the package), device and threads.
 * @throws NishikiError "usage", "file", "checkpoint", "device", "memory".
 */
export async function loadPipeline(settings: Partial<MachineSettings> = {}): Promise<Pipeline> {
  return new Pipeline(await loadParts(settings));
}

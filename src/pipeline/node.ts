// Models from files, into pipelines on this machine's devices (node).
import { isDiffusersFolder, isSingleFile } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { resolveModel } from "../hub/cache.js";
import { completeMachine } from "./complete-request.js";
import type { MachineSettings } from "./machine.js";
import { openOwnModel, readModelFolder } from "./node-own-model.js";
import { openStableDiffusionModel } from "./node-stable-diffusion.js";
import { Pipeline, type PipelineParts } from "./pipeline.js";
import type { RequestContext } from "./request.js";

export { hashFile, ownVersion } from "./node-environment.js";
export { type RequestWithFiles, readInputPicture, readPictures } from "./node-input-pictures.js";
export { readKnownWords, writeKnownWords } from "./node-known-words.js";
export { embeddedModel, hashModel, readModelFolder } from "./node-own-model.js";

/** A model whose files were looked at, but not loaded: enough to check a request against it. */
export interface OpenedModel {
  readonly context: RequestContext;
  /** Makes it ready to draw. */
  load(): Promise<PipelineParts>;
}

/** Looks at a model. @throws NishikiError "usage", "file", "checkpoint" */
export async function openModel(settings: Partial<MachineSettings> = {}): Promise<OpenedModel> {
  const machine = completeMachine(settings);
  const model = machine.model === undefined ? undefined : await resolveModel(machine.model);
  if (model !== undefined && (isSingleFile(model) || (await isDiffusersFolder(model))))
    return openStableDiffusionModel(model, machine);
  for (const name of ["vae", "previewVae", "prediction", "embedding", "precision"] as const) {
    if (machine[name] === undefined) continue;
    if (model !== undefined) await readModelFolder(model); // that there is none is the first thing to tell
    throw new NishikiError(
      "usage",
      `${name}: only Stable Diffusion takes that setting, and this is another model.`,
    );
  }
  return openOwnModel(model === undefined ? machine : { ...machine, model });
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

// Loads models from files into pipelines on this machine's devices (node).
import { getPackageFile } from "../engine/node.js";
import { resolveModel } from "../hub/index.js";
import { openWithFamily } from "./families/node-families.js";
import type { OpenedModel } from "./families/node-family.js";
import { completeLoadOptions, type LoadOptions } from "./load-options.js";
import { Pipeline, type PipelineParts } from "./pipeline.js";
import type { Runtime } from "./runtime.js";

export { type EnlargeOptions, enlargeByNetwork } from "./families/nishiki/node-enlarge.js";
export { hashModel, readModelBase } from "./families/nishiki/node-hashes.js";
export { readKnownWords, writeKnownWords } from "./families/nishiki/node-known-words.js";
export { embeddedModel, readModelFolder } from "./families/nishiki/node-model.js";
export { describeModel, getModelFamily } from "./families/node-families.js";
export type { Family, ModelDescription, OpenedModel } from "./families/node-family.js";
export { hashFile, ownVersion } from "./node-environment.js";
export { foresee, keepDrawing, type Measured, type Outlook } from "./node-foresee.js";
export {
  type ReadMask,
  readImages,
  readInputImage,
  readMask,
  readReferencedImage,
} from "./node-input-images.js";
export { readMachineSpeed } from "./node-machine-speed.js";
export { type Memory, readMemory } from "./node-memory.js";
export { findLoras, readModelAliases, readWildcards } from "./node-prompt-files.js";
export { besideImage, restoreLoad } from "./node-restore-load.js";
export { type Clip, type ClipOptions, loadClip } from "./vision/node-clip.js";

/**
 * Reads a model's configs and headers without loading its weights: enough to check a request.
 * @param options As for `loadPipeline`.
 * @throws NishikiError "usage", "file", "checkpoint"
 *
 * @example
 * ```ts
 * import { openModel } from "nishiki";
 *
 * const model = await openModel();
 * console.log(model.context.sizes.usual); // → { width: 256, height: 256 }
 * ```
 */
export async function openModel(options: LoadOptions = {}, runtime: Runtime = {}): Promise<OpenedModel> {
  const complete = completeLoadOptions(options);
  // Not `embeddedModel`: getPackageFile throws with a remedy if the package folder is missing.
  const path = complete.model === undefined ? getPackageFile("weights") : await resolveModel(complete.model);
  return openWithFamily(path, complete, runtime);
}

/**
 * Loads the parts of a pipeline.
 * @throws NishikiError "usage", "file", "checkpoint", "device", "memory", "aborted".
 */
export async function loadParts(options: LoadOptions = {}, runtime: Runtime = {}): Promise<PipelineParts> {
  return (await openModel(options, runtime)).load(runtime);
}

/**
 * Loads a model as a pipeline that is ready to draw.
 * @param options The model (default: the embedded one), added files, device and threads.
 * @param runtime A signal that cancels loading, a progress callback, and a session pool to share between models.
 * @throws NishikiError "usage", "file", "checkpoint", "device", "memory", "aborted".
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { loadPipeline } from "nishiki";
 *
 * const pipeline = await loadPipeline();
 * for await (const event of pipeline.generate({ prompt: "a cat", seed: 1, steps: 4 })) {
 *   if (event.kind === "step") console.log(`${event.step} of ${event.steps}`);
 *   if (event.kind === "image") await writeFile("cat.png", event.png());
 * }
 * await pipeline.dispose();
 * // → 1 of 4
 * // → 2 of 4
 * // → 3 of 4
 * // → 4 of 4
 * ```
 */
export async function loadPipeline(options: LoadOptions = {}, runtime: Runtime = {}): Promise<Pipeline> {
  return new Pipeline(await loadParts(options, runtime));
}

// The form in which a Stable Diffusion denoiser's weights are held (node).
import { createHash } from "node:crypto";
import { getWeightCache, openInt8Weights, type StableDiffusionFiles } from "../../../checkpoint/node.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { hashFile } from "../../node-environment.js";

/** Changes with the rule by which weights become int8. */
const form = "unet rows 1";

/**
 * The model with its denoiser's weights in that form.
 * @throws NishikiError "file", "checkpoint", "aborted"
 */
export async function withPrecision(
  files: StableDiffusionFiles,
  precision: CompleteLoadOptions["precision"],
  signal?: AbortSignal,
): Promise<StableDiffusionFiles> {
  if (precision !== "int8") return files;
  const paths = [...new Set([...files.unet.weights.values()].map(({ file }) => file))];
  const hash = createHash("sha256").update(form);
  for (const path of paths) hash.update(await hashFile(path, signal));
  const weights = await openInt8Weights(files.unet.weights, hash.digest("hex"), getWeightCache(), signal);
  return { ...files, unet: { ...files.unet, weights } };
}

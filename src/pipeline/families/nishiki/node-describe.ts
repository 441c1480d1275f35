// What a folder with a `model.json` holds. Only headers are read.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors } from "../../../checkpoint/node.js";
import { countNumbers, countTypes, type Description, formatBytes, formatCount } from "../../description.js";
import type { ModelDescription } from "../node-family.js";
import type { ModelPart } from "./manifest.js";
import { readModelFolder } from "./node-model.js";

async function describePart(folder: string, name: string, part: ModelPart): Promise<Description> {
  const path = join(folder, part.file);
  const { size } = await stat(path).catch(() => ({ size: undefined }));
  if (size === undefined) return { title: name, values: { file: `${part.file}, which is missing` } };
  const tensors = [...(await openSafetensors(path)).tensors];
  return {
    title: name,
    values: {
      architecture: part.architecture,
      file: `${part.file}, ${formatBytes(size)}`,
      tensors: `${tensors.length} (${countTypes(tensors)}), ${formatCount(countNumbers(tensors))} numbers`,
      "SHA-256": part.sha256,
    },
  };
}

/** A folder with a `model.json`. @throws NishikiError "file", "checkpoint" */
export async function describeModel(folder: string): Promise<ModelDescription> {
  const manifest = await readModelFolder(folder);
  const { name, version, licence, pictureSize, maxTokens, prediction, latents, defaults, parts } = manifest;
  const description = {
    title: `${folder}: model ${name} ${version}`,
    values: {
      licence,
      images: `${pictureSize}x${pictureSize} pixels from latents of ${latents.shape.join("x")}`,
      prompts: `up to ${maxTokens} tokens`,
      predicts: prediction,
      defaults: Object.entries(defaults)
        .map((entry) => entry.join(" "))
        .join(", "),
    },
    parts: await Promise.all(Object.entries(parts).map(([key, part]) => describePart(folder, key, part))),
  };
  return { what: `${name} ${version}`, size: pictureSize, licence, maxTokens, description };
}

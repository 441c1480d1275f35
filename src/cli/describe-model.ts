// What a model folder or a weight file holds. Only headers are read.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, openWeights, type WeightLocation } from "../checkpoint/node.js";
import type { ModelPart } from "../pipeline/index.js";
import { readModelFolder } from "../pipeline/node.js";
import { type Description, formatBytes, formatCount } from "./description.js";

type Places = readonly (readonly [name: string, place: Pick<WeightLocation, "dtype" | "shape" | "length">])[];

function countNumbers(tensors: Places): number {
  return tensors.reduce((sum, [, { shape }]) => sum + shape.reduce((product, side) => product * side, 1), 0);
}

/** "12 f32, 30 i8" */
function countTypes(tensors: Places): string {
  const counts = new Map<string, number>();
  for (const [, { dtype }] of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].map(([dtype, count]) => `${count} ${dtype}`).join(", ");
}

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
export async function describeModel(folder: string): Promise<Description> {
  const manifest = await readModelFolder(folder);
  const { name, version, licence, pictureSize, maxTokens, prediction, latents, defaults, parts } = manifest;
  return {
    title: `${folder}: model ${name} ${version}`,
    values: {
      licence,
      pictures: `${pictureSize}x${pictureSize} pixels from latents of ${latents.shape.join("x")}`,
      prompts: `up to ${maxTokens} tokens`,
      predicts: prediction,
      defaults: Object.entries(defaults)
        .map((entry) => entry.join(" "))
        .join(", "),
    },
    parts: await Promise.all(Object.entries(parts).map(([key, part]) => describePart(folder, key, part))),
  };
}

/** A `.safetensors` file, an index of shards, or a folder that holds one. @throws NishikiError "file", "checkpoint" */
export async function describeWeights(path: string): Promise<Description> {
  const isOneFile = path.endsWith(".safetensors") || !(await stat(path)).isDirectory();
  const metadata = isOneFile && !path.endsWith(".json") ? (await openSafetensors(path)).metadata : {};
  const tensors = [...(await openWeights(path))];
  const bytes = tensors.reduce((sum, [, { length }]) => sum + length, 0);
  const rows = tensors.map(([name, { dtype, shape, length }]) => [
    name,
    `${dtype} [${shape.join(", ")}], ${formatBytes(length)}`,
  ]);
  const parts: Description[] = [];
  if (Object.keys(metadata).length > 0) parts.push({ title: "Metadata", values: metadata });
  parts.push({ title: "Tensors", values: Object.fromEntries(rows) });
  return {
    title: `${path}: safetensors`,
    values: {
      tensors: `${tensors.length} (${countTypes(tensors)})`,
      numbers: formatCount(countNumbers(tensors)),
      size: formatBytes(bytes),
    },
    parts,
  };
}

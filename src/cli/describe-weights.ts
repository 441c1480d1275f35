// What a weight file holds. Only headers are read.
import { stat } from "node:fs/promises";
import { openSafetensors, openWeights, type WeightLocation } from "../checkpoint/node.js";
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

/** A `.safetensors` file, an index of shards, or a folder that holds one. @throws NishikiError "file", "checkpoint" */
export async function describeWeights(path: string): Promise<Description> {
  const isOneFile = /\.safetensors$/i.test(path) || !(await stat(path)).isDirectory();
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

// What a weight file holds. Only headers are read.
import { stat } from "node:fs/promises";
import { openSafetensors, openWeights } from "../checkpoint/node.js";
import { countNumbers, countTypes } from "../pipeline/index.js";
import { type Description, formatBytes, formatCount } from "./description.js";

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

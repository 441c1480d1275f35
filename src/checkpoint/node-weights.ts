// All tensors of a model as one map, whether it is one file, several shards with an index, or a folder
// (node).
// The index (`*.safetensors.index.json`) is the one that transformers and diffusers write:
// {"metadata": {…}, "weight_map": {"tensor name": "file name"}}.

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listSome, NishikiError, quote } from "../errors.js";
import { joinScales } from "./eight-bit.js";
import { fileError } from "./node-atomic.js";
import { openSafetensors, type SafetensorsFile, type WeightLocation } from "./node-file.js";
import { listNames } from "./node-text.js";
import { withoutBom } from "./text.js";

/** A model's tensors by name. */
export type Weights = ReadonlyMap<string, WeightLocation>;

/** "model.safetensors.index.json", or "model.safetensors.index.fp16.json" for a variant. */
const INDEX = /\.safetensors\.index(\.\w+)?\.json$/i;

/** Preferred file names in a folder with several files, most precise first (diffusers, transformers). */
const usualNames = [
  "diffusion_pytorch_model.safetensors",
  "model.safetensors",
  "diffusion_pytorch_model.fp16.safetensors",
  "model.fp16.safetensors",
];

/** "model.fp16.safetensors" → "model.safetensors.index.fp16.json". */
const getIndexName = (name: string): string =>
  name.replace(/^(\w+)(\.\w+)?\.safetensors$/, "$1.safetensors.index$2.json");

function refuse(file: string, reason: string): never {
  throw new NishikiError("checkpoint", `${file} cannot be used: ${reason}.`);
}

/** Reads and checks an index: tensor name → shard's file name, which must be in the same folder. */
function parseIndex(text: string, file: string): Map<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(withoutBom(text));
  } catch (error) {
    throw new NishikiError("checkpoint", `${file} cannot be used: it is not valid JSON.`, { cause: error });
  }
  const map =
    typeof value === "object" && value !== null && "weight_map" in value ? value.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    return refuse(file, "its weight_map from tensor names to file names is missing");
  }
  const shards = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !/^[^/\\]+\.safetensors$/i.test(shard)) {
      refuse(
        file,
        `it maps tensor ${quote(name)} to ${quote(String(JSON.stringify(shard)))}, which is not a safetensors file in the same folder`,
      );
    }
    shards.set(name, shard);
  }
  return shards;
}

function addAll(
  weights: Map<string, WeightLocation>,
  file: SafetensorsFile,
  isIncluded: (name: string) => boolean,
): void {
  for (const { name, dtype, shape, offset, length } of file.tensors.values()) {
    if (!isIncluded(name)) continue;
    const other = weights.get(name);
    if (other)
      refuse(
        file.path,
        `tensor ${quote(name)} is also in ${other.file}, and the index does not say which one counts`,
      );
    weights.set(name, { dtype, shape, file: file.path, offset, length });
  }
}

async function openShards(indexPath: string): Promise<Weights> {
  const text = await readFile(indexPath, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${indexPath}`);
  });
  const shardNames = parseIndex(text, indexPath);
  const weights = new Map<string, WeightLocation>();
  for (const shard of [...new Set(shardNames.values())].sort()) {
    const file = await openSafetensors(join(dirname(indexPath), shard));
    addAll(weights, file, (name) => (shardNames.get(name) ?? shard) === shard);
  }
  const missing = [...shardNames.keys()].filter((name) => !weights.has(name));
  if (missing.length > 0) {
    refuse(
      indexPath,
      `${missing.length} of its tensors are missing from the files that it names: ${listSome(missing.map(quote))}`,
    );
  }
  return weights;
}

/** Finds the one file or index in a folder that holds its weights. */
async function chooseInFolder(folder: string): Promise<string> {
  // macOS writes "._NAME" beside NAME on foreign disks: attributes, not weights.
  const names = (await listNames(folder)).filter((name) => !name.startsWith("._"));
  const indices = names.filter((name) => INDEX.test(name));
  const files = names.filter((name) => /\.safetensors$/i.test(name));
  const usual = usualNames.flatMap((name) => [name, getIndexName(name)]);
  const chosenName = usual.find((name) => names.includes(name)) ?? (indices.length > 0 ? indices : files)[0];
  const isSure =
    (chosenName !== undefined && usual.includes(chosenName)) ||
    indices.length === 1 ||
    (indices.length === 0 && files.length === 1);
  if (chosenName !== undefined && isSure) return join(folder, chosenName);
  if (chosenName !== undefined)
    return refuse(
      folder,
      `it has several weight files; name one of them: ${listSome([...indices, ...files].map(quote))}`,
    );
  const pickles = names.filter((name) => /\.(ckpt|bin|pt|pth)$/i.test(name));
  if (pickles.length > 0) {
    refuse(
      folder,
      `it has only pickled checkpoints (${listSome(pickles.map(quote))}), which run code when loaded; use the .safetensors version`,
    );
  }
  return refuse(folder, "it has no .safetensors file");
}

/**
 * Opens a model's weights: a `.safetensors` file, an index of shards, or a folder that holds one of these.
 * Reads only headers.
 *
 * @throws NishikiError `file` if something cannot be read, `checkpoint` if it is malformed or ambiguous
 */
export async function openWeights(path: string): Promise<Weights> {
  const entryStats = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const file = entryStats.isDirectory() ? await chooseInFolder(path) : path;
  if (INDEX.test(basename(file))) return joinScales(await openShards(file), file);
  const weights = new Map<string, WeightLocation>();
  addAll(weights, await openSafetensors(file), () => true);
  return joinScales(weights, file);
}

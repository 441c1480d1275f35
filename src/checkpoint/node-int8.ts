// Weights as int8 rows with one scale each, made once from a model's files and kept in a folder of the user's cache (node).
// value = code · scale[row], symmetric, the row's largest magnitude at 127.
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { readWeightFloat32, type TensorSource, type WeightLocation, writeSafetensors } from "./node-file.js";
import { expandHome, makeFolder } from "./node-folder.js";
import { openWeights, type Weights } from "./node-weights.js";

/** Smaller tensors stay float32, and so do those from or to few channels: the first layer and the last. */
const leastNumbers = 1 << 12;
const leastChannels = 16;

/** Where prepared weights are kept: NISHIKI_CACHE, else `nishiki` in XDG_CACHE_HOME or ~/.cache. */
export function getWeightCache(
  variables: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const base = variables.XDG_CACHE_HOME || join(homedir(), ".cache");
  return expandHome(variables.NISHIKI_CACHE || join(base, "nishiki"));
}

export interface Int8Rows {
  readonly codes: Int8Array;
  /** One for each row. */
  readonly scales: Float32Array;
}

/** `values [rows, …]` as codes from -127 to 127, rounded to nearest, ties away from zero; a row of zeros has scale 1. */
export function quantizeRows(values: Float32Array, rows: number): Int8Rows {
  const width = values.length / rows;
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * width, (row + 1) * width];
    let most = 0;
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(values[i]!));
    const scale = Math.fround(most / 127) || 1;
    scales[row] = scale;
    for (let i = from; i < to; i++) {
      const ratio = values[i]! / scale;
      codes[i] = Math.max(-127, Math.min(127, Math.sign(ratio) * Math.round(Math.abs(ratio))));
    }
  }
  return { codes, scales };
}

function sourcesOf(name: string, place: WeightLocation): TensorSource[] {
  const { shape } = place;
  const count = shape.reduce((a, b) => a * b, 1);
  const values = () => readWeightFloat32(place);
  const [rows = 0, inner = 0] = shape;
  if (Math.min(rows, inner) < leastChannels || count < leastNumbers || place.transposed) {
    const kept = place.transposed ? [...shape].reverse() : shape;
    return [{ name, dtype: "f32", shape: kept, data: values }];
  }
  const quantize = async () => quantizeRows(await values(), rows);
  return [
    { name, dtype: "i8", shape, data: async () => (await quantize()).codes },
    { name: `${name}.scale`, dtype: "f32", shape: [rows], data: async () => (await quantize()).scales },
  ];
}

/**
 * The same weights with large matrices as int8, written where they are not yet.
 * @param hash Of the content that the weights were read from: the name in the cache.
 * @throws NishikiError "file" where the cache cannot be written, "checkpoint" where weights are no floats.
 */
export async function openInt8Weights(weights: Weights, hash: string, cache: string): Promise<Weights> {
  const path = join(cache, "int8", `${hash}.safetensors`);
  const isThere = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isThere) {
    await makeFolder(join(cache, "int8"));
    const tensors = [...weights].flatMap(([name, place]) => sourcesOf(name, place));
    await writeSafetensors(path, tensors, { source: hash });
  }
  const found = new Map(await openWeights(path));
  for (const [name, { transposed, shape }] of weights) {
    if (transposed) found.set(name, { ...found.get(name)!, shape, transposed });
  }
  return found;
}

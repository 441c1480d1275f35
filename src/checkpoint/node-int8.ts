// Weights as int8 rows with one scale each, converted once from a model's files and stored in the user's
// cache (node).
// value = code · scale[row], symmetric; the row's largest magnitude maps to 127.
import { createHash } from "node:crypto";
import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { NishikiError, quote } from "../errors.js";
import { readWeightFloat32, type TensorSource, type WeightLocation, writeSafetensors } from "./node-file.js";
import { makeFolder } from "./node-folder.js";
import { getCacheLimit, getInt8Folder, getWeightCache, trimWeightCache } from "./node-weight-cache.js";
import { openWeights, type Weights } from "./node-weights.js";

/** Smaller tensors stay float32, as do the first and last layers, which have few input or output channels. */
const leastNumbers = 1 << 12;
const leastChannels = 16;

export interface Int8Rows {
  readonly codes: Int8Array;
  /** One per row. */
  readonly scales: Float32Array;
}

/**
 * Quantizes `values [rows, …]` to codes from -127 to 127, rounding half away from zero; a row of zeros has
 * scale 1.
 */
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

function isNarrowed({ shape, transposed }: WeightLocation): boolean {
  const [rows = 0, inner = 0] = shape;
  const count = shape.reduce((a, b) => a * b, 1);
  return Math.min(rows, inner) >= leastChannels && count >= leastNumbers && !transposed;
}

/**
 * Writes codes to one file and everything else to another: reads each matrix once and holds its scales in
 * memory.
 */
async function writeInt8Weights(
  weights: Weights,
  { codes, rest }: Int8Files,
  about: Record<string, string>,
  signal: AbortSignal | undefined,
) {
  const read = async (place: WeightLocation) => {
    if (signal?.aborted)
      throw new NishikiError("aborted", "Stopped: the caller cancelled.", { cause: signal.reason });
    return readWeightFloat32(place);
  };
  const scales = new Map<string, Float32Array>();
  const [narrowed, unchanged]: [TensorSource[], TensorSource[]] = [[], []];
  for (const [name, place] of weights) {
    const { shape, transposed } = place;
    const [rows = 0] = shape;
    if (!isNarrowed(place)) {
      const stored = transposed ? [...shape].reverse() : shape;
      unchanged.push({ name, dtype: "f32", shape: stored, data: () => read(place) });
      continue;
    }
    const quantize = async () => {
      const values = await read(place);
      if (!values.every(Number.isFinite)) throw damaged(name, place);
      const quantized = quantizeRows(values, rows);
      scales.set(name, quantized.scales);
      return quantized.codes;
    };
    narrowed.push({ name, dtype: "i8", shape, data: quantize });
    unchanged.push({ name: `${name}.scale`, dtype: "f32", shape: [rows], data: () => scales.get(name)! });
  }
  await writeSafetensors(codes, narrowed, about);
  await writeSafetensors(rest, unchanged, about);
}

function damaged(name: string, { file }: WeightLocation): NishikiError {
  const message = `${file} is damaged: ${quote(name)} has non-finite numbers. Download it again.`;
  return new NishikiError("checkpoint", message);
}

interface Int8Files {
  readonly codes: string;
  readonly rest: string;
}

/**
 * Opens the weights with large matrices as int8, converting them if they are not cached. Evicts the least
 * recently used files if the cache exceeds its limit.
 * @param hash Hash of the weights' source, which names the entry in the cache.
 * @throws NishikiError "file" if the cache cannot be written, "checkpoint" if weights are not floats,
 *   "aborted".
 */
export async function openInt8Weights(
  weights: Weights,
  hash: string,
  cache: string,
  signal?: AbortSignal,
): Promise<Weights> {
  const folder = getInt8Folder(cache);
  const files = {
    codes: join(folder, `${hash}.codes.safetensors`),
    rest: join(folder, `${hash}.rest.safetensors`),
  };
  // The second file is written last, so its presence means that both are complete.
  if (await isFile(files.rest)) await touch(Object.values(files));
  else {
    await makeFolder(folder);
    const [first] = weights.values();
    await writeInt8Weights(weights, files, { source: hash, ...(first && { file: first.file }) }, signal);
    await trimWeightCache(cache, getCacheLimit(), hash);
  }
  const opened = new Map([...(await openWeights(files.codes)), ...(await openWeights(files.rest))]);
  for (const [name, { transposed, shape }] of weights) {
    if (transposed) opened.set(name, { ...opened.get(name)!, shape, transposed });
  }
  return opened;
}

/** Changes with the rule by which weights become int8. */
const rule = "rows 1";

/**
 * {@link openInt8Weights} in the user's cache, under the hash of the files that hold the weights.
 * @param hashFile Hashes a file.
 * @throws NishikiError "file", "checkpoint", "aborted"
 */
export async function openInt8Of(
  weights: Weights,
  hashFile: (path: string, signal?: AbortSignal) => Promise<string>,
  signal?: AbortSignal,
): Promise<Weights> {
  const paths = [...new Set([...weights.values()].map(({ file }) => file))];
  const hash = createHash("sha256").update(rule);
  for (const path of paths) hash.update(await hashFile(path, signal));
  return openInt8Weights(weights, hash.digest("hex"), getWeightCache(), signal);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/** Updates the files' access times; a read-only cache is acceptable. */
async function touch(paths: readonly string[]): Promise<void> {
  const now = new Date();
  await Promise.all(paths.map((path) => utimes(path, now, now).catch(() => {})));
}

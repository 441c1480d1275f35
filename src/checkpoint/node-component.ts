// A network of a published model on disk (node): config.json and weights in one folder, including the names
// that older versions of diffusers used.
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { readableDtypes } from "../engine/index.js";
import { NishikiError, quote } from "../errors.js";
import { fileError } from "./node-atomic.js";
import type { WeightLocation } from "./node-file.js";
import { openWeights, type Weights } from "./node-weights.js";
import { withoutBom } from "./text.js";

export type Json = Readonly<Record<string, unknown>>;

/** A network: its published config, and its tensors by diffusers' or transformers' names. */
export interface ModelComponent {
  readonly config: Json;
  readonly weights: Weights;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Python writes infinities as words, which JSON lacks: "lambda_min_clipped": -Infinity. */
function withNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\bInfinity\b/g, (token) => (token === "Infinity" ? "1e999" : token));
}

/** @throws NishikiError "file", "checkpoint" */
export async function readJson(path: string): Promise<Json> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  try {
    const value: unknown = JSON.parse(withNumbers(withoutBom(text)));
    if (isRecord(value)) return value;
  } catch (error) {
    throw new NishikiError("checkpoint", `${path} cannot be used: it is not valid JSON.`, { cause: error });
  }
  throw new NishikiError("checkpoint", `${path} cannot be used: it is not a JSON object.`);
}

/**
 * Refuses unsupported number types before anything is loaded.
 * @param what The network in error messages: "the denoiser".
 * @throws NishikiError "checkpoint"
 */
export function checkReadable(weights: Weights, what: string, path: string): void {
  const others = [...weights].filter(([, { dtype }]) => !readableDtypes.includes(dtype));
  const [first] = others;
  if (!first) return;
  const types = [...new Set(others.map(([, { dtype }]) => dtype))].join(", ");
  throw new NishikiError(
    "checkpoint",
    `${path} cannot be used: ${others.length} tensors of ${what}, such as ${quote(first[0])}, are stored as ${types}. ` +
      "Use the float16 version of the model.",
  );
}

export type Rename = (name: string) => string;

/** Renames an autoencoder's attention from before diffusers 0.12. */
export const autoencoderName: Rename = (name) =>
  name.replace(
    /(mid_block\.attentions\.\d+)\.(query|key|value|proj_attn)\./,
    (_, block, part: keyof typeof attentionNames) => `${block}.${attentionNames[part]}.`,
  );
const attentionNames = { query: "to_q", key: "to_k", value: "to_v", proj_attn: "to_out.0" };

/** transformers 5 saves text encoders without a prefix. */
export const textEncoderName: Rename = (name) =>
  /^(embeddings|encoder|final_layer_norm)\./.test(name) ? `text_model.${name}` : name;

/** A 1×1 convolution holds the same numbers as the matrix that replaced it. */
export function currentShape(name: string, place: WeightLocation): WeightLocation {
  const { shape } = place;
  const isMatrix = /\.to_(q|k|v|out\.0)\.weight$/.test(name);
  return isMatrix && shape.length === 4 ? { ...place, shape: shape.slice(0, 2) } : place;
}

/** @throws NishikiError "file", "checkpoint" */
export async function openComponent(
  folder: string,
  rename: Rename = (originalName) => originalName,
): Promise<ModelComponent> {
  const config = await readJson(join(folder, "config.json"));
  const places = [...(await openWeights(folder))].map(
    ([name, place]) => [rename(name), currentShape(rename(name), place)] as const,
  );
  return { config, weights: new Map(places) };
}

/** Whether a path names a single-file checkpoint; decided by the extension alone. */
export function isSingleFile(path: string): boolean {
  return /\.(safetensors|ckpt|pt|pth|bin|gguf|onnx)$/i.test(path);
}

/** @throws NishikiError "checkpoint" for files that are not safetensors. */
export function refuseOtherFormats(path: string): void {
  const kind = extname(path).toLowerCase();
  if (kind === ".safetensors") return;
  const reason =
    kind === ".gguf" || kind === ".onnx"
      ? `${kind.slice(1).toUpperCase()} files are made for another program`
      : "it is a pickle, which can run arbitrary code when loaded";
  const cure = "Use the .safetensors file of the model, which nearly all publishers provide";
  throw new NishikiError("checkpoint", `${path} is not supported: ${reason}. ${cure}.`);
}

// Hashes of a model folder's files: all for receipts, the weights' for LoRAs (node).
import { join } from "node:path";
import { digestWeights, type LoraBase, openWeights } from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import { hashFile } from "../../node-environment.js";
import type { ModelManifest } from "./manifest.js";

interface ListedFile {
  readonly file: string;
  /** Expected SHA-256. */
  readonly sha256?: string | undefined;
}

async function hashChecked(
  folder: string,
  { file, sha256 }: ListedFile,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = await hashFile(join(folder, file), signal);
  if (sha256 === undefined || sha256 === hash) return hash;
  const reason = "its SHA-256 differs from the one in model.json: it is damaged or of another version";
  throw new NishikiError(
    "checkpoint",
    `${join(folder, file)} cannot be used: ${reason}. Copy the model again.`,
  );
}

/**
 * SHA-256 of every file that affects pixels, by name.
 * @throws NishikiError "checkpoint" for a file whose hash differs from the manifest's
 */
export async function hashModel(
  folder: string,
  { tokenizer, parts, words }: ModelManifest,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const listed = [
    { file: "model.json" },
    { file: tokenizer },
    ...Object.values(parts),
    ...(words ? [words] : []),
  ];
  const hashes: Record<string, string> = {};
  for (const one of listed) hashes[one.file] = await hashChecked(folder, one, signal);
  return hashes;
}

/**
 * A model folder as what LoRAs are trained for. The denoiser's hash is the manifest's, which loading the model checks.
 * @throws NishikiError "checkpoint" for a damaged autoencoder, "file", "aborted"
 */
export async function readModelBase(
  folder: string,
  { name, version, parts }: ModelManifest,
  signal?: AbortSignal,
): Promise<LoraBase> {
  const autoencoder = await hashChecked(folder, parts.autoencoder, signal);
  const denoiser = parts.denoiser.sha256 ?? (await hashFile(join(folder, parts.denoiser.file), signal));
  const weights = await openWeights(join(folder, parts.autoencoder.file));
  const prefix = "encoder.";
  const hasEncoder = [...weights.keys()].some((tensor) => tensor.startsWith(prefix));
  const encoder = hasEncoder ? await digestWeights(weights, prefix) : undefined;
  return { name, version, weights: { denoiser, autoencoder, encoder } };
}

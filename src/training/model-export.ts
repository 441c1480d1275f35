// Exports runs as a model folder for `nishiki "…" --model FOLDER`.
import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { float32ToF16 } from "../checkpoint/index.js";
import {
  fileError,
  makeFolder,
  openSafetensors,
  readTextFile,
  writeFileAtomic,
  writeSafetensors,
} from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import type { AutoencoderConfig, DenoiserConfig } from "../models/index.js";
import { miniLmConfigs } from "../models/index.js";
import { type ModelDefaults, type ModelManifest, parseManifest } from "../pipeline/index.js";
import { hashFile } from "../pipeline/node.js";
import { chooseAverages } from "./averages.js";
import { checkpointPath } from "./checkpoint.js";
import type { LatentStatistics } from "./tasks/encoded-scenes.js";

export interface ModelExport {
  /** The two runs' folders, or `.safetensors` files of weights. */
  readonly autoencoder: { readonly run: string; readonly network: AutoencoderConfig };
  readonly denoiser: { readonly run: string; readonly network: DenoiserConfig };
  /** Folder with `text-encoder.safetensors` and `tokenizer.json`. */
  readonly textEncoder: string;
  readonly statistics: LatentStatistics;
  readonly maxTokens: number;
  readonly pictureSize: number;
  readonly defaults: ModelDefaults;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** What the images show, if they are composed scenes. */
  readonly scenes?: ModelManifest["scenes"];
  readonly output: string;
}

const textFiles = ["text-encoder.safetensors", "tokenizer.json"] as const;

/**
 * Writes weights as float16 (vectors stay float32: they are small, and normalisation is sensitive to them)
 * and `model.json`. For a run, exports the moving averages.
 * @returns total size of the files in bytes
 * @throws NishikiError "file", "checkpoint"
 */
export async function exportModel(model: ModelExport): Promise<number> {
  const { output, textEncoder } = model;
  await makeFolder(output);
  await writeHalf(model.autoencoder.run, join(output, "autoencoder.safetensors"), isAutoencoderWeight);
  await writeHalf(model.denoiser.run, join(output, "denoiser.safetensors"));
  for (const name of textFiles) await copyInto(join(textEncoder, name), join(output, name));
  const manifest = await describe(model);
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  parseManifest(text); // check that the manifest can be read
  await writeFileAtomic(join(output, "model.json"), text);
  const files = ["autoencoder.safetensors", "denoiser.safetensors", ...textFiles, "model.json"];
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(output, name))).size));
  return sizes.reduce((a, b) => a + b, 0);
}

async function copyInto(from: string, to: string): Promise<void> {
  if (from === to) return;
  await copyFile(from, to).catch((error: unknown) => {
    throw fileError(error, `copy ${from} to ${to}`);
  });
}

/** Encoder and decoder: a run may have trained a discriminator with them. */
const isAutoencoderWeight = (name: string) => /^(en|de)coder\./.test(name);

/** Writes a run's moving averages, or the weights of a file, as float16. Default: all of them. */
export async function writeHalf(run: string, to: string, includes = (_name: string) => true): Promise<void> {
  const file = await openSafetensors(run.endsWith(".safetensors") ? run : checkpointPath(run));
  const chosen = chooseAverages(file.tensors).filter(([name]) => includes(name));
  if (chosen.length === 0)
    throw new NishikiError(
      "checkpoint",
      `${run} holds no weights. Choose a run's folder or a file of weights.`,
    );
  const half = ({ shape }: { readonly shape: readonly number[] }) => shape.length > 1;
  const tensors = chosen.map(([name, entry]) => ({
    name,
    dtype: half(entry) ? ("f16" as const) : ("f32" as const),
    shape: [...entry.shape],
    data: async () => {
      const data = await file.readFloat32(entry.name);
      return half(entry) ? float32ToF16(data) : data;
    },
  }));
  await writeSafetensors(to, tensors, { format: "nishiki" });
}

/**
 * Replaces a model folder's denoiser by other weights of the same network.
 * @throws NishikiError "file", "checkpoint"
 */
export async function replaceDenoiser(run: string, folder: string): Promise<void> {
  const path = join(folder, "model.json");
  const manifest = parseManifest(await readTextFile(path), path);
  const file = "denoiser.safetensors";
  await writeHalf(run, join(folder, file));
  const denoiser = { ...manifest.parts.denoiser, file, sha256: await hashFile(join(folder, file)) };
  const { words: _words, scenes: _scenes, ...rest } = manifest; // it learned others
  const { fast: _, ...parts } = manifest.parts; // was distilled from the old one
  await writeFileAtomic(path, `${JSON.stringify({ ...rest, parts: { ...parts, denoiser } }, null, 2)}\n`);
}

/**
 * Replaces a model folder's autoencoder. The new one must have the same encoder, or the denoiser would not fit.
 * @param run the autoencoder's run, or a `.safetensors` file of encoder and decoder
 * @throws NishikiError "file", "checkpoint"
 */
export async function replaceAutoencoder(
  run: string,
  network: AutoencoderConfig,
  folder: string,
): Promise<void> {
  const path = join(folder, "model.json");
  const manifest = parseManifest(await readTextFile(path), path);
  const file = "autoencoder.safetensors";
  await writeHalf(run, join(folder, file), isAutoencoderWeight);
  const sha256 = await hashFile(join(folder, file));
  const autoencoder = { ...manifest.parts.autoencoder, config: { ...network }, file, sha256 };
  const parts = { ...manifest.parts, autoencoder };
  await writeFileAtomic(path, `${JSON.stringify({ ...manifest, parts }, null, 2)}\n`);
}

async function describe(model: ModelExport): Promise<ModelManifest> {
  const { autoencoder, denoiser, output, statistics } = model;
  const { latentSize, latentChannels } = denoiser.network;
  const part = async (architecture: string, config: object, file: string) => ({
    architecture,
    config: config as Readonly<Record<string, unknown>>,
    file,
    sha256: await hashFile(join(output, file)),
  });
  return {
    format: 1,
    name: model.name,
    version: model.version,
    licence: model.licence,
    parts: {
      textEncoder: await part("minilm", miniLmConfigs["all-MiniLM-L6-v2"], "text-encoder.safetensors"),
      autoencoder: await part("autoencoder", autoencoder.network, "autoencoder.safetensors"),
      denoiser: await part("unet", denoiser.network, "denoiser.safetensors"),
    },
    tokenizer: "tokenizer.json",
    ...(model.scenes && { scenes: model.scenes }),
    latents: {
      shape: [latentSize, latentSize, latentChannels],
      mean: statistics.mean,
      std: statistics.std,
    },
    pictureSize: model.pictureSize,
    maxTokens: model.maxTokens,
    prediction: "flow",
    defaults: model.defaults,
  };
}

// Adds a distilled few-step student to a model folder: its weights as float16, and its part in model.json.
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { type FastPart, parseManifest } from "../pipeline/index.js";
import { hashFile, readModelFolder } from "../pipeline/node.js";
import { writeHalf } from "./model-export.js";

export interface FastExport {
  /** A run's folder, or a `.safetensors` file of weights. */
  readonly run: string;
  /** Model folder. The student has the same network as its denoiser. */
  readonly model: string;
  /** Number of steps that the student was trained for. */
  readonly steps: number;
}

const file = "fast.safetensors";

/** Adds or replaces the part. @throws NishikiError "file", "checkpoint" */
export async function addFast({ run, model, steps }: FastExport): Promise<void> {
  const path = join(model, "model.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const manifest = parseManifest(text, path);
  await writeHalf(run, join(model, file));
  const { architecture, config } = manifest.parts.denoiser;
  const fast: FastPart = { architecture, config, file, sha256: await hashFile(join(model, file)), steps };
  const parts = { ...manifest.parts, fast };
  await writeFileAtomic(path, `${JSON.stringify({ ...manifest, parts }, null, 2)}\n`);
}

/**
 * Copies a model folder: the manifest and the files it names.
 * @throws NishikiError "file", "checkpoint"
 */
export async function copyModel(from: string, to: string): Promise<void> {
  const { parts, tokenizer, words } = await readModelFolder(from);
  await makeFolder(to);
  const files = [...new Set([...Object.values(parts).map(({ file }) => file), tokenizer, "model.json"])];
  if (words) files.push(words.file);
  for (const name of files) {
    await copyFile(join(from, name), join(to, name)).catch((error: unknown) => {
      throw fileError(error, `copy ${join(from, name)} to ${to}`);
    });
  }
}

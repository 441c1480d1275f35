// Adds a trained super-resolution network to a model folder: its weights as float16, and its part in
// model.json.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import type { SuperResolutionConfig } from "../models/index.js";
import { parseManifest, type SuperResolutionPart, type SuperResolutionSettings } from "../pipeline/index.js";
import { hashFile } from "../pipeline/node.js";
import { writeHalf } from "./model-export.js";

export interface SuperResolutionExport {
  /** A run's folder, or a `.safetensors` file of weights. */
  readonly run: string;
  readonly network: SuperResolutionConfig;
  readonly sampling: SuperResolutionSettings;
  /** Model folder. */
  readonly model: string;
}

const file = "super-resolution.safetensors";

/** Adds or replaces the part. @throws NishikiError "file", "checkpoint" */
export async function addSuperResolution({
  run,
  network,
  sampling,
  model,
}: SuperResolutionExport): Promise<void> {
  const path = join(model, "model.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const manifest = parseManifest(text, path);
  await writeHalf(run, join(model, file));
  const superResolution: SuperResolutionPart = {
    architecture: "super-resolution",
    config: { ...network },
    file,
    sha256: await hashFile(join(model, file)),
    ...sampling,
  };
  const parts = { ...manifest.parts, superResolution };
  await writeFileAtomic(path, `${JSON.stringify({ ...manifest, parts }, null, 2)}\n`);
}

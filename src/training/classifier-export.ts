// Writes a trained classifier: its weights as float16 and the names of its classes.
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import { labelClasses } from "../data/index.js";
import type { ClassifierConfig } from "../models/index.js";
import { hashFile } from "../pipeline/node.js";
import { writeHalf } from "./model-export.js";

export interface ClassifierExport {
  /** The run's folder, or a `.safetensors` file of finished weights. */
  readonly run: string;
  readonly network: ClassifierConfig;
  /** Folder for `judge.safetensors` and `judge.json`, the file names of format 1. */
  readonly output: string;
}

/** @throws NishikiError "file", "checkpoint" */
export async function exportClassifier({ run, network, output }: ClassifierExport): Promise<void> {
  const file = "judge.safetensors";
  await writeHalf(run, join(output, file));
  const sha256 = await hashFile(join(output, file));
  const description = { format: 1, kind: "judge", file, sha256, config: network, classes: labelClasses };
  await writeFileAtomic(join(output, "judge.json"), `${JSON.stringify(description)}\n`);
}

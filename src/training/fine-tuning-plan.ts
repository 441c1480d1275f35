// A fine-tuning as people ask for it, by few numbers, and what it has learned so far as a file.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { readModelBase, readModelFolder } from "../pipeline/node.js";
import { checkpointPath } from "./checkpoint.js";
import { completeTrainingConfig, type FineTuningConfig } from "./config.js";
import { checkRunBase, loraFile } from "./fine-tuning-base.js";
import { finish } from "./fine-tuning-run.js";
import { readStart } from "./start-from.js";

/** Steps for each image, and how few and how many they are at least and at most. */
const [stepsPerImage, fewestSteps, mostSteps] = [10, 80, 400];

export function chooseFineTuningSteps(images: number): number {
  return Math.min(mostSteps, Math.max(fewestSteps, stepsPerImage * images));
}

/** What a LoRA is trained with unless the user chooses. */
export const usualLora = { rank: 16, learningRate: 2e-3 };
const usualModelRate = 2e-4;

export interface FineTuningPlan {
  /** Folder of captioned images. */
  readonly images: string;
  /** Folder of the run. */
  readonly run: string;
  readonly method: "lora" | "full";
  readonly steps: number;
  readonly model?: string | undefined;
  readonly rank?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly priorShare?: number | undefined;
  /** Folder where images for prior preservation are kept for further runs. */
  readonly priorFolder?: string | undefined;
  /** Prompts of the samples; captions by default. */
  readonly prompts?: readonly string[] | undefined;
  readonly sampleInterval?: number | undefined;
  readonly checkpointInterval?: number | undefined;
}

/** @throws NishikiError "usage" */
export function makeFineTuningConfig(plan: FineTuningPlan): FineTuningConfig {
  const { images, run, method, steps, model, rank, priorShare, priorFolder, prompts } = plan;
  return completeTrainingConfig({
    kind: "fine-tuning",
    folder: run,
    data: { folder: images },
    method,
    ...(rank !== undefined && { rank }),
    ...(model !== undefined && { model }),
    ...(prompts !== undefined && { prompts }),
    priorPreservation: {
      ...(priorShare !== undefined && { share: priorShare }),
      ...(priorFolder !== undefined && { folder: priorFolder }),
    },
    optimizer: { kind: "adamw" },
    schedule: {
      steps,
      learningRate: plan.learningRate ?? (method === "lora" ? usualLora.learningRate : usualModelRate),
      warmupSteps: Math.min(20, Math.floor(steps / 4)),
      decaySteps: Math.floor(steps / 2),
      emaDecay: 0.98,
      emaInterval: 1,
    },
    checkpointInterval: plan.checkpointInterval ?? 50,
    sampleInterval: plan.sampleInterval ?? steps,
  }) as FineTuningConfig;
}

/**
 * Writes what a run has learned up to its last checkpoint as a LoRA file.
 * @returns false if there is no checkpoint yet
 * @throws NishikiError "file", "checkpoint", "training" if the model has been replaced since
 */
export async function exportLora(config: FineTuningConfig, output: string): Promise<boolean> {
  const { folder, model } = config;
  if (!existsSync(checkpointPath(folder))) return false;
  const base = await readModelBase(model, await readModelFolder(model));
  await checkRunBase(folder, base);
  await finish(config, base, await readStart(folder));
  await copyFile(join(folder, loraFile), output).catch((error: unknown) => {
    throw fileError(error, `write ${output}`);
  });
  return true;
}

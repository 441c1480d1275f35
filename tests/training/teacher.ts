// For tests: a tiny model that was trained for a moment on a folder of images, with the real text encoder.
import { join } from "node:path";
import type { Engine } from "../../src/engine/index.js";
import { denoiserConfigs } from "../../src/models/index.js";
import { completeTrainingConfig, train } from "../../src/training/index.js";
import { writeImages } from "./images.js";

export const teacherSize = 64;

/** Writes `images/` and trains on them. @returns the model's folder */
export async function trainTeacher(root: string, engine: Engine): Promise<string> {
  await writeImages(join(root, "pictures"), 8, teacherSize);
  const data = { folder: join(root, "pictures"), size: teacherSize };
  const schedule = { steps: 5, warmupSteps: 0, decaySteps: 0 };
  const folder = join(root, "autoencoder");
  const autoencoder = { kind: "autoencoder", folder, data, network: "tiny", batchSize: 4, schedule };
  await train(completeTrainingConfig(autoencoder), { engine });
  const denoiser = {
    ...{ kind: "denoiser", folder: join(root, "denoiser"), data, batchSize: 4, maxTokens: 12, prompts: [] },
    network: { ...denoiserConfigs.tiny, latentSize: 4 },
    autoencoder: { weights: folder, network: "tiny" },
    latents: { folder: join(root, "latents"), shardSize: 4, stepsPerNewShard: 0 },
    schedule: { steps: 40, learningRate: 0.01, warmupSteps: 0, decaySteps: 0, emaDecay: 0.5 },
    sampling: { steps: 6, guidance: 2 },
  };
  await train(completeTrainingConfig(denoiser), { engine });
  return join(root, "denoiser", "model");
}

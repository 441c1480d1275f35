// What conditions a Stable unCLIP model on CLIP's embedding of an image (node): its image encoder, the statistics of the
// embeddings, and the schedule of the noise that is added to them; folders of diffusers' StableUnCLIPImg2ImgPipeline and StableUnCLIPPipeline.
import { basename, join } from "node:path";
import { NishikiError } from "../errors.js";
import { type Json, readJson } from "./node-component.js";
import { readWeightFloat32 } from "./node-file.js";
import { type OpenedImageEncoder, openImageEncoder } from "./node-image-encoder.js";
import { openWeights, type Weights } from "./node-weights.js";
import type { SingleFile } from "./single-file/read.js";

export interface ImageEmbeddingFiles {
  /** Absent in a StableUnCLIPPipeline, whose prior draws embeddings from texts. */
  readonly encoder?: OpenedImageEncoder;
  /** Mean and standard deviation of the embeddings that the model was trained on, per number. */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** The scheduler_config.json of the noise. */
  readonly noising: Json;
  /** All files of these, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

const parts = {
  encoder: "image_encoder",
  normalizer: "image_normalizer",
  noising: "image_noising_scheduler",
};

/** @throws NishikiError "checkpoint" if there is none of that name */
async function readStatistics(weights: Weights, name: string, folder: string): Promise<Float32Array> {
  const place = weights.get(name);
  if (place) return readWeightFloat32(place);
  throw new NishikiError(
    "checkpoint",
    `${folder} cannot be used: expected the tensors mean and std, got no ${name}.`,
  );
}

/** These parts of a single file, whose noise is that of the published models. @throws NishikiError "file" */
export async function openEmbeddedImages(
  path: string,
  { encoder, mean, std }: NonNullable<SingleFile["imageEmbedding"]>,
): Promise<ImageEmbeddingFiles> {
  return {
    encoder: { ...encoder, processor: {}, weightFiles: [path], files: [path] },
    mean: await readWeightFloat32(mean),
    std: await readWeightFloat32(std),
    noising: { _class_name: "DDPMScheduler", beta_schedule: "squaredcos_cap_v2", num_train_timesteps: 1000 },
    files: new Map(),
  };
}

/**
 * Opens these parts of a model's folder.
 * @param hasEncoder Whether one of them is an image encoder.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openImageEmbedding(path: string, hasEncoder: boolean): Promise<ImageEmbeddingFiles> {
  const encoder = hasEncoder ? await openImageEncoder(join(path, parts.encoder)) : undefined;
  const normalizer = join(path, parts.normalizer);
  const weights = await openWeights(normalizer);
  const [mean, std] = [
    await readStatistics(weights, "mean", normalizer),
    await readStatistics(weights, "std", normalizer),
  ];
  const noisingFile = join(path, parts.noising, "scheduler_config.json");
  const statisticsFile = weights.get("mean")!.file;
  const files = new Map<string, string>();
  for (const file of encoder?.files ?? []) {
    const folder = basename(file) === "preprocessor_config.json" ? "feature_extractor" : parts.encoder;
    files.set(`${folder}/${basename(file)}`, file);
  }
  files.set(`${parts.normalizer}/${basename(statisticsFile)}`, statisticsFile);
  files.set(`${parts.noising}/scheduler_config.json`, noisingFile);
  return { ...(encoder && { encoder }), mean, std, noising: await readJson(noisingFile), files };
}

// Fine-tunes a finished model on a user's images: low-rank matrices beside the denoiser's (a LoRA), or the
// denoiser itself.
import { basename, join } from "node:path";
import {
  digestWeights,
  type LoraBase,
  openWeights,
  writeLoraBase,
  writeSafetensors,
} from "../checkpoint/node.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type CaptionedImage, joinGrid } from "../image/index.js";
import { fromBytes } from "../pipeline/index.js";
import { readModelBase, readModelFolder } from "../pipeline/node.js";
import { withAverages } from "./averages-file.js";
import type { FineTuningConfig } from "./config.js";
import { drawImages, layOut } from "./draw-prompts.js";
import { copyModel } from "./fast-export.js";
import { checkRunBase, loraFile } from "./fine-tuning-base.js";
import { openFineTuningData } from "./fine-tuning-data.js";
import type { Settings } from "./fingerprint.js";
import type { ImageSource } from "./images.js";
import type { State } from "./initial-state.js";
import type { TaskContext, TrainingTask } from "./loop.js";
import { replaceDenoiser } from "./model-export.js";
import { readDenoiserConfig } from "./model-networks.js";
import { writeSheet } from "./sample-sheet.js";
import { psnr } from "./super-resolution-run.js";
import { denoiserObjective } from "./tasks/denoiser.js";

/** The task of a fine-tuning, with the settings of its fingerprint. */
export async function makeFineTuningTask(
  engine: Engine,
  config: FineTuningConfig,
  source: ImageSource,
  context: TaskContext,
): Promise<{ task: TrainingTask; settings: Settings; initFrom?: string }> {
  const { model, method, rank, alpha, captionDropout, timestepSampling } = config;
  const { share, images } = config.priorPreservation;
  const manifest = await readModelFolder(model);
  const base = await readModelBase(model, manifest, context.signal);
  if (context.resume) await checkRunBase(config.folder, base);
  const network = readDenoiserConfig(manifest, model);
  if (source.size !== manifest.pictureSize)
    throw new NishikiError(
      "usage",
      `data.size: expected ${manifest.pictureSize}, the model's image size, got ${source.size}.`,
    );
  const { maxTokens } = manifest;
  // A user's captions do not record where things lie, so the placement inputs are not trained.
  const training = { maxTokens, captionDropout, timestepSampling, pairedNoise: true, places: false };
  const data = await openFineTuningData(engine, { config, source, manifest, training }, context);
  const lowRank = method === "lora" ? { rank, alpha } : undefined;
  const file = join(model, manifest.parts.denoiser.file);
  const weights = lowRank && (await openWeights(file));
  const task: TrainingTask = {
    objective: (batch) => denoiserObjective(network, batch, training, lowRank),
    batch: data.batch,
    ...(weights && { frozen: weights }),
    sample: (averages, step) =>
      sample({ config, base, source, engine, signal: context.signal }, averages, step),
  };
  const settings = {
    method,
    model: manifest.parts.denoiser.sha256,
    captionDropout,
    timestepSampling,
    ...(lowRank && { rank, alpha }),
    ...(data.hasPrior && { priorPreservation: { share, images } }),
    frozen: { ...data.frozen, ...(weights && { denoiser: await digestWeights(weights) }) },
  };
  return { task, settings, ...(lowRank ? {} : { initFrom: config.initFrom ?? file }) };
}

/** Prompts unrelated to the user's images. Their images should not change. */
const unrelatedPrompts = ["a cat, 3d style", "a red apple"];

async function chooseCaptions(source: ImageSource): Promise<readonly string[]> {
  return [...new Set((await source.samples(4)).map(({ caption }) => caption))];
}

/** Mean PSNR in dB between images before and after: how much they changed. */
function compare(before: readonly CaptionedImage[], after: readonly CaptionedImage[]): number {
  const pixels = ({ image }: CaptionedImage) => fromBytes(image.data as Uint8Array);
  const ratios = before.map((image, i) => psnr(pixels(image), pixels(after[i]!)));
  return ratios.reduce((sum, ratio) => sum + ratio / ratios.length, 0);
}

interface SampleOptions {
  readonly config: FineTuningConfig;
  readonly base: LoraBase;
  readonly source: ImageSource;
  readonly engine: Engine;
  readonly signal: AbortSignal | undefined;
}

/** Draws the same prompts with the model before and after. */
async function sample(
  { config, base, source, engine, signal }: SampleOptions,
  averages: State,
  step: number,
): Promise<{ readonly unrelatedPsnr: number }> {
  const { model, folder } = config;
  const userPrompts = config.prompts.length > 0 ? config.prompts : await chooseCaptions(source);
  const prompts = [...userPrompts, ...unrelatedPrompts];
  const after = await finish(config, base, averages);
  const before = await drawImages({ model, engine, prompts, signal });
  const changed = await drawImages({ ...after, engine, prompts, signal });
  const rows = [await layOut(before), await layOut(changed)];
  await writeSheet(folder, step, joinGrid(rows, { columns: 1, spacing: 4 }));
  return { unrelatedPsnr: compare(before.slice(userPrompts.length), changed.slice(userPrompts.length)) };
}

/**
 * Writes the result: a LoRA file or a model folder.
 * @param base The model as it was when the training began.
 */
export async function finish(
  { folder, model, method, rank, alpha, data }: FineTuningConfig,
  base: LoraBase,
  averages: State,
): Promise<{ readonly model: string; readonly lora?: string }> {
  if (method === "full") {
    const output = join(folder, "model");
    await copyModel(model, output);
    await withAverages(folder, averages, (run) => replaceDenoiser(run, output));
    return { model: output };
  }
  const tensors = Object.entries(averages).map(([name, { shape, data }]) => {
    return { name, dtype: "f32" as const, shape: [...shape], data: data as Float32Array };
  });
  const layers = tensors.flatMap(({ name }) => /^(.*)\.lora_A\.weight$/.exec(name)?.[1] ?? []);
  const alphas = layers.map((layer) => {
    return { name: `${layer}.alpha`, dtype: "f32" as const, shape: [], data: Float32Array.of(alpha) };
  });
  const path = join(folder, loraFile);
  await writeSafetensors(path, [...tensors, ...alphas], {
    ...writeLoraBase(base),
    "modelspec.title": basename(folder).replace(/\.run$/, ""),
    ss_network_dim: String(rank),
    ss_network_alpha: String(alpha),
    ...("folder" in data && { ss_dataset_dirs: JSON.stringify({ [basename(data.folder)]: {} }) }),
  });
  return { model, lora: path };
}

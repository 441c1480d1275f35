// Stable unCLIP: Stable Diffusion 2.1 whose denoiser is conditioned on CLIP's embedding of an image too, with noise of a known
// level on it (diffusers' StableUnCLIPImg2ImgPipeline and StableUnCLIPPipeline; the idea: Ramesh et al. 2022, arXiv:2204.06125). The embedding and
// sinusoids of the level are the denoiser's class; without conditioning, it is zeros.

import { getSamplerSettings, type NoiseSchedule, readScheduler } from "../../../diffusion/index.js";
import type { HostTensors } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import {
  type ClipTextConfig,
  type ConditionalUnetConfig,
  type ConfigRecord,
  readClipTextConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { StageResult, TransformStage } from "../../plan.js";
import { getValues } from "../../stage-results.js";
import { blendEmbeddings, turnByDifference, withLength } from "../../vision/blend.js";
import {
  encodeImages,
  type ImageEncoderModel,
  readImageEncoder,
  type UseImageEncoder,
} from "../../vision/image-encoder.js";
import { embedTexts, type TextEmbedder } from "../../vision/text-embedding.js";
import { getPriorSettings, type PriorModel, planPrior } from "../unclip/prior.js";
import type { Condition } from "./condition.js";
import { makeRows } from "./conditioning.js";
import { type PriorDescription, readImagePrior } from "./image-prior.js";
import type { Networks } from "./networks.js";

/** Inputs of the denoiser that come from images, one row for each condition of an evaluation. */
export type ImageInputs = (conditions: readonly Condition[]) => HostTensors;

/** The name of the stage whose result is the denoiser's class. */
export const imagePromptStage = "image prompt";

/** What a Stable unCLIP model has beside Stable Diffusion's parts. */
export interface ImageEmbedding {
  readonly encoder?: ImageEncoderModel;
  /** Draws embeddings from texts. */
  readonly prior?: PriorModel;
  /** Mean and deviation of the embeddings that it was trained on. */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** The text encoder of the same CLIP, for texts to blend. */
  readonly text?: ClipTextConfig;
  /** The noise of each level. */
  readonly noising: NoiseSchedule;
}

/** The configs and statistics of these parts. */
export interface ImageEmbeddingDescription {
  readonly encoder?: { readonly config: ConfigRecord; readonly processor: ConfigRecord };
  readonly prior?: PriorDescription;
  readonly mean: Float32Array;
  readonly std: Float32Array;
  readonly noising: ConfigRecord;
  /** The config of CLIP's text encoder with its projection. */
  readonly text?: ConfigRecord;
}

/** @throws NishikiError "checkpoint" for parts that do not fit to each other or to the denoiser */
export function readImageEmbedding(
  { encoder: files, prior: priorFiles, mean, std, noising, text: textFile }: ImageEmbeddingDescription,
  unet: ConditionalUnetConfig,
): ImageEmbedding {
  const encoder = files && readImageEncoder(files.config, files.processor);
  const prior = priorFiles && readImagePrior(priorFiles);
  const refuse = (reason: string): never => {
    throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
  };
  const width = encoder?.config.projection ?? mean.length;
  if (prior && prior.network.outputWidth !== width)
    refuse(
      `the prior draws embeddings of ${prior.network.outputWidth} numbers, but the denoiser takes some of ${width}; Karlo's prior fits the small model (unclip-small) only`,
    );
  const { classEmbedding: kind } = unet;
  const expected = kind?.kind === "projection" ? kind.width : undefined;
  if (expected !== 2 * width) {
    const takes = expected === undefined ? "no vector" : `a vector of ${expected} numbers`;
    refuse(
      `the image encoder's embedding has ${width} numbers, ${2 * width} with those of its noise level, but the denoiser takes ${takes}`,
    );
  }
  if (mean.length !== width || std.length !== width)
    refuse(
      `the image encoder's embedding has ${width} numbers, but image_normalizer has statistics of ${mean.length}`,
    );
  const text = textFile && readClipTextConfig(textFile);
  if (text && text.projection !== width)
    refuse(
      `the image encoder's embedding has ${width} numbers, but those of the CLIP's texts have ${text.projection}; name the CLIP that the image encoder is from`,
    );
  const { schedule } = getSamplerSettings(readScheduler(noising), "ddpm");
  return {
    ...{ mean, std, noising: schedule },
    ...(encoder && { encoder }),
    ...(prior && { prior }),
    ...(text && { text }),
  };
}

type ImagePrompt = NonNullable<ImageSettings["imagePrompt"]>;

/** @throws NishikiError "usage" where a request names no image */
export function checkImagePrompt(settings: ImageSettings, { noising, text, prior }: ImageEmbedding): void {
  const { imagePrompt } = settings;
  if (!imagePrompt) {
    if (prior) {
      planPrior(prior, getPriorSettings(settings));
      return;
    }
    const message = "imagePrompt.images: expected an image to draw variations of, got none.";
    const cure = "To draw from words, name Karlo's folder as prior; its prior fits unclip-small.";
    throw new NishikiError("usage", `${message} ${cure}`);
  }
  const { noiseLevel = 0, blend = "slerp", texts, difference } = imagePrompt;
  const unread = texts ? "texts" : difference ? "difference" : undefined;
  if (unread !== undefined && !text) {
    const reason = "the model has no text encoder whose embeddings are like those of images";
    const cure = "Name the CLIP that its image encoder is from as clip, or omit it.";
    throw new NishikiError("usage", `imagePrompt.${unread}: ${reason}. ${cure}`);
  }
  const most = noising.levels - 1;
  if (noiseLevel > most)
    throw new NishikiError("usage", `imagePrompt.noiseLevel: expected at most ${most}, got ${noiseLevel}.`);
  const weights = getWeights(imagePrompt);
  const total = weights.reduce((all, weight) => all + weight, 0);
  if (blend === "slerp" && (total <= 0 || weights.some((weight) => weight < 0))) {
    const expected = "expected weights from 0, not all 0, to blend by slerp";
    throw new NishikiError("usage", `imagePrompt.weights: ${expected}; got ${weights.join(", ")}.`);
  }
}

/** Weights of all images, then of all texts; equal shares where none are given. */
function getWeights({ images, weights, texts = [], textWeights }: ImagePrompt): number[] {
  const share = 1 / (images.length + texts.length);
  return [...images.map((_, i) => weights?.[i] ?? share), ...texts.map((_, i) => textWeights?.[i] ?? share)];
}

/**
 * The embedding of a request's images and texts, blended into one where there are several, and turned by the difference of two
 * texts. Embeddings of texts take the length of those of the images, which the model was trained on.
 * @param embedder CLIP's text encoder; required for texts.
 */
export async function encodeImagePrompt(
  { encoder }: ImageEmbedding,
  prompt: ImagePrompt,
  networks: Networks,
  embedder: TextEmbedder | undefined,
): Promise<Float32Array> {
  const { images, texts = [], blend = "slerp", difference } = prompt;
  const use: UseImageEncoder = (output, work) => networks.use({ part: "image encoder", output }, work);
  const seen = await encodeImages(encoder!, images, "embedding", use);
  const length = seen.reduce((sum, values) => sum + Math.hypot(...values), 0) / seen.length;
  const sentences = [...texts, ...(difference ? [difference.from, difference.to] : [])];
  const read =
    sentences.length === 0
      ? []
      : await embedTexts(embedder!, sentences, (work) => networks.use({ part: "text embedding" }, work));
  const all = [...seen, ...read.slice(0, texts.length).map((values) => withLength(values, length))];
  const weights = getWeights(prompt);
  const blended = blendEmbeddings(
    all.map((values, i) => ({ values, weight: weights[i]! })),
    blend,
  );
  if (!difference) return blended;
  const [from, to] = read.slice(-2) as [Float32Array, Float32Array];
  return turnByDifference(blended, { from, to, weight: difference.weight ?? 0.3 });
}

/** Cosines and sines of a noise level at geometrically spaced frequencies: `[width]`. */
function embedLevel(level: number, width: number): Float32Array {
  const half = Math.floor(width / 2);
  return Float32Array.from({ length: width }, (_, i) => {
    if (i >= 2 * half) return 0;
    const angle = level * Math.exp((-Math.log(10_000) * (i % half)) / half);
    return i < half ? Math.cos(angle) : Math.sin(angle);
  });
}

/**
 * Noises the embedding with the image's own random numbers, also at level 0, which is the cleanest of the schedule and not
 * free of noise. Result: the embedding, then its level's, `[2·width]`.
 */
export function makeImagePromptStage(
  { mean, std, noising }: ImageEmbedding,
  getEmbedding: (results: ReadonlyMap<string, StageResult>) => Float32Array,
  level: number,
): TransformStage {
  const width = mean.length;
  const sigma = noising.sigmaAt((level + 1) / noising.levels);
  const alpha = noising.alphaOf(sigma);
  return {
    kind: "transform",
    name: imagePromptStage,
    run: async ({ noise, results }) => {
      const embedding = getEmbedding(results);
      const normals = noise.draw(imagePromptStage, width);
      const data = new Float32Array(2 * width);
      data.set(
        embedding.map((value, i) => {
          const standard = (value - mean[i]!) / std[i]!;
          return alpha * (standard + sigma * normals[i]!) * std[i]! + mean[i]!;
        }),
      );
      data.set(embedLevel(level, width), width);
      return { kind: "values", shape: [2 * width], data };
    },
  };
}

/** The denoiser's classes, from that stage's result. */
export function makeLabelInputs(result: StageResult | undefined): ImageInputs {
  const labels = getValues(result);
  const none = new Float32Array(labels.length);
  const getLabels = ({ conditioning }: Condition) => (conditioning === "uncond" ? none : labels);
  return (conditions) => ({ labels: makeRows(conditions, getLabels, labels.length) });
}

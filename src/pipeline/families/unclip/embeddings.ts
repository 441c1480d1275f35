// The image embedding that a decoder draws from: the prior's for a text, CLIP's of an image, or a blend of several of both,
// turned by the difference of two texts (Ramesh et al. 2022, arXiv:2204.06125, section 3). Random numbers are drawn in the
// order of diffusers' `KandinskyV22PriorPipeline` and its `interpolate`.
import { NishikiError } from "../../../errors.js";
import type { ImageSettings } from "../../image-request.js";
import { makeImageNoise } from "../../noise.js";
import type { Conditioning, Stage, StageResult, TransformStage } from "../../plan.js";
import type { Scheduled } from "../../prompt/prompt-editing.js";
import { type PromptSchedules, schedulePrompts } from "../../prompt/prompt-rows.js";
import { getValues } from "../../stage-results.js";
import { f32, floats } from "../../tensors.js";
import { blendEmbeddings, turnByDifference } from "../../vision/blend.js";
import { encodeImages, type ImageEncoderModel } from "../../vision/image-encoder.js";
import type { Networks } from "./networks.js";
import { getPriorSettings, makePriorStage, type PriorModel, type PriorSettings, planPrior } from "./prior.js";
import { type EncodedText, encodeText, type TextEncoder } from "./text.js";

/** What is the same in all requests. */
export interface EmbeddingCache {
  /** The embedding of no image. */
  nothing?: Float32Array;
}

/** What embeddings are made with. */
export interface EmbeddingParts {
  /** Undefined for a model that draws from images only. */
  readonly prior: PriorModel | undefined;
  readonly text: TextEncoder;
  readonly images: ImageEncoderModel | undefined;
  readonly cache: EmbeddingCache;
}

/**
 * The embedding of a text of the prompt, or, for "uncond", of the negative prompt, which guidance leads away from: undefined
 * where the decoder has its own, or no guidance.
 */
export type GetEmbedding = (text: string, conditioning: Conditioning) => Float32Array | undefined;

export interface EmbeddingPlan {
  /** The prior's, in order. */
  readonly stages: readonly Stage[];
  /** The embeddings, once these stages have run. */
  get(results: ReadonlyMap<string, StageResult>): GetEmbedding;
}

/** The texts of a request's prompts, each once, in the order in which they are drawn from. */
export interface PromptTexts {
  readonly prompts: readonly string[];
  readonly negatives: readonly string[];
}

/** The texts of prompts over the steps of a decoder. */
export function listPromptTexts(schedules: PromptSchedules<string>): PromptTexts {
  const { uncond, ...prompts } = schedules;
  const list = (parts: readonly Scheduled<string>[]) => [
    ...new Set(parts.flatMap((schedule) => schedule.map(({ value }) => value))),
  ];
  return { prompts: list(Object.values(prompts) as Scheduled<string>[]), negatives: list([uncond]) };
}

/** What a decoder needs of them. */
export interface EmbeddingNeeds extends PromptTexts {
  /** Whether the prompt is one of the texts to blend where there are image prompts; else only the decoder reads it. */
  readonly blendsPrompt: boolean;
  /** Whether negative prompts have an embedding too; its random numbers are drawn even if guidance is off. */
  readonly drawsNegative: boolean;
  /** Whether guidance leads away from that embedding, or from that of no image. */
  readonly needsUncond: boolean;
}

type ImagePrompt = NonNullable<ImageSettings["imagePrompt"]>;

/** CLIP's embeddings of images. @throws NishikiError "usage" if the model cannot see */
async function encodeWith(parts: EmbeddingParts, images: ImagePrompt["images"], networks: Networks) {
  const encoder = requireEncoder(parts, "imagePrompt.images: image prompts need");
  return encodeImages(encoder, images, "embedding", (_, work) =>
    networks.use({ part: "image encoder" }, work),
  );
}

function requireEncoder({ images }: EmbeddingParts, why: string): ImageEncoderModel {
  if (images) return images;
  const message = `${why} the model's image encoder, and its folder has none. Download the model again with its image_encoder.`;
  throw new NishikiError("checkpoint", message);
}

/** The embedding of no image: of zeros after normalisation, as in diffusers. It is computed once. */
async function encodeNothing(parts: EmbeddingParts, networks: Networks): Promise<Float32Array> {
  const { cache } = parts;
  cache.nothing ??= await computeNothing(parts, networks);
  return cache.nothing;
}

async function computeNothing(parts: EmbeddingParts, networks: Networks): Promise<Float32Array> {
  const { config } = requireEncoder(parts, "Without a negative prompt, guidance needs");
  const { imageSide: side } = config;
  const pixels = f32(new Float32Array(3 * side * side), 1, 3, side, side);
  return floats(
    await networks.use({ part: "image encoder" }, (session) => session.run({ pixels })),
    "embedding",
  );
}

const getRow = (result: StageResult | undefined, row: number, width: number): Float32Array =>
  getValues(result).slice(row * width, (row + 1) * width);

/** Prior drawings need a prior. @throws NishikiError "usage" */
function requirePrior({ prior }: EmbeddingParts): PriorModel {
  if (prior) return prior;
  const message =
    "imagePrompt: this model has no prior, and draws from images only; expected image prompts and no texts.";
  throw new NishikiError("usage", message);
}

/** Plans the embeddings of a request. */
export async function planEmbeddings(
  parts: EmbeddingParts,
  settings: ImageSettings,
  networks: Networks,
  needs: EmbeddingNeeds,
): Promise<EmbeddingPlan> {
  return settings.imagePrompt
    ? planBlend(parts, settings, settings.imagePrompt, networks, needs)
    : planFromText(parts, settings, networks, needs);
}

/** A scale of up to 1 is the plain network. */
const getSettings = (settings: ImageSettings): PriorSettings => {
  const own = getPriorSettings(settings);
  return { ...own, guidance: Math.max(1, own.guidance) };
};

/** Each text has a drawing of its own by the prior, all from the same random numbers: they differ by what they say. */
async function planFromText(
  parts: EmbeddingParts,
  settings: ImageSettings,
  networks: Networks,
  { drawsNegative, needsUncond, prompts, negatives }: EmbeddingNeeds,
): Promise<EmbeddingPlan> {
  const prior = requirePrior(parts);
  const own = getSettings(settings);
  const encode = (text: string) => encodeText(parts.text, text, networks);
  const [text, uncond] = [await encode(prompts[0]!), await encode(negatives[0]!)];
  const drawn = needsUncond ? negatives.filter((negative) => negative !== "") : [];
  // diffusers draws the negative prompt's beside the prompt's, even if guidance is off.
  const isBeside = drawsNegative && negatives[0] !== "";
  const beside = { text, negative: isBeside ? uncond : undefined, uncond };
  const stages: Stage[] = [makePriorStage(prior, networks, beside, own)];
  const again = async (one: string, name: string) => {
    const stage = makePriorStage(prior, networks, { text: await encode(one), uncond }, own, name);
    stages.push({
      ...stage,
      noise: (_, seeds) => makeImageNoise(settings.rng ?? "nishiki", seeds).forStage(stage),
    });
  };
  for (const one of prompts.slice(1)) await again(one, nameStage("prior", prompts.indexOf(one)));
  for (const [i, one] of drawn.entries())
    if (i > 0 || !isBeside) await again(one, nameStage(negativeStage, i));
  const nothing = needsUncond && negatives.includes("") ? await encodeNothing(parts, networks) : undefined;
  const width = prior.network.outputWidth;
  return {
    stages,
    get: (results) => (one, conditioning) => {
      const row = (name: string, at = 0) => getRow(results.get(name), at, width);
      if (conditioning !== "uncond") return row(nameStage("prior", prompts.indexOf(one)));
      if (!needsUncond || one === "") return nothing;
      const at = drawn.indexOf(one);
      return at === 0 && isBeside ? row("prior", 1) : row(nameStage(negativeStage, at));
    },
  };
}

/** "prior", "prior 2", "prior 3", … */
const nameStage = (name: string, index: number) => (index === 0 ? name : `${name} ${index + 1}`);

/** @throws NishikiError "usage" for a group that these models cannot draw from */
export function checkImagePrompt(settings: ImageSettings, blendsPrompt: boolean): void {
  const { imagePrompt: group } = settings;
  if (!group) return;
  const fail = (field: string, sentence: string): never => {
    throw new NishikiError("usage", `imagePrompt.${field}: ${sentence}.`);
  };
  const steps = schedulePrompts(settings, settings.steps);
  const { prompts, negatives } = listPromptTexts(steps);
  if (blendsPrompt && (prompts.length > 1 || negatives.length > 1)) {
    const cure = "leave out AND, :: and [a:b:0.4], or blend texts with --blend-text";
    fail("images", `images blend with a prompt of one part that does not change; ${cure}`);
  }
  if (group.noiseLevel) fail("noiseLevel", "this model was trained without noise on embeddings; omit it");
  const { texts, images } = getTexts(settings, group, blendsPrompt);
  const weights = [...texts, ...images].map(({ weight }) => weight);
  const listed = weights.join(", ");
  if (weights.every((weight) => weight === 0)) fail("weights", "expected one that is not 0, got none");
  if (group.blend === "slerp" && weights.some((weight) => weight < 0))
    fail("weights", `expected weights from 0 to blend by slerp, got ${listed}; or blend by sum`);
}

/** The texts to blend, with their weights. */
function getTexts({ prompt }: ImageSettings, group: ImagePrompt, blendsPrompt: boolean) {
  const { images, texts = [], weights, textWeights } = group;
  const own = blendsPrompt && prompt.trim() !== "" ? [prompt] : [];
  const share = 1 / (own.length + texts.length + images.length);
  return {
    texts: [
      ...own.map((text) => ({ text, weight: share })),
      ...texts.map((text, i) => ({ text, weight: textWeights?.[i] ?? share })),
    ],
    images: images.map((image, i) => ({ image, weight: weights?.[i] ?? share })),
  };
}

async function planBlend(
  parts: EmbeddingParts,
  settings: ImageSettings,
  group: ImagePrompt,
  networks: Networks,
  { blendsPrompt, drawsNegative, needsUncond }: EmbeddingNeeds,
): Promise<EmbeddingPlan> {
  const { texts, images } = getTexts(settings, group, blendsPrompt);
  const empty = await encodeText(parts.text, "", networks);
  const own = getSettings(settings);
  const makeStage = (text: EncodedText, name: string) =>
    makePriorStage(requirePrior(parts), networks, { text, uncond: empty }, own, name);
  const getName = (i: number) => nameStage("prior", i);
  const stages: Stage[] = [];
  for (const [i, { text }] of texts.entries())
    stages.push(makeStage(await encodeText(parts.text, text, networks), getName(i)));
  const { negativePrompt } = settings;
  const hasNegative = needsUncond && negativePrompt !== "";
  if (hasNegative)
    stages.push(makeStage(await encodeText(parts.text, negativePrompt, networks), negativeStage));
  else if (drawsNegative && parts.prior) stages.push(skipPrior(parts.prior, own));
  const seen = await encodeWith(parts, group.images, networks);
  const turn = await makeTurn(parts, group, networks);
  const nothing = needsUncond && !hasNegative ? await encodeNothing(parts, networks) : undefined;
  return {
    stages,
    get: (results) => {
      const cond = turn(
        blendEmbeddings(
          [
            ...texts.map(({ weight }, i) => ({ values: getValues(results.get(getName(i))), weight })),
            ...images.map(({ weight }, i) => ({ values: seen[i]!, weight })),
          ],
          group.blend ?? "sum",
        ),
      );
      const uncond = hasNegative ? getValues(results.get(negativeStage)) : nothing;
      return (_, conditioning) => (conditioning === "uncond" ? uncond : cond);
    },
  };
}

const negativeStage = "negative prior";

/** diffusers draws the prior of a negative prompt that it does not use, too: only its random numbers are taken. */
function skipPrior(prior: PriorModel, settings: PriorSettings): TransformStage {
  const { sigmas } = planPrior(prior, settings);
  const width = prior.network.embeddingWidth;
  return {
    kind: "transform",
    name: negativeStage,
    run: async ({ noise, last }) => {
      for (const _ of sigmas.slice(1)) noise.draw(negativeStage, width);
      return last ?? { kind: "values", shape: [0], data: new Float32Array(0) };
    },
  };
}

/** Turns an image's embedding by the difference of two texts. */
async function makeTurn(
  { text }: EmbeddingParts,
  { difference }: ImagePrompt,
  networks: Networks,
): Promise<(embedding: Float32Array) => Float32Array> {
  if (!difference) return (embedding) => embedding;
  const from = (await encodeText(text, difference.from, networks)).embedding;
  const to = (await encodeText(text, difference.to, networks)).embedding;
  return (embedding) => turnByDifference(embedding, { from, to, weight: difference.weight ?? 0.3 });
}

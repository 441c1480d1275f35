// Explains a drawing: draws it again while looking inside, then draws variations of it that answer questions. Findings come
// one after another, so that a page can show each as soon as it is known.

import { NishikiError } from "../errors.js";
import { resizeBicubic } from "../image/index.js";
import {
  type AttentionRecord,
  type Conditionings,
  getPartWeights,
  type ImageRequest,
  type NetworkWork,
  type Pipeline,
  type Pixels,
  type PromptTokens,
  type Receipt,
} from "../pipeline/index.js";
import { Attribution, resizeMap, type WordMap } from "./attribution.js";
import { ComposedAttribution, joinTokens } from "./composed-prompt.js";
import { type AutopsyFinding, explainPrompt } from "./explain-autopsy.js";
import { measureFirstPull, type OrdinaryPull } from "./first-pull.js";
import { GuidanceMagnitude, getPercentile } from "./guidance-magnitude.js";
import { correlate, differ, meanImage, meanPairDistance, psnr } from "./image-statistics.js";
import { type PromptVariant, withoutWord } from "./prompt-words.js";
import { measureSettling, type Settled } from "./settling.js";

/** The drawing itself. */
export interface DrawingFinding {
  readonly kind: "drawing";
  readonly image: Pixels;
  readonly receipt: Receipt;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** What the model was given: its own tokens, and the words that they spell. */
export interface TokensFinding {
  readonly kind: "tokens";
  readonly prompt: PromptTokens;
  readonly negativePrompt: PromptTokens;
}

/** The denoised prediction (x̂0) at every step: what the model would draw if it had to stop there. */
export interface StepsFinding {
  readonly kind: "steps";
  readonly images: readonly Pixels[];
  /** How much of the last prediction each of them has. */
  readonly settled: readonly Settled[];
}

/** Where each word went, by attention. */
export interface WordsFinding {
  readonly kind: "words";
  readonly maps: readonly WordMap[];
  /** For a network with regions: each word's share of every region's words, over the regions' grid. */
  readonly regions: readonly WordMap[];
}

/** How far the prompt pulls the prediction at each step, and where that lies among ordinary prompts of this model. */
export interface PullFinding {
  readonly kind: "pull";
  readonly values: readonly number[];
  /** Of the first prediction, from noise alone. */
  readonly first: number;
  /** Share of the ordinary prompts that pull less, 0 to 1. */
  readonly percentile: number;
  readonly ordinary: readonly OrdinaryPull[];
}

/** The same seed without one word: what the word changed. */
export interface WithoutFinding {
  readonly kind: "without";
  readonly word: string;
  readonly index: number;
  readonly prompt: string;
  readonly image: Pixels;
  /** [height, width], 0 to 1: how much each pixel changed. */
  readonly change: Float32Array;
  /** Correlation of the change with the word's attention, −1 to 1. */
  readonly agreement: number;
}

/** The same prompt with other seeds, and their mean. */
export interface SeedsFinding {
  readonly kind: "seeds";
  readonly images: readonly { readonly seed: number; readonly image: Pixels }[];
  readonly mean: Pixels;
  /** The first step's prediction without guidance: from pure noise, the model can only predict an average. */
  readonly first: Pixels;
  /** PSNR in dB of the mean to that prediction, and to the drawing. */
  readonly meanToFirstStep: number;
  readonly meanToDrawing: number;
  /** Mean distance between two of the images, root mean square of 255. */
  readonly distance: number;
}

/** The same seed with other guidance scales. */
export interface GuidanceFinding {
  readonly kind: "guidance";
  readonly images: readonly { readonly scale: number; readonly image: Pixels }[];
}

/** Multiplications, counted from the programs. */
export interface WorkFinding {
  readonly kind: "work";
  readonly networks: readonly NetworkWork[];
}

export type Finding =
  | DrawingFinding
  | TokensFinding
  | StepsFinding
  | WordsFinding
  | PullFinding
  | WithoutFinding
  | SeedsFinding
  | GuidanceFinding
  | WorkFinding
  | AutopsyFinding;

export interface ExplainOptions {
  readonly signal?: AbortSignal;
  /** Other seeds to draw. Default 15. */
  readonly seeds?: number;
  /** Steps of those. Default: the drawing's own. */
  readonly seedSteps?: number;
  /** The most words to leave out, one at a time. Default 5. */
  readonly words?: number;
  /** Guidance scales to draw. Default 1, 2, 8 and 15, beside the drawing's own. */
  readonly scales?: readonly number[];
  /** Whether to take the prompt apart: about as much as six further drawings, and one for two words. Default true. */
  readonly autopsy?: boolean;
  /** The pull of ordinary prompts (see `measureFirstPull`), or what measures it when it is needed. Default: none. */
  readonly ordinary?: readonly OrdinaryPull[] | (() => Promise<readonly OrdinaryPull[]>);
}

interface Drawn {
  readonly image: Pixels;
  readonly receipt: Receipt;
  readonly warnings: readonly string[];
}

async function drawOne(
  pipeline: Pipeline,
  request: ImageRequest,
  options: Parameters<Pipeline["generate"]>[1],
  onStep?: (preview: () => Promise<Pixels>) => Promise<void>,
): Promise<Drawn> {
  const warnings: string[] = [];
  let drawn: Omit<Drawn, "warnings"> | undefined;
  for await (const event of pipeline.generate({ ...request, count: 1 }, options)) {
    if (event.kind === "warning") warnings.push(event.message);
    if (event.kind === "step" && event.hasPreview) await onStep?.(() => event.preview());
    if (event.kind === "image") {
      const { width, height, pixels: data, receipt } = event;
      drawn = { image: { width, height, channels: 3, data }, receipt };
    }
  }
  return { ...drawn!, warnings };
}

/**
 * Draws a request and explains it.
 * @param request Its `count` is taken as 1; without a seed, seed 0 is drawn.
 * @throws NishikiError as `generate` does
 *
 * @example
 * ```ts
 * import { loadPipeline } from "nishiki";
 * import { explain } from "nishiki/inspect";
 *
 * const pipeline = await loadPipeline();
 * const request = { prompt: "a blue cat", seed: 1, steps: 8 };
 * for await (const finding of explain(pipeline, request, { seeds: 1, words: 1, scales: [] }))
 *   console.log(finding.kind);
 * await pipeline.dispose();
 * ```
 */
export async function* explain(
  pipeline: Pipeline,
  request: ImageRequest,
  options: ExplainOptions = {},
): AsyncGenerator<Finding, void, void> {
  const { signal, seeds = 15, words = 5, scales = [1, 2, 8, 15], ordinary = [], autopsy = true } = options;
  const fixed = { ...request, seed: request.seed ?? 0, count: 1 };
  const settings = pipeline.complete(fixed);
  const watch = signal ? { signal } : {};
  const main = await drawWhileLooking(pipeline, fixed, watch);
  const { drawn, seconds, attribution, pull, steps, tokens } = main;
  yield { kind: "drawing", ...drawn, seconds };
  yield { kind: "work", networks: pipeline.getWork(fixed) };
  const prompt = joinTokens(fixed.prompt, tokens);
  yield { kind: "tokens", prompt, negativePrompt: tokens.uncond };
  yield { kind: "steps", images: steps, settled: measureSettling(steps) };
  // A model that reports no tokens reports no attention to them either.
  const maps = tokens.cond.words.length > 0 ? (attribution?.wordMaps(tokens) ?? []) : [];
  if (maps.length > 0) yield { kind: "words", maps, regions: main.regions?.wordMaps(tokens.cond) ?? [] };
  if (pull.values.length > 0) yield await comparePull(pipeline, fixed, pull.values, { ordinary, ...watch });
  const variants = withoutWord(fixed.prompt, prompt, maps, words);
  for (const variant of variants) {
    const { image } = await drawOne(pipeline, { ...fixed, prompt: variant.prompt }, watch);
    yield describeWithout(variant, drawn.image, image, maps);
  }
  if (seeds > 0) {
    const steps = Math.min(settings.steps, options.seedSteps ?? settings.steps);
    yield await compareSeeds(pipeline, fixed, { seeds, steps, drawn: drawn.image, watch });
  }
  if (autopsy) yield* explainPrompt(pipeline, fixed, variants, watch);
  const others = isUnguided(settings) ? [] : scales.filter((scale) => scale !== settings.guidance);
  if (others.length === 0) return;
  const images = [{ scale: settings.guidance, image: drawn.image }];
  for (const scale of others) {
    const { image } = await drawOne(pipeline, { ...fixed, guidance: scale }, watch);
    images.push({ scale, image });
  }
  yield { kind: "guidance", images: images.sort((a, b) => a.scale - b.scale) };
}

/** Whether a distilled network draws, whose guidance is fixed and whose attention is not seen. */
const isUnguided = ({ fast, guidance }: { readonly fast?: boolean | undefined; readonly guidance: number }) =>
  fast === true && guidance === 1;

type Fixed = ImageRequest & { readonly seed: number };
type Watch = { readonly signal?: AbortSignal };

async function drawWhileLooking(pipeline: Pipeline, request: Fixed, watch: Watch) {
  // A distilled network shows no attention, and with DeepCache most steps have none.
  const attribution =
    isUnguided(pipeline.complete(request)) || request.deepCache
      ? undefined
      : new ComposedAttribution(request.prompt);
  // Only some networks have regions, and then they report them beside their attention.
  const regions = new Attribution({ accept: ({ kind }) => kind === "regions" });
  let hasRegions = false;
  const onAttention = (record: AttentionRecord) => {
    attribution?.add(record);
    regions.add(record);
    hasRegions ||= record.conditioning === "cond" && record.maps.some(({ kind }) => kind === "regions");
  };
  const pull = new GuidanceMagnitude("base", getPartWeights(request.prompt));
  const none: PromptTokens = { text: "", tokens: [], words: [] };
  let tokens: Conditionings<PromptTokens> = { cond: none, uncond: none };
  const probe = {
    onTokens: (all: typeof tokens) => {
      tokens = all;
    },
    onPrediction: pull.add,
    ...(attribution && { onAttention }),
  };
  const steps: Pixels[] = [];
  const start = performance.now();
  let looking = 0;
  const drawn = await drawOne(pipeline, request, { ...watch, probe }, async (preview) => {
    const before = performance.now();
    steps.push(await preview());
    looking += performance.now() - before;
  });
  const seconds = (performance.now() - start - looking) / 1000;
  const sized = steps.map((step) => toSize(step, drawn.image));
  return {
    drawn,
    seconds,
    attribution,
    regions: hasRegions ? regions : undefined,
    pull,
    steps: sized,
    tokens,
  };
}

/** Stages of a cascade show smaller images, which are enlarged to compare them. */
function toSize(image: Pixels, { width, height }: Pixels): Pixels {
  if (image.width === width && image.height === height) return image;
  return { ...image, width, height, data: resizeBicubic(image, { width, height }).data };
}

async function comparePull(
  pipeline: Pipeline,
  request: Fixed,
  values: readonly number[],
  { ordinary, signal }: Required<Pick<ExplainOptions, "ordinary">> & Watch,
): Promise<PullFinding> {
  const others = typeof ordinary === "function" ? await ordinary() : ordinary;
  const first = await measureFirstPull(pipeline, request, request.prompt, { seed: request.seed, signal });
  const percentile = getPercentile(
    first,
    others.map(({ pull }) => pull),
  );
  return { kind: "pull", values, first, percentile, ordinary: others };
}

function describeWithout(
  { word, index, prompt }: PromptVariant,
  drawn: Pixels,
  image: Pixels,
  maps: readonly WordMap[],
): WithoutFinding {
  const change = differ(drawn, image);
  const map = maps.find((one) => one.index === index);
  const agreement = map ? correlate(change, resizeMap(map.data, map, drawn)) : 0;
  return { kind: "without", word, index, prompt, image, change, agreement };
}

/** The prediction of the first step without guidance, which exaggerates the prompt. */
async function drawFirstStep(pipeline: Pipeline, request: Fixed, watch: Watch): Promise<Pixels> {
  const plain = isUnguided(pipeline.complete(request)) ? request : { ...request, guidance: 1 };
  for await (const event of pipeline.generate(plain, watch))
    if (event.kind === "step" && event.hasPreview) return event.preview();
  throw new NishikiError("internal", "The drawing had no step.");
}

async function compareSeeds(
  pipeline: Pipeline,
  request: Fixed,
  { seeds, steps, drawn, watch }: { seeds: number; steps: number; drawn: Pixels; watch: Watch },
): Promise<SeedsFinding> {
  const first = toSize(await drawFirstStep(pipeline, request, watch), drawn);
  const images = [{ seed: request.seed, image: drawn }];
  for (let i = 1; i <= seeds; i++) {
    const seed = request.seed + i;
    const { image } = await drawOne(pipeline, { ...request, seed, steps }, watch);
    images.push({ seed, image });
  }
  const mean = meanImage(images.map(({ image }) => image));
  return {
    kind: "seeds",
    images,
    mean,
    first,
    meanToFirstStep: psnr(mean, first),
    meanToDrawing: psnr(mean, drawn),
    distance: meanPairDistance(images.map(({ image }) => image)),
  };
}

// Explains a drawing: draws it again while looking inside, then draws variations of it that answer questions. Findings come
// one after another, so that a page can show each as soon as it is known.

import { NishikiError } from "../errors.js";
import { resizeBicubic } from "../image/index.js";
import {
  type AttentionRecord,
  type Conditionings,
  getPartWeights,
  type ImageRequest,
  type NetworkRun,
  type Pixels,
  type PromptTokens,
  type Receipt,
} from "../pipeline/index.js";
import { Attribution, resizeMap, type WordMap } from "./attribution.js";
import { ComposedAttribution, joinTokens } from "./composed-prompt.js";
import { explainPrompt } from "./explain-autopsy.js";
import {
  type DrawingPipeline,
  type ExplainProgress,
  type PanelWeights,
  ProgressMeter,
  withSteps,
} from "./explain-progress.js";
import type {
  Finding,
  GuidanceFinding,
  PullFinding,
  SeedsFinding,
  WithoutFinding,
  WordsFinding,
} from "./findings.js";
import { measureFirstPull, type OrdinaryPull } from "./first-pull.js";
import { GuidanceMagnitude, getPercentile } from "./guidance-magnitude.js";
import { correlate, differ, meanImage, meanPairDistance, psnr } from "./image-statistics.js";
import { type PanelName, usualPanels } from "./panel-names.js";
import { type Amounts, getOtherScales, isUnguided, planPanels, usualAmounts } from "./panels.js";
import { type PromptVariant, withoutWord } from "./prompt-words.js";
import { measureSettling } from "./settling.js";

export interface ExplainOptions extends Amounts {
  readonly signal?: AbortSignal;
  /** The pull of ordinary prompts (see `measureFirstPull`), or what measures it when it is needed. Default: none. */
  readonly ordinary?: readonly OrdinaryPull[] | (() => Promise<readonly OrdinaryPull[]>);
  /** Called at every step of every drawing. */
  readonly onProgress?: (progress: ExplainProgress) => void;
  /** What the panels cost, for the progress. */
  readonly weights?: PanelWeights;
  /** Told how long each network took in the drawing itself. */
  readonly onRun?: (run: NetworkRun) => void;
}

interface Drawn {
  readonly image: Pixels;
  readonly receipt: Receipt;
  readonly warnings: readonly string[];
}

/** @param onEnd Takes what makes the previews of all steps, while the decoder is still in memory. */
async function drawOne(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  options: Parameters<DrawingPipeline["generate"]>[1],
  onEnd?: (previews: readonly (() => Promise<Pixels>)[]) => Promise<void>,
): Promise<Drawn> {
  const warnings: string[] = [];
  const previews: (() => Promise<Pixels>)[] = [];
  let drawn: Omit<Drawn, "warnings"> | undefined;
  for await (const event of pipeline.generate({ ...request, count: 1 }, options)) {
    if (event.kind === "warning") warnings.push(event.message);
    if (event.kind === "step" && event.hasPreview) previews.push(() => event.preview());
    if (event.kind === "image") {
      const { width, height, pixels: data, receipt } = event;
      drawn = { image: { width, height, channels: 3, data }, receipt };
      await onEnd?.(previews);
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
  pipeline: DrawingPipeline,
  request: ImageRequest,
  options: ExplainOptions = {},
): AsyncGenerator<Finding, void, void> {
  const { signal, words = usualAmounts.words, ordinary = [], panels = usualPanels } = options;
  const fixed = { ...request, seed: request.seed ?? 0, count: 1 };
  const settings = pipeline.complete(fixed);
  const watch = signal ? { signal } : {};
  const progress = new ProgressMeter(
    planPanels(settings, options),
    options.onProgress ?? (() => {}),
    options.weights,
  );
  const watched = withSteps(pipeline, progress.step);
  const begin = (panel: PanelName) => {
    const isChosen = panels.includes(panel);
    if (isChosen) progress.begin(panel);
    return isChosen;
  };
  progress.begin("drawing");
  const main = await drawWhileLooking(watched, fixed, { ...watch, ...pick(options) });
  const { drawn, pull, tokens } = main;
  yield { kind: "drawing", ...drawn, seconds: main.seconds };
  yield { kind: "work", networks: pipeline.getWork(fixed) };
  const prompt = joinTokens(fixed.prompt, tokens);
  yield { kind: "tokens", prompt, negativePrompt: tokens.uncond };
  yield { kind: "steps", images: main.steps, settled: measureSettling(main.steps) };
  const found = readMaps(main);
  if (found.maps.length > 0) yield { kind: "words", ...found };
  const { maps } = found;
  if (pull.values.length > 0 && begin("pull"))
    yield await comparePull(watched, fixed, pull.values, { ordinary, ...watch });
  const variants = withoutWord(fixed.prompt, prompt, maps, words);
  for (const variant of begin("leave-out") ? variants : []) {
    const { image } = await drawOne(watched, { ...fixed, prompt: variant.prompt }, watch);
    yield describeWithout(variant, drawn.image, image, maps);
  }
  const { seeds = usualAmounts.seeds, seedSteps = settings.steps } = options;
  if (seeds > 0 && begin("seeds")) {
    const steps = Math.min(settings.steps, seedSteps);
    yield await compareSeeds(watched, fixed, { seeds, steps, drawn: drawn.image, watch });
  }
  yield* explainPrompt(watched, fixed, { variants, watch, begin });
  const others = getOtherScales(settings, options.scales);
  if (others.length > 0 && begin("scales"))
    yield await compareScales(watched, fixed, {
      others,
      scale: settings.guidance,
      drawn: drawn.image,
      watch,
    });
}

const pick = ({ onRun }: ExplainOptions) => (onRun ? { onRun } : {});

/** A model that reports no tokens reports no attention to them either. */
function readMaps({ attribution, regions, negative, latents, tokens }: Looked): Omit<WordsFinding, "kind"> {
  const { cond, uncond } = tokens;
  const has = cond.words.length > 0;
  return {
    maps: has ? (attribution?.wordMaps(tokens) ?? []) : [],
    regions: has ? (regions?.wordMaps(cond) ?? []) : [],
    ...(latents && { latents }),
    negative: uncond.words.length > 0 ? (negative?.wordMaps(uncond) ?? []) : [],
  };
}

type Fixed = ImageRequest & { readonly seed: number };
type Watch = { readonly signal?: AbortSignal };

type Looked = Awaited<ReturnType<typeof drawWhileLooking>>;

async function drawWhileLooking(
  pipeline: DrawingPipeline,
  request: Fixed,
  watch: Watch & Pick<ExplainOptions, "onRun">,
) {
  // A distilled network shows no attention, and with DeepCache most steps have none.
  const attribution =
    isUnguided(pipeline.complete(request)) || request.deepCache
      ? undefined
      : new ComposedAttribution(request.prompt);
  // Only some networks have regions, and then they report them beside their attention.
  const regions = new Attribution({ accept: ({ kind }) => kind === "regions" });
  const negative = new Attribution({ conditioning: "uncond" });
  let [hasRegions, hasNegative] = [false, false];
  let latents: AttentionRecord["latents"];
  const onAttention = (record: AttentionRecord) => {
    attribution?.add(record);
    regions.add(record);
    negative.add(record);
    hasNegative ||= record.conditioning === "uncond";
    latents ??= record.latents;
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
  let seconds = 0;
  const drawn = await drawOne(pipeline, request, { ...watch, probe }, async (previews) => {
    seconds = (performance.now() - start) / 1000;
    for (const preview of previews) steps.push(await preview());
  });
  const sized = steps.map((step) => toSize(step, drawn.image));
  return {
    drawn,
    seconds,
    attribution,
    regions: hasRegions ? regions : undefined,
    negative: hasNegative ? negative : undefined,
    latents,
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
  pipeline: DrawingPipeline,
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
async function drawFirstStep(pipeline: DrawingPipeline, request: Fixed, watch: Watch): Promise<Pixels> {
  const plain = isUnguided(pipeline.complete(request)) ? request : { ...request, guidance: 1 };
  // Leaving the loop cancels what is not finished, so the preview is waited for.
  for await (const event of pipeline.generate(plain, watch))
    if (event.kind === "step" && event.hasPreview) return await event.preview();
  throw new NishikiError("internal", "The drawing had no step.");
}

async function compareSeeds(
  pipeline: DrawingPipeline,
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
    steps,
    mean,
    first,
    meanToFirstStep: psnr(mean, first),
    meanToDrawing: psnr(mean, drawn),
    distance: meanPairDistance(images.map(({ image }) => image)),
  };
}

async function compareScales(
  pipeline: DrawingPipeline,
  request: Fixed,
  {
    others,
    scale,
    drawn,
    watch,
  }: {
    readonly others: readonly number[];
    readonly scale: number;
    readonly drawn: Pixels;
    readonly watch: Watch;
  },
): Promise<GuidanceFinding> {
  const images = [{ scale, image: drawn }];
  for (const other of others) {
    const { image } = await drawOne(pipeline, { ...request, guidance: other }, watch);
    images.push({ scale: other, image });
  }
  return { kind: "guidance", images: images.sort((a, b) => a.scale - b.scale) };
}

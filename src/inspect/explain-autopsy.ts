// What a prompt does, word by word and step by step: findings beside those of explain.ts.
import type { ImageRequest, Pixels } from "../pipeline/index.js";
import type { DrawingPipeline } from "./explain-progress.js";
import type { PanelName } from "./panel-names.js";
import { arrowPlaces, canSwitch, canTakeApart, getArrowScales, getSwitchSteps } from "./panels.js";
import type { PromptVariant } from "./prompt-words.js";
import { measureWordPull, type WordPull } from "./word-pull.js";

/** What each word changes in the prediction, by step. */
export interface WordPullFinding {
  readonly kind: "word-pull";
  readonly words: readonly WordPull[];
}

/** One prediction from one noisy picture, with the difference that the prompt makes taken several times. */
export interface ArrowFinding {
  readonly kind: "arrow";
  /** The step after which the prediction is made, from 0. */
  readonly step: number;
  /** At scale 0 the prediction without the prompt, at 1 the one with it. */
  readonly images: readonly { readonly scale: number; readonly image: Pixels }[];
}

/** A word that joins the prompt after some steps: how long can it wait and still be drawn? */
export interface SwitchFinding {
  readonly kind: "switch";
  readonly word: string;
  /** The prompt until then. */
  readonly prompt: string;
  readonly steps: number;
  readonly images: readonly { readonly step: number; readonly image: Pixels }[];
}

export type AutopsyFinding = WordPullFinding | ArrowFinding | SwitchFinding;

interface Watch {
  readonly signal?: AbortSignal;
}

/** The image of a request; after some steps, the prediction of that step. */
async function drawUntil(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  watch: Watch,
  steps = Number.POSITIVE_INFINITY,
): Promise<Pixels> {
  let image: Pixels | undefined;
  for await (const event of pipeline.generate({ ...request, count: 1 }, watch)) {
    // Leaving the loop cancels what is not finished, so the preview is waited for.
    if (event.kind === "step" && event.stage === "base" && event.step >= steps) return await event.preview();
    if (event.kind === "image")
      image = { width: event.width, height: event.height, channels: 3, data: event.pixels };
  }
  return image!;
}

/**
 * The arrow of guidance: up to the step, the prompt alone leads, so that all scales start from one noisy picture.
 * @param scale The request's own.
 */
async function* drawArrows(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  { scale, steps, watch }: { readonly scale: number; readonly steps: number; readonly watch: Watch },
): AsyncGenerator<ArrowFinding, void, void> {
  for (const place of arrowPlaces) {
    const step = Math.round(place * steps);
    const images: { scale: number; image: Pixels }[] = [];
    for (const guidance of getArrowScales(scale)) {
      const interval: readonly [number, number] = [step / steps, Math.min(1, (step + 1) / steps)];
      const one = { ...request, guidance, guidanceInterval: interval };
      images.push({ scale: guidance, image: await drawUntil(pipeline, one, watch, step + 1) });
    }
    yield { kind: "arrow", step, images };
  }
}

async function drawSwitch(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  {
    variant,
    steps,
    watch,
  }: { readonly variant: PromptVariant; readonly steps: number; readonly watch: Watch },
): Promise<SwitchFinding> {
  const images: { step: number; image: Pixels }[] = [];
  for (const step of getSwitchSteps(steps)) {
    const prompt = `[${variant.prompt}:${request.prompt}:${step}]`;
    images.push({ step, image: await drawUntil(pipeline, { ...request, prompt }, watch) });
  }
  return { kind: "switch", word: variant.word, prompt: variant.prompt, steps, images };
}

interface AutopsyOptions {
  /** The prompt without each of its words, strongest first. */
  readonly variants: readonly PromptVariant[];
  readonly watch: Watch;
  /** Whether a panel is to be drawn: it begins. */
  readonly begin: (panel: PanelName) => boolean;
}

/** Takes a prompt apart, as far as its panels are chosen. */
export async function* explainPrompt(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  { variants, watch, begin }: AutopsyOptions,
): AsyncGenerator<AutopsyFinding, void, void> {
  const settings = pipeline.complete(request);
  const { guidance, steps } = settings;
  if (!canTakeApart(settings)) return;
  if (variants.length > 0 && begin("word-pull"))
    yield { kind: "word-pull", words: await measureWordPull(pipeline, request, variants, watch) };
  if (begin("arrow")) yield* drawArrows(pipeline, request, { scale: guidance, steps, watch });
  const [strongest] = variants;
  if (strongest && canSwitch(settings) && begin("switch"))
    yield await drawSwitch(pipeline, request, { variant: strongest, steps, watch });
}

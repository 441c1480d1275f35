// What a prompt does, word by word and step by step: findings beside those of explain.ts.
import type { ImageRequest, Pipeline, Pixels } from "../pipeline/index.js";
import type { PromptVariant } from "./prompt-words.js";
import { canMeasureWords, measureWordPull, type WordPull } from "./word-pull.js";

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
  pipeline: Pipeline,
  request: ImageRequest,
  watch: Watch,
  steps = Number.POSITIVE_INFINITY,
): Promise<Pixels> {
  let image: Pixels | undefined;
  for await (const event of pipeline.generate({ ...request, count: 1 }, watch)) {
    if (event.kind === "step" && event.stage === "base" && event.step >= steps) return event.preview();
    if (event.kind === "image")
      image = { width: event.width, height: event.height, channels: 3, data: event.pixels };
  }
  return image!;
}

/** Shares of the steps at which the arrow is drawn: from noise alone, and when a picture begins to show. */
const arrowPlaces = [0, 0.3] as const;

/**
 * The arrow of guidance: up to the step, the prompt alone leads, so that all scales start from one noisy picture.
 * @param scale The request's own.
 */
async function* drawArrows(
  pipeline: Pipeline,
  request: ImageRequest,
  { scale, steps, watch }: { readonly scale: number; readonly steps: number; readonly watch: Watch },
): AsyncGenerator<ArrowFinding, void, void> {
  for (const place of arrowPlaces) {
    const step = Math.round(place * steps);
    const images: { scale: number; image: Pixels }[] = [];
    for (const guidance of [0, 1, scale, 2 * scale]) {
      const interval: readonly [number, number] = [step / steps, Math.min(1, (step + 1) / steps)];
      const one = { ...request, guidance, guidanceInterval: interval };
      images.push({ scale: guidance, image: await drawUntil(pipeline, one, watch, step + 1) });
    }
    yield { kind: "arrow", step, images };
  }
}

/** Shares of the steps after which the word joins. */
const switchPlaces = [0.2, 0.4, 0.6, 0.8] as const;

async function drawSwitch(
  pipeline: Pipeline,
  request: ImageRequest,
  {
    variant,
    steps,
    watch,
  }: { readonly variant: PromptVariant; readonly steps: number; readonly watch: Watch },
): Promise<SwitchFinding> {
  const places = [...new Set(switchPlaces.map((share) => Math.max(1, Math.round(share * steps))))];
  const images: { step: number; image: Pixels }[] = [];
  for (const step of places) {
    const prompt = `[${variant.prompt}:${request.prompt}:${step}]`;
    images.push({ step, image: await drawUntil(pipeline, { ...request, prompt }, watch) });
  }
  return { kind: "switch", word: variant.word, prompt: variant.prompt, steps, images };
}

/** Signs that mean something in prompts that change while they are drawn. */
const hasSyntax = (prompt: string) => /[[\]|:]/.test(prompt);

/**
 * Takes a prompt apart.
 * @param variants The prompt without each of its words, strongest first.
 */
export async function* explainPrompt(
  pipeline: Pipeline,
  request: ImageRequest,
  variants: readonly PromptVariant[],
  watch: Watch,
): AsyncGenerator<AutopsyFinding, void, void> {
  const { guidance, steps } = pipeline.complete(request);
  if (guidance <= 1 || !canMeasureWords(request)) return;
  if (variants.length > 0)
    yield { kind: "word-pull", words: await measureWordPull(pipeline, request, variants, watch) };
  yield* drawArrows(pipeline, request, { scale: guidance, steps, watch });
  const [strongest] = variants;
  if (strongest && !hasSyntax(request.prompt) && !request.init)
    yield await drawSwitch(pipeline, request, { variant: strongest, steps, watch });
}

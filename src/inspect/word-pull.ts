// What each word does to the prediction, step by step: at the very same noisy picture, the prompt is read again without the word.
// Prompts without a word are parts of a composed prompt whose weight is next to nothing, so they are evaluated beside the drawing
// and do not change it.
import {
  type Conditioning,
  type ImageRequest,
  type PredictionRecord,
  splitComposition,
} from "../pipeline/index.js";
import type { DrawingPipeline } from "./explain-progress.js";
import type { PromptVariant } from "./prompt-words.js";

/** How much of the prediction a word accounts for. */
export interface WordPull {
  readonly word: string;
  /** Index among the prompt's words. */
  readonly index: number;
  /** By evaluation: root mean square of what leaving the word out changes in the predicted latents (x̂0). */
  readonly values: readonly number[];
}

/** A weight that is not left out as zero is, and that moves no pixel. */
const nothing = "0.000001";
/** Parts of a composed prompt, beside the prompt itself. */
export const mostWords = 10;

/** Whether a prompt can be taken apart: composed ones are already. */
export const canMeasureWords = ({ prompt, fast, deepCache }: ImageRequest): boolean =>
  !fast && !deepCache && splitComposition(prompt).length === 1;

function differ(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squares / a.length);
}

/**
 * Draws once more, with a row of every evaluation for each variant.
 * @param request With guidance above 1.
 * @param variants At most 10: see `withoutWord`.
 * @throws NishikiError as `generate` does
 */
export async function measureWordPull(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  variants: readonly PromptVariant[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly WordPull[]> {
  const taken = variants.slice(0, mostWords);
  const values = taken.map((): number[] => []);
  const onPrediction = ({ stage, denoised }: PredictionRecord) => {
    const { cond } = denoised;
    if (stage !== "base" || !cond) return;
    taken.forEach((_, i) => {
      const without = denoised[`cond ${i + 2}` as Conditioning];
      if (without) values[i]!.push(differ(cond, without));
    });
  };
  const parts = [`${request.prompt} :1`, ...taken.map(({ prompt }) => `${prompt} :${nothing}`)];
  const composed = { ...request, prompt: parts.join(" AND "), count: 1 };
  const options = { probe: { onPrediction }, ...(signal && { signal }) };
  for await (const _ of pipeline.generate(composed, options));
  return taken.map(({ word, index }, i) => ({ word, index, values: values[i]! }));
}

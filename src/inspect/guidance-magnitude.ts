// How far a prompt pulls a prediction: the distance between the predicted noise with and without it. Training pictures that a
// model memorised pull far harder than ordinary prompts (Wen et al. 2024, ICLR, "Detecting, explaining, and mitigating
// memorization in diffusion models", section 3). It costs nothing: guidance computes both predictions anyway.
import { nameConditioning, type PredictionRecord } from "../pipeline/index.js";

/** Collects the pull of a drawing's evaluations; pass `add` to a probe as `onPrediction`. */
export class GuidanceMagnitude {
  /** Root mean square of ε(x, prompt) − ε(x, none), by evaluation. Evaluations without both are left out. */
  readonly values: number[] = [];
  #first: number | undefined;
  readonly #stage: string | undefined;
  readonly #weights: readonly number[];

  /**
   * @param stage Only this stage counts. Default: all.
   * @param weights Those of a prompt's parts. Default: one part, of weight 1.
   */
  constructor(stage?: string, weights: readonly number[] = [1]) {
    this.#stage = stage;
    this.#weights = weights;
  }

  readonly add = ({ stage, sigma, denoised }: PredictionRecord): void => {
    const { uncond } = denoised;
    const parts = this.#weights.map((_, i) => denoised[nameConditioning(i)]);
    if (!uncond || (this.#stage !== undefined && stage !== this.#stage)) return;
    if (parts.some((part) => part === undefined)) return;
    let squares = 0;
    for (let i = 0; i < uncond.length; i++) {
      let pull = 0;
      for (const [k, weight] of this.#weights.entries()) pull += weight * (parts[k]![i]! - uncond[i]!);
      squares += pull ** 2;
    }
    const distance = Math.sqrt(squares / uncond.length);
    this.#first ??= distance;
    // x = x0 + sigma·noise: a difference in x̂0 is sigma times one in the noise.
    this.values.push(distance / sigma);
  };

  /**
   * What the prompt changes in the first prediction of the latents (x̂0), root mean square. It depends on the prompt and the noise
   * alone, not on guidance or the sampler. 0 if there was none.
   */
  get first(): number {
    return this.#first ?? 0;
  }

  /** The mean over evaluations; 0 if there were none. */
  get mean(): number {
    const { values } = this;
    return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
  }
}

/** The share of reference values that are lower, 0 to 1; equal ones count half. */
export function getPercentile(value: number, reference: readonly number[]): number {
  const below = reference.filter((other) => other < value).length;
  const equal = reference.filter((other) => other === value).length;
  return reference.length === 0 ? 0.5 : (below + equal / 2) / reference.length;
}

/**
 * The area under the ROC curve: how often a value of the first kind is above one of the second; 0.5 is chance. Equal ones count
 * half (Mann and Whitney 1947).
 */
export function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): number {
  const shares = positives.map((value) => getPercentile(value, negatives));
  return shares.reduce((a, b) => a + b, 0) / shares.length;
}

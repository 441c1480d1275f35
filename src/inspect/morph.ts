// The way from one picture to another: between two prompts, two seeds, or both.
import { NishikiError } from "../errors.js";
import { type ImageRequest, type Pixels, splitComposition } from "../pipeline/index.js";
import type { DrawingPipeline } from "./explain-progress.js";

/** An end of the way. */
export interface MorphEnd {
  readonly prompt: string;
  readonly seed: number;
}

export interface MorphFrame {
  /** 0 at the beginning, 1 at the end. */
  readonly at: number;
  readonly image: Pixels;
}

export interface MorphOptions {
  readonly from: MorphEnd;
  readonly to: MorphEnd;
  /** Number of images, with both ends; at least 2. Default 9. */
  readonly frames?: number;
  /** Everything else. */
  readonly request?: Omit<ImageRequest, "prompt" | "seed" | "count" | "variation">;
  readonly signal?: AbortSignal;
}

const mostFrames = 1000;

/** @throws NishikiError "usage" for ends that cannot be joined */
function check({ from, to, frames = 9 }: MorphOptions, guidance: number): void {
  if (!Number.isInteger(frames) || frames < 2 || frames > mostFrames)
    throw new NishikiError(
      "usage",
      `frames: expected a whole number from 2 to ${mostFrames}, got ${frames}.`,
    );
  if (from.prompt === to.prompt) return;
  const composed = [from, to].find(({ prompt }) => splitComposition(prompt).length > 1);
  if (composed) {
    const reason = "a prompt that is joined by AND cannot be joined to another";
    throw new NishikiError("usage", `morph: ${reason}. Use prompts without AND.`);
  }
  if (guidance === 1)
    throw new NishikiError(
      "usage",
      "guidance: a way between two prompts needs guidance, whose directions are mixed; expected other than 1, got 1. Raise guidance, and omit fast.",
    );
}

/** The request of a frame: prompts meet in guidance (Liu et al. 2022, arXiv:2206.01714), seeds on the sphere of noise. */
export function makeFrameRequest({ from, to, request }: MorphOptions, at: number): ImageRequest {
  const share = (value: number) => value.toFixed(6);
  const prompt =
    from.prompt === to.prompt || at === 0
      ? from.prompt
      : at === 1
        ? to.prompt
        : `${from.prompt} :${share(1 - at)} AND ${to.prompt} :${share(at)}`;
  const base = { ...request, prompt, count: 1 };
  if (from.seed === to.seed || at === 0) return { ...base, seed: from.seed };
  if (at === 1) return { ...base, seed: to.seed };
  return { ...base, seed: from.seed, variation: { seed: to.seed, strength: at } };
}

/**
 * Draws the way from one picture to another, frame by frame. The ends are what `generate` draws for them.
 * @throws NishikiError "usage" for ends that cannot be joined, and what `generate` throws
 *
 * @example
 * ```ts
 * import { loadPipeline } from "nishiki";
 * import { morph } from "nishiki/inspect";
 *
 * const pipeline = await loadPipeline();
 * const ends = { from: { prompt: "a cat", seed: 1 }, to: { prompt: "a house", seed: 1 } };
 * for await (const { at } of morph(pipeline, { ...ends, frames: 3, request: { steps: 4 } })) console.log(at);
 * await pipeline.dispose();
 * // → 0
 * // → 0.5
 * // → 1
 * ```
 */
export async function* morph(
  pipeline: DrawingPipeline,
  options: MorphOptions,
): AsyncGenerator<MorphFrame, void, void> {
  const { frames = 9, signal } = options;
  check(options, pipeline.complete(makeFrameRequest(options, 0)).guidance);
  for (let i = 0; i < frames; i++) {
    const at = i / (frames - 1);
    const request = makeFrameRequest(options, at);
    for await (const event of pipeline.generate(request, signal ? { signal } : {})) {
      if (event.kind !== "image") continue;
      const { width, height, pixels: data } = event;
      yield { at, image: { width, height, channels: 3, data } };
    }
  }
}

// How far a prompt pulls the very first prediction, for one guided evaluation. That depends on the prompt, the model and the
// noise, and not on guidance, steps or the sampler, so prompts can be compared by it.
import type { ImageRequest } from "../pipeline/index.js";
import type { DrawingPipeline } from "./explain-progress.js";
import { GuidanceMagnitude } from "./guidance-magnitude.js";

export interface OrdinaryPull {
  readonly prompt: string;
  readonly pull: number;
}

/** Guidance above 1, so that both predictions are made. */
const leastGuided = 2;

/** The request as text to image without a negative prompt: what prompts are compared in. */
export function makePlain(request: ImageRequest): ImageRequest {
  const { size } = request;
  return { prompt: request.prompt, guidance: leastGuided, ...(size !== undefined && { size }) };
}

/** @throws NishikiError as `generate` does */
export async function measureFirstPull(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  prompt: string,
  { seed, signal }: { readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const pull = new GuidanceMagnitude("base");
  const plain = { ...makePlain(request), prompt, seed, count: 1 };
  const options = { probe: { onPrediction: pull.add }, ...(signal && { signal }) };
  for await (const event of pipeline.generate(plain, options)) if (event.kind === "step") break;
  return pull.first;
}

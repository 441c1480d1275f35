// What the prior and its text encoder cost, counted from their programs.
import { countMultiplications } from "../../../graph/index.js";
import { tracePriorTransformer } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { NetworkWork } from "../../work.js";
import { traceTextEncoder } from "../stable-diffusion/programs.js";
import type { EmbeddingNeeds } from "./embeddings.js";
import { getPriorSettings, type PriorModel } from "./prior.js";

/** Texts that are encoded: the prompt, its negative, and those to blend or to compare. */
export function getTextWork(
  { text }: Pick<PriorModel, "text">,
  { imagePrompt }: ImageSettings,
): readonly NetworkWork[] {
  const more = (imagePrompt?.texts?.length ?? 0) + (imagePrompt?.difference ? 2 : 0);
  const program = traceTextEncoder(text, { skip: 0, normalized: true });
  return [
    {
      network: "text encoder",
      multiplications: countMultiplications(program, { texts: 1 }),
      evaluations: 2 + more,
    },
  ];
}

/** Rows that the prior evaluates, for every text whose image embedding is drawn. */
export function getPriorWork(
  prior: PriorModel,
  settings: ImageSettings,
  { blendsPrompt, needsUncond }: EmbeddingNeeds,
): readonly NetworkWork[] {
  const { imagePrompt, prompt, negativePrompt } = settings;
  const { steps, guidance, candidates } = getPriorSettings(settings);
  const own = imagePrompt && !(blendsPrompt && prompt.trim() !== "") ? 0 : 1;
  const texts = own + (imagePrompt?.texts?.length ?? 0);
  const drawn = texts * candidates + (needsUncond && negativePrompt !== "" ? 1 : 0);
  if (drawn === 0) return [];
  return [
    {
      network: "prior",
      multiplications: countMultiplications(tracePriorTransformer(prior.network), { batch: 1 }),
      evaluations: drawn * steps * (guidance > 1 ? 2 : 1),
    },
  ];
}

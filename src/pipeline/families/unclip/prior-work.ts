// What the prior and CLIP's encoders cost, counted from their programs.
import type { ClipTextConfig } from "../../../models/index.js";
import { tracePriorTransformer } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { splitComposition } from "../../prompt/composition.js";
import type { ImageEncoderModel } from "../../vision/image-encoder.js";
import { traceImageEncoder } from "../../vision/program.js";
import { countWork, type NetworkWork } from "../../work.js";
import { traceTextEncoder } from "../stable-diffusion/programs.js";
import type { EmbeddingNeeds } from "./embeddings.js";
import { getPriorSettings, type PriorModel } from "./prior.js";

/** Bytes of weights in memory, by the networks' titles, of those that stay in their files. */
export type StoredBytes = ReadonlyMap<string, number>;

/** The option of `countWork` for a network whose weights stay in their files. */
export function getStored(stored: StoredBytes, network: string): { readonly weightBytes?: number } {
  const weightBytes = stored.get(network);
  return weightBytes === undefined ? {} : { weightBytes };
}

/** Texts that are encoded: the prompt, its negative, and those to blend or to compare. */
export function getTextWork(
  text: ClipTextConfig,
  { imagePrompt, prompt }: ImageSettings,
  stored: StoredBytes,
): NetworkWork {
  const parts = splitComposition(prompt).length - 1;
  const more = parts + (imagePrompt?.texts?.length ?? 0) + (imagePrompt?.difference ? 2 : 0);
  const network = "text encoder";
  return countWork(traceTextEncoder(text, { skip: 0, normalized: true }), {
    ...{ network, group: "text", evaluations: 2 + more, batch: "texts" },
    ...getStored(stored, network),
  });
}

/** Images that are encoded. */
export function getImageWork(
  images: ImageEncoderModel | undefined,
  evaluations: number,
  stored: StoredBytes,
): readonly NetworkWork[] {
  if (!images || evaluations === 0) return [];
  const network = "image encoder";
  const options = { network, group: "vision", evaluations, ...getStored(stored, network) } as const;
  return [countWork(traceImageEncoder(images.config), options)];
}

/** Rows that the prior evaluates, for every text whose image embedding is drawn. */
export function getPriorWork(
  prior: PriorModel | undefined,
  settings: ImageSettings,
  { blendsPrompt, drawsNegative, needsUncond }: Omit<EmbeddingNeeds, "prompts" | "negatives">,
  stored: StoredBytes,
): readonly NetworkWork[] {
  const { imagePrompt, prompt, negativePrompt } = settings;
  const { steps, guidance, candidates } = getPriorSettings(settings);
  const own = imagePrompt && !(blendsPrompt && prompt.trim() !== "") ? 0 : splitComposition(prompt).length;
  const texts = own + (imagePrompt?.texts?.length ?? 0);
  const hasNegative = negativePrompt !== "" && (imagePrompt ? needsUncond : drawsNegative);
  const drawn = texts * candidates + (hasNegative ? 1 : 0);
  if (!prior || drawn === 0) return [];
  const sides = guidance > 1 ? 2 : 1;
  // A prompt and its negative are evaluated together; further texts, one after another.
  const rows = sides * (imagePrompt ? candidates : Math.min(drawn, candidates + 1));
  const options = { network: "prior", group: "prior", evaluations: drawn * steps * sides, rows } as const;
  return [countWork(tracePriorTransformer(prior.network), { ...options, ...getStored(stored, "prior") })];
}

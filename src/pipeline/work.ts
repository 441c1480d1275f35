// What drawing an image costs, before it is drawn: multiplications of each network, counted from its program.
import { getSampler } from "../diffusion/index.js";
import type { ImageSettings } from "./image-request.js";
import { getStopAfter } from "./plan.js";
import { getPartWeights } from "./prompt/composition.js";

/** The work of one network for one image. */
export interface NetworkWork {
  /** The network's name in events, such as "denoiser". */
  readonly network: string;
  /** Multiplications of one evaluation, for one row of a batch. */
  readonly multiplications: number;
  /** Rows evaluated for an image: with guidance, each evaluation has two. The last step may need fewer. */
  readonly evaluations: number;
}

/** Rows that a denoiser evaluates for one image. */
export function countEvaluations(
  { steps, sampler, guidance, guidanceInterval, init, stopAt, prompt }: ImageSettings,
  { isGuided = guidance !== 1 }: { readonly isGuided?: boolean } = {},
): number {
  const { evaluationsPerStep, firstEvaluations } = getSampler(sampler);
  const planned = Math.min(steps, Math.trunc(steps * (init?.strength ?? 1)));
  const taken = getStopAfter(stopAt, planned) ?? planned;
  const [from, to] = guidanceInterval;
  const weights = getPartWeights(prompt) ?? [1];
  const alone = weights.filter((weight) => weight > 0).length;
  const guided = isGuided ? Math.max(0, Math.round(to * steps) - Math.round(from * steps)) : 0;
  const both = Math.min(taken, guided);
  const rows = both * (weights.length + 1) + (taken - both) * alone;
  return rows * evaluationsPerStep + firstEvaluations * (isGuided ? weights.length + 1 : alone);
}

/** All multiplications of an image. */
export const sumWork = (work: readonly NetworkWork[]): number =>
  work.reduce((sum, { multiplications, evaluations }) => sum + multiplications * evaluations, 0);

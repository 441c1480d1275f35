// What drawing an image costs, before it is drawn: multiplications of each network, counted from its program.
import { getSampler } from "../diffusion/index.js";
import type { ImageSettings } from "./image-request.js";

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
  { steps, sampler, guidance, guidanceInterval, init }: ImageSettings,
  { isGuided = guidance !== 1 }: { readonly isGuided?: boolean } = {},
): number {
  const { evaluationsPerStep, firstEvaluations } = getSampler(sampler);
  const taken = Math.min(steps, Math.trunc(steps * (init?.strength ?? 1)));
  const [from, to] = guidanceInterval;
  const guided = isGuided ? Math.max(0, Math.round(to * steps) - Math.round(from * steps)) : 0;
  const both = Math.min(taken, guided);
  return (taken + both) * evaluationsPerStep + firstEvaluations * (isGuided ? 2 : 1);
}

/** All multiplications of an image. */
export const sumWork = (work: readonly NetworkWork[]): number =>
  work.reduce((sum, { multiplications, evaluations }) => sum + multiplications * evaluations, 0);

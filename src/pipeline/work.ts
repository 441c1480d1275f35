// What drawing an image costs, before it is drawn: multiplications and memory of each network, counted from its program.
import { getSampler } from "../diffusion/index.js";
import { countMultiplications, countPeakBytes, type Program, sizeOf } from "../graph/index.js";
import type { ImageSettings } from "./image-request.js";
import { getStopAfter } from "./plan.js";
import { getPartWeights } from "./prompt/composition.js";
import type { NetworkGroup } from "./session-pool.js";

/** The work of one network for one image. */
export interface NetworkWork {
  /** The network's name in events, such as "denoiser"; a part or a pass follows after a comma. */
  readonly network: string;
  /** Multiplications of one evaluation, for one row of a batch. */
  readonly multiplications: number;
  /** Rows evaluated for an image: with guidance, each evaluation has two. The last step may need fewer. */
  readonly evaluations: number;
  /** Rows that are evaluated together. Default 1. */
  readonly rows?: number;
  /** Numbers among its weights; with the network's name, they tell one kind of network from another. */
  readonly parameters?: number;
  /** Bytes that its weights take in memory. */
  readonly weightBytes?: number;
  /** Bytes that the values of a run take in memory. */
  readonly valueBytes?: number;
  /** Networks of different groups may take turns in memory. */
  readonly group?: NetworkGroup;
}

interface Evaluations {
  readonly network: string;
  readonly group: NetworkGroup;
  readonly evaluations: number;
  readonly rows?: number;
  /** Sizes of the program's symbols for one row, without the batch. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** The symbol of the batch. Default "batch". */
  readonly batch?: string;
  /** Bytes of the weights in memory. Default: as float32. */
  readonly weightBytes?: number;
}

/** Counts what a network's program costs. */
export function countWork(
  program: Program,
  { network, group, evaluations, rows = 1, sizes = {}, batch = "batch", weightBytes }: Evaluations,
): NetworkWork {
  const parameters = program.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    network,
    multiplications: countMultiplications(program, { ...sizes, [batch]: 1 }),
    evaluations,
    rows,
    parameters,
    weightBytes: weightBytes ?? 4 * parameters,
    valueBytes: countPeakBytes(program, { ...sizes, [batch]: rows }),
    group,
  };
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

/** Rows that such a denoiser evaluates together in a guided step. */
export const countRows = ({ prompt, guidance }: ImageSettings, isGuided = guidance !== 1): number =>
  (getPartWeights(prompt)?.length ?? 1) + (isGuided ? 1 : 0);

/** All multiplications of an image. */
export const sumWork = (work: readonly NetworkWork[]): number =>
  work.reduce((sum, { multiplications, evaluations }) => sum + multiplications * evaluations, 0);

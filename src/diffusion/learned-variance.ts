// Networks that predict the variance of each step beside the noise: "learned range" of Nichol and Dhariwal 2021
// (arXiv 2102.09672, section 3.1). Guidance applies to the noise only; the variances are those of the first condition,
// the prompt, as in diffusers' pipelines. Of a prompt with several parts, they are the mean by the weights of those that count:
// a network's numbers say where a variance lies between two limits, on a logarithmic scale.

import { NishikiError } from "../errors.js";
import type { Network } from "./denoisers.js";
import { combine, concatenate } from "./vectors.js";

export interface LearnedVariance<C> {
  /** The network without the variances. */
  readonly network: Network<C>;
  /** The variances of the latest evaluation, for the sampler's `learnedVariance`. */
  readonly learnedVariance: () => Float32Array;
}

/**
 * Takes the variances off a network's output, which for each condition is as long as the input for one, and then as long
 * again.
 * @param getShare How much a condition's variances count. Default: those of the first alone.
 */
export function splitVariance<C>(
  network: Network<C>,
  getShare?: (condition: C) => number,
): LearnedVariance<C> {
  let latest: Float32Array | undefined;
  return {
    network: async (input, time, condition, signal) => {
      const output = await network(input, time, condition, signal);
      const size = input.length / condition.length;
      if (output.length !== 2 * input.length)
        throw new NishikiError(
          "internal",
          `A network with learned variances got ${input.length} numbers and returned ${output.length}.`,
        );
      const all = condition.map((_, i) => output.subarray((2 * i + 1) * size, (2 * i + 2) * size));
      latest = getShare ? getMean(all, condition.map(getShare)) : all[0]!.slice();
      return concatenate(...condition.map((_, i) => output.subarray(2 * i * size, (2 * i + 1) * size)));
    },
    learnedVariance: () => {
      if (latest) return latest;
      throw new NishikiError("internal", "Learned variances are known after an evaluation of the network.");
    },
  };
}

/** The mean by shares; without any, the first. */
function getMean(values: readonly Float32Array[], shares: readonly number[]): Float32Array {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum > 0 ? combine(...values.map((one, i) => [shares[i]! / sum, one] as const)) : values[0]!.slice();
}

// Networks that predict the variance of each step beside the noise: "learned range" of Nichol and Dhariwal 2021
// (arXiv 2102.09672, section 3.1). Guidance applies to the noise only; the variances are those of the first condition,
// the prompt, as in diffusers' pipelines.

import { NishikiError } from "../errors.js";
import type { Network } from "./denoisers.js";
import { concatenate } from "./vectors.js";

export interface LearnedVariance<C> {
  /** The network without the variances. */
  readonly network: Network<C>;
  /** The variances of the latest evaluation, for the sampler's `learnedVariance`. */
  readonly learnedVariance: () => Float32Array;
}

/**
 * Takes the variances off a network's output, which for each condition is as long as the input for one, and then as long
 * again.
 */
export function splitVariance<C>(network: Network<C>): LearnedVariance<C> {
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
      latest = output.slice(size, 2 * size);
      return concatenate(...condition.map((_, i) => output.subarray(2 * i * size, (2 * i + 1) * size)));
    },
    learnedVariance: () => {
      if (latest) return latest;
      throw new NishikiError("internal", "Learned variances are known after an evaluation of the network.");
    },
  };
}

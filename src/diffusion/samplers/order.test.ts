// Samplers on data that is Gaussian with another mean and deviation in each dimension, where the probability flow is
// known exactly. The step to sigma 0 always lands on x̂0, whatever the order, which costs sigmaMin² and hides the rest;
// so errors are taken at the last sigma above 0.

import { expect, test } from "vitest";
import { followGaussianFlow, getGaussianDenoiser } from "../../../tests/support/gaussian.js";
import { getInitialNoise, getNoiseSource } from "../noise.js";
import { getFlowSchedule } from "../noise-schedules.js";
import { getExponentialSigmas, getKarrasSigmas, getSimpleSigmas } from "../step-schedules.js";
import { combine } from "../vectors.js";
import type { SamplerOptions, SamplerState } from "./sampler.js";
import { getSampler, type SamplerName } from "./table.js";

const world = { mean: [0, 1, -2, 0.5], deviation: [1, 0.5, 2, 0.25] };
const size = 64;
const range = { sigmaMin: 0.1, sigmaMax: 10 };

/** Root mean square distance from the exact path at sigmaMin. */
async function getError(
  name: SamplerName,
  sigmas: readonly number[],
  options: Partial<SamplerOptions<unknown>>,
): Promise<number> {
  const x = combine([sigmas[0]!, getInitialNoise([0], size)]);
  const states: SamplerState[] = [];
  const all = { condition: [0], noise: getNoiseSource([0], size), ...options };
  for await (const state of getSampler(name).sample(getGaussianDenoiser(world), x, sigmas, all))
    states.push(state);
  const { x: reached, sigma } = states.at(-2)!;
  const exact = followGaussianFlow(world, x, sigmas[0]!, sigma);
  return Math.sqrt(reached.reduce((sum, value, i) => sum + (value - exact[i]!) ** 2, 0) / size);
}

// UniPC's corrector adds one order to the predictor's. Order 3 gains no more over order 2 in the limit, because its first
// step has one answer to go by and its last is not corrected; it is better by a factor.
const cases: {
  name: SamplerName;
  options?: Partial<SamplerOptions<unknown>>;
  order: number;
  from: number;
  to: number;
}[] = [
  { name: "euler", order: 1, from: 16, to: 256 },
  { name: "euler-ancestral", options: { eta: 0 }, order: 1, from: 16, to: 256 },
  { name: "heun", order: 2, from: 16, to: 256 },
  { name: "dpm2", order: 2, from: 16, to: 256 },
  { name: "dpm2-ancestral", options: { eta: 0 }, order: 2, from: 16, to: 256 },
  // Both begin with one slope, whose error stays when later steps are better than it.
  { name: "lms", order: 2.5, from: 32, to: 128 },
  { name: "dpmpp-2s-ancestral", options: { eta: 0 }, order: 2, from: 16, to: 256 },
  { name: "dpmpp-sde", options: { eta: 0 }, order: 2, from: 16, to: 256 },
  { name: "dpmpp-3m-sde", options: { eta: 0 }, order: 2, from: 16, to: 128 },
  { name: "dpmpp-2m", order: 2, from: 16, to: 256 },
  { name: "dpmpp-2m-sde", options: { eta: 0 }, order: 2, from: 16, to: 256 },
  { name: "dpmpp-2m-sde-heun", options: { eta: 0 }, order: 2, from: 16, to: 256 },
  { name: "unipc", options: { order: 1 }, order: 2, from: 16, to: 256 },
  { name: "unipc", options: { order: 2 }, order: 3, from: 16, to: 128 },
  { name: "unipc", options: { order: 3 }, order: 3, from: 32, to: 128 },
  { name: "unipc-bh1", options: { order: 2 }, order: 3, from: 16, to: 128 },
  { name: "unipc-bh1", options: { order: 3 }, order: 3, from: 32, to: 128 },
];

for (const getSigmas of [getKarrasSigmas, getExponentialSigmas])
  test.each(cases)(
    `$name $options has order $order on ${getSigmas.name}`,
    async ({ name, options = {}, order, from, to }) => {
      const few = await getError(name, getSigmas(from, range), options);
      const many = await getError(name, getSigmas(to, range), options);
      const slope = Math.log(few / many) / Math.log(to / from);
      expect(slope).toBeGreaterThan(order - 0.1);
      expect(slope).toBeLessThan(order + 0.3);
    },
  );

test("at the same cost, higher order is nearer: UniPC-3 < UniPC-2 < DPM++ 2M < Euler, and 2M < Heun at half the steps", async () => {
  const at = (name: SamplerName, steps: number, options = {}) =>
    getError(name, getKarrasSigmas(steps, range), options);
  const errors = [
    await at("unipc", 20, { order: 3 }),
    await at("unipc", 20, { order: 2 }),
    await at("dpmpp-2m", 20),
    await at("heun", 10),
    await at("euler", 20),
  ];
  expect(errors).toEqual([...errors].sort((a, b) => a - b));
});

// A flow begins at sigma 9999, which a method that is only right for small steps in sigma does not survive.
test.each([
  ["euler", 0.1],
  ["heun", 0.03],
  ["dpmpp-2m", 0.03],
  ["unipc", 0.03],
  ["unipc-bh1", 0.06],
] as const)("%s stays within %s of a flow's exact path in ten steps even in time", async (name, limit) => {
  const schedule = getFlowSchedule();
  const sigmas = getSimpleSigmas(10, schedule);
  const latents = { mean: [0, 0.3, -0.5, 1], deviation: [1, 0.5, 0.2, 0.05] };
  let x = combine([sigmas[0]!, getInitialNoise([1], 256)]);
  const exact = followGaussianFlow(latents, x, sigmas[0]!, 0);
  for await (const state of getSampler(name).sample(getGaussianDenoiser(latents), x, sigmas, {
    condition: [0],
  }))
    x = state.x;
  const error = Math.sqrt(x.reduce((sum, value, i) => sum + (value - exact[i]!) ** 2, 0) / 256);
  expect(error).toBeLessThan(limit);
});

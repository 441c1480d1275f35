// Samplers that add noise, on Gaussian data. The ideal denoiser is affine there, so the result is an affine function of
// the first noise and of that of every step: x = m + a·n_first + Σ b_i·n_i. One run with a unit noise in each place gives
// all coefficients, and with them mean and variance without any sampling error.

import { expect, test } from "vitest";
import { getGaussianDenoiser } from "../../../tests/support/gaussian.js";
import { getInitialNoise, getNoiseSource } from "../noise.js";
import { getKarrasSigmas } from "../step-schedules.js";
import { combine, standardDeviation } from "../vectors.js";
import type { SamplerOptions, SamplerState } from "./sampler.js";
import { getSampler, type SamplerName } from "./table.js";

type Options = Partial<SamplerOptions<unknown>>;
const range = { sigmaMin: 0.02, sigmaMax: 80 };
const mean = 2;

/** All states of a sampler on N(mean, deviation²). */
async function run(
  name: SamplerName,
  deviation: number,
  x: Float32Array,
  sigmas: number[],
  options: Options,
) {
  const states: SamplerState[] = [];
  const denoise = getGaussianDenoiser({ mean: [mean], deviation: [deviation] });
  const all = { condition: [0], ...options };
  for await (const state of getSampler(name).sample(denoise, x, sigmas, all)) states.push(state);
  return states;
}

/** The exact mean and variance of what a sampler draws, at its last sigma above 0 (see order.test.ts). */
async function getMoments(name: SamplerName, deviation: number, steps: number, options: Options = {}) {
  const noise = (step: number) =>
    Float32Array.from({ length: steps + 2 }, (_, i) => (i === step + 2 ? 1 : 0));
  const x = new Float32Array(steps + 2);
  x[1] = Math.hypot(range.sigmaMax, deviation);
  const states = await run(name, deviation, x, getKarrasSigmas(steps, range), { noise, ...options });
  const out = states.at(-2)!.x;
  return { mean: out[0]!, variance: out.subarray(1).reduce((sum, value) => sum + (value - out[0]!) ** 2, 0) };
}

const cases: { name: SamplerName; options?: Options; order: number }[] = [
  { name: "euler-ancestral", order: 1 },
  { name: "euler-ancestral", options: { eta: 0.5 }, order: 1 },
  { name: "dpmpp-2m-sde", order: 2 },
  { name: "dpmpp-2m-sde", options: { eta: 0.5 }, order: 2 },
  { name: "dpmpp-2m-sde-heun", order: 2 },
  { name: "euler", options: { churn: { sChurn: 10 } }, order: 1 },
  { name: "heun", options: { churn: { sChurn: 20 } }, order: 2 },
];

test.each(cases)("$name $options draws the right mean, and variance with order $order", async (row) => {
  const { name, options, order } = row;
  for (const deviation of [0.3, 1, 3]) {
    const error = async (steps: number) => {
      const moments = await getMoments(name, deviation, steps, options);
      // x starts around 0 instead of around the mean; what can be left of that is mean·deviation/sigmaMax.
      expect(Math.abs(moments.mean - mean)).toBeLessThan((mean * deviation) / range.sigmaMax + 1e-3);
      return Math.abs(moments.variance / (deviation ** 2 + range.sigmaMin ** 2) - 1);
    };
    const [few, many] = [await error(64), await error(256)];
    const slope = Math.log2(few / many) / 2;
    expect(slope).toBeGreaterThan(order - 0.2);
    expect(slope).toBeLessThan(order + 0.4);
    expect(many).toBeLessThan(0.05);
  }
});

test.each(cases)(
  "$name $options turns real noise into samples of the distribution",
  async ({ name, options }) => {
    const seeds = [1, 2, 3, 4];
    const size = 2500;
    const n = seeds.length * size;
    const sigmas = getKarrasSigmas(60, range);
    const x = combine([range.sigmaMax, getInitialNoise(seeds, size)]);
    const exact = await getMoments(name, 1, 60, options);
    const samples = (await run(name, 1, x, sigmas, { noise: getNoiseSource(seeds, size), ...options })).at(
      -2,
    )!.x;
    const average = samples.reduce((sum, value) => sum + value, 0) / n;
    expect(Math.abs(average - exact.mean)).toBeLessThan(5 * Math.sqrt(exact.variance / n));
    // The variance of a variance is 2/n of its square.
    expect(Math.abs(standardDeviation(samples) ** 2 / exact.variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    const beyond =
      samples.filter((value) => Math.abs(value - exact.mean) > 2 * Math.sqrt(exact.variance)).length / n;
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(5 * Math.sqrt(0.0455 / n));
  },
);

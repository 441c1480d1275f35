import { describe, expect, test } from "vitest";
import { getGaussianDenoiser } from "../../tests/support/gaussian.js";
import { NishikiError } from "../errors.js";
import { type Denoiser, getDenoiser, type Network, type PredictionName } from "./denoisers.js";
import { getInitialNoise } from "./noise.js";
import { getBetas, getDiscreteSchedule, getFlowSchedule, type NoiseSchedule } from "./noise-schedules.js";
import { getSampler, samplers } from "./samplers/table.js";
import { getKarrasSigmas, getSimpleSigmas } from "./step-schedules.js";
import { combine } from "./vectors.js";

const diffusion = getDiscreteSchedule(getBetas("scaled-linear"));
const flow = getFlowSchedule({ timeScale: 1000 });

/** The sigma at which a schedule tells the network this time. */
function findSigma(schedule: NoiseSchedule, time: number): number {
  let [low, high] = [1e-6, 1e6];
  for (let i = 0; i < 200; i++) {
    const middle = Math.sqrt(low * high);
    if (schedule.timeOf(middle) < time) low = middle;
    else high = middle;
  }
  return high;
}

/** A network that predicts exactly what the ideal denoiser implies, written from the definition of each prediction. */
function getIdealNetwork(
  prediction: PredictionName,
  schedule: NoiseSchedule,
  ideal: Denoiser<unknown>,
): Network<unknown> {
  return async (input, time) => {
    const sigma = findSigma(schedule, time);
    const alpha = schedule.alphaOf(sigma);
    const x = combine([1 / alpha, input]);
    const x0 = await ideal(x, sigma, [0]);
    const eps = combine([1 / sigma, x], [-1 / sigma, x0]);
    switch (prediction) {
      case "eps":
        return eps;
      case "v":
        return combine([alpha, eps], [-alpha * sigma, x0]);
      case "flow":
        return combine([1, eps], [-1, x0]);
      case "sample":
        return x0;
    }
  };
}

const cases: [PredictionName, NoiseSchedule][] = [
  ["eps", diffusion],
  ["v", diffusion],
  ["sample", diffusion],
  ["eps", flow],
  ["flow", flow],
  ["sample", flow],
];

describe.each(cases)("a network that predicts %s ($kind)", (prediction, schedule) => {
  const world = { mean: [0.5, -1, 0, 2], deviation: [1, 0.5, 0.1, 0] };
  const ideal = getGaussianDenoiser(world);
  const sigmas = getKarrasSigmas(12, diffusion);
  const x = combine([sigmas[0]!, getInitialNoise([3], 16)]);

  test.each(["euler", "heun", "dpmpp-2m", "unipc"])(
    "takes the same path as the ideal denoiser under %s",
    async (name) => {
      const { sample } = getSampler(name);
      const adapted = getDenoiser(prediction, getIdealNetwork(prediction, schedule, ideal), schedule);
      const expected = sample(ideal, x, sigmas, { condition: [0] });
      let compared = 0;
      for await (const state of sample(adapted, x, sigmas, { condition: [0] })) {
        const { value } = await expected.next();
        state.x.forEach((number, i) => {
          compared++;
          expect(Math.abs(number - value!.x[i]!)).toBeLessThan(1e-5 * (1 + state.sigma));
        });
      }
      expect(compared).toBe(12 * 16);
    },
  );
});

test("a flow to a single picture is a straight line, which every sampler walks exactly, in any number of steps", async () => {
  const mean = [0.5, -1, 3];
  const ideal: Network<unknown> = async (input, time) => {
    return input.map((value, i) => (value - mean[i]!) / (time / 1000)); // x_t = mean + t·(noise - mean)
  };
  const noise = getInitialNoise([1], 3);
  for (const { name, sample, stochastic } of Object.values(samplers)) {
    // Made for variance-preserving schedules: steps from sigma 9999 carry rounding along.
    if (stochastic || ["pndm", "lms", "dpm2"].includes(name)) continue;
    for (const steps of [1, 2, 7]) {
      const sigmas = getSimpleSigmas(steps, flow);
      const x = combine([sigmas[0]!, noise]);
      for await (const state of sample(getDenoiser("flow", ideal, flow), x, sigmas, { condition: [0] })) {
        const t = flow.alphaOf(state.sigma) * state.sigma;
        // x begins without the image's ten-thousandth that t = 0.9999 should hold; that share is all that is off.
        mean.forEach((m, i) => {
          const xt = flow.alphaOf(state.sigma) * state.x[i]!;
          expect(Math.abs(xt - ((1 - t) * m + t * noise[i]!))).toBeLessThan(1.1e-4 * Math.abs(m) * t + 3e-6);
        });
      }
    }
  }
});

test("the network gets its condition and signal, the scaled latents and its own time", async () => {
  const calls: unknown[] = [];
  const network: Network<string> = async (input, time, condition, signal) => {
    calls.push([...input], time, condition, signal);
    return input;
  };
  const { signal } = new AbortController();
  await getDenoiser("flow", network, flow)(Float32Array.of(4, 8), 3, ["a cat"], signal);
  expect(calls).toEqual([[1, 2], expect.closeTo(750, 9), ["a cat"], signal]);
});

test("a prediction that does not belong to the noise schedule, or that nobody knows, is refused", () => {
  const network: Network<unknown> = async (input) => input;
  expect(() => getDenoiser("v", network, flow)).toThrow(NishikiError);
  expect(() => getDenoiser("flow", network, diffusion)).toThrow(/flow noise schedule/);
  expect(() => getDenoiser("score", network, flow)).toThrow(/eps, v, flow, sample/);
  expect(() => getDenoiser("toString", network, flow)).toThrow(NishikiError);
});

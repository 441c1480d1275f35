// DDPM and DDIM with predicted variances and limited predictions, step by step against diffusers. The numbers, the network and the
// versions are those of tests/golden/scripts/learned_variance.py.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { getDenoiser, type Network } from "./denoisers.js";
import { guide } from "./guidance.js";
import { splitVariance } from "./learned-variance.js";
import { getSampler } from "./samplers/table.js";
import { planSteps } from "./step-plan.js";
import { limitDenoiser } from "./thresholding.js";
import { getTrainedLimit } from "./trained-limit.js";
import { readScheduler } from "./trained-scheduler.js";
import { combine } from "./vectors.js";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly times: readonly number[];
  readonly path: readonly (readonly number[])[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../tests/golden/learned-variance.json", import.meta.url), "utf8"),
) as { readonly start: number[]; readonly noise: number[][]; readonly cases: readonly Case[] };

const plain: Network<unknown> = async (input, time) =>
  input.map((x) => 0.9 * x + 0.4 * Math.sin(2 * x + time / 150) - 0.2 * Math.cos(time / 70));

/** The prediction for each condition, then its variances. */
const learned: Network<unknown> = async (input, time, conditions, signal) => {
  const size = input.length / conditions.length;
  const output = await plain(input, time, conditions, signal);
  const both = new Float32Array(2 * input.length);
  conditions.forEach((_, i) => {
    const part = (values: Float32Array) => values.subarray(i * size, (i + 1) * size);
    both.set(part(output), 2 * i * size);
    both.set(
      part(input).map((x) => 1.3 * Math.sin(3 * x + time / 200)),
      (2 * i + 1) * size,
    );
  });
  return both;
};

const tell = ({ config, steps }: Case) => `${steps} steps of ${JSON.stringify(config)}`;

/** At the noisiest times of the cosine schedule, diffusers divides float32's rounding by a signal of 5e-5. */
const getTolerance = ({ config }: Case) => (/cos/.test(String(config.beta_schedule ?? "cos")) ? 1e-4 : 1e-5);

test.each(golden.cases.map((one) => [tell(one), one] as const))("%s", async (_, one) => {
  const { config, steps, path, times } = one;
  const trained = readScheduler(config, "pixels");
  const sampler = trained.sampler!;
  const plan = planSteps(trained, { sampler, steps });
  expect(plan.sigmas.slice(0, -1).map((sigma) => plan.schedule.timeOf(sigma))).toEqual(times);
  const isLearned = config.variance_type === "learned_range";
  const { network, learnedVariance } = isLearned
    ? splitVariance(learned)
    : { network: plain, learnedVariance: undefined };
  const guided = guide(getDenoiser(trained.prediction, network, plan.schedule), { scale: 3, uncond: [0] });
  const limit = getTrainedLimit(trained);
  const draws = golden.noise.values();
  let unlimited: Float32Array | undefined;
  const keep: typeof guided = async (...args) => {
    unlimited = await guided(...args);
    return unlimited;
  };
  const states = getSampler(sampler).sample(
    limit ? limitDenoiser(keep, limit) : guided,
    combine([plan.noiseScale, Float32Array.from(golden.start)]),
    plan.sigmas,
    {
      condition: [1],
      noise: () => Float32Array.from(draws.next().value!),
      ...plan.options,
      ...(learnedVariance && { learnedVariance }),
      ...(limit && { unlimited: () => unlimited! }),
    },
  );
  let last = 0;
  for await (const { step, sigma, x } of states) {
    const expected = path[step - 1]!;
    const most = Math.max(...expected.map(Math.abs));
    const alpha = step === steps ? plan.finalScale : plan.schedule.alphaOf(sigma);
    const worst = Math.max(...expected.map((value, i) => Math.abs(alpha * x[i]! - value) / most));
    expect(worst).toBeLessThan(getTolerance(one));
    last = step;
  }
  expect(last).toBe(steps);
});

test("variances are those of the first condition, and missing ones are refused", async () => {
  const { network, learnedVariance } = splitVariance<string>(async () =>
    Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  );
  expect(learnedVariance).toThrow(/known after an evaluation/);
  expect([...(await network(new Float32Array(4), 1, ["cond", "uncond"]))]).toEqual([1, 2, 5, 6]);
  expect([...learnedVariance()]).toEqual([3, 4]);
  await expect(network(new Float32Array(8), 1, ["cond", "uncond"])).rejects.toThrow(
    /got 8 numbers and returned 8/,
  );
});

// diffusers 0.42.1: DDPMScheduler(beta_schedule="squaredcos_cap_v2", variance_type="learned_range", prediction_type="sample",
// clip_sample=False), set_timesteps(timesteps=[40, 3, 2, 1, 0]), steps from [1, -0.5, 0.25] with x0 = [0.3, 0.2, -0.9] and
// random numbers of 0.
test("the last times of a list, which are close to each other, are weighed as in diffusers", async () => {
  const expected = [
    [0.32394588, 0.17605489, -0.86066246],
    [0.31705087, 0.18292981, -0.87193406],
    [0.31075785, 0.18921381, -0.88224745],
    [0.30507529, 0.19490045, -0.89159441],
    [0.3, 0.2, -0.9],
  ];
  const config = { _class_name: "DDPMScheduler", beta_schedule: "squaredcos_cap_v2" };
  const trained = readScheduler(
    { ...config, variance_type: "learned_range", prediction_type: "sample" },
    "pixels",
  );
  const plan = planSteps(trained, { sampler: "ddpm", steps: 5, times: [40, 3, 2, 1, 0] });
  const { alphaOf } = plan.schedule;
  const start = combine([1 / alphaOf(plan.sigmas[0]!), Float32Array.of(1, -0.5, 0.25)]);
  const states = getSampler("ddpm").sample(async () => Float32Array.of(0.3, 0.2, -0.9), start, plan.sigmas, {
    ...plan.options,
    condition: [1],
    noise: () => new Float32Array(3),
    learnedVariance: () => new Float32Array(3).fill(-1),
  });
  for await (const { step, sigma, x } of states)
    x.forEach((value, i) => {
      expect(Math.abs(alphaOf(sigma) * value - expected[step - 1]![i]!)).toBeLessThan(1e-6);
    });
});

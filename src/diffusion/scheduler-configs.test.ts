// Published configs with their own and with other samplers, from noise and from an image, against diffusers' last latents. The
// numbers, the network and the versions are those of tests/golden/scripts/scheduler_configs.py.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { getDenoiser, type Network } from "./denoisers.js";
import { getSampler, type SamplerName } from "./samplers/table.js";
import { planSteps } from "./step-plan.js";
import type { StepScheduleName } from "./step-schedules.js";
import { type PipelineKind, readScheduler } from "./trained-scheduler.js";
import { combine } from "./vectors.js";

type Case = readonly [
  config: string,
  sampler: SamplerName | null,
  schedule: StepScheduleName | null,
  steps: number,
  strength: number | null,
  last: readonly number[],
];

interface Golden {
  readonly start: readonly number[];
  readonly image: readonly number[];
  readonly noise: readonly (readonly number[])[];
  readonly configs: Readonly<Record<string, { readonly pipeline: PipelineKind; readonly config: object }>>;
  readonly cases: readonly Case[];
}

/** Another file of cases, where NISHIKI_SCHEDULER_CASES names one. */
const file =
  process.env.NISHIKI_SCHEDULER_CASES ??
  new URL("../../tests/golden/scheduler-configs.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;

const network: Network<unknown> = async (input, time) =>
  input.map((x) => 0.9 * x + 0.4 * Math.sin(2 * x + time / 150) - 0.2 * Math.cos(time / 70));

async function run([name, asked, stepSchedule, steps, strength]: Case): Promise<Float32Array> {
  const { pipeline, config } = golden.configs[name]!;
  const trained = readScheduler(config, pipeline);
  const sampler = asked ?? trained.sampler!;
  const request = { sampler, steps, strength: strength ?? 1, ...(stepSchedule && { stepSchedule }) };
  const { sigmas, schedule, noiseScale, finalScale, options } = planSteps(trained, request);
  const start = Float32Array.from(golden.start);
  let x =
    strength === null
      ? combine([noiseScale, start])
      : combine([1, Float32Array.from(golden.image)], [sigmas[0]!, start]);
  const draws = golden.noise.values();
  const noise = () => Float32Array.from(draws.next().value!);
  const denoise = getDenoiser(trained.prediction, network, schedule);
  for await (const state of getSampler(sampler).sample(denoise, x, sigmas, {
    condition: [0],
    noise,
    ...options,
  }))
    x = state.x;
  return combine([finalScale, x]);
}

/**
 * diffusers computes in float32. A step leaps from sigma 14.6 (with little of the signal left, from thousands) and multiplies the
 * rounding of x by as much.
 */
const toleranceOf = (name: string) => (/zero SNR|cosine/.test(name) ? 2e-4 : 5e-5);

test.each(Object.keys(golden.configs))("%s", async (name) => {
  const cases = golden.cases.filter(([config]) => config === name);
  const misses: string[] = [];
  for (const one of cases) {
    const last = one[5];
    const most = Math.max(...last.map(Math.abs));
    const found = await run(one).catch((error: Error) => error.message);
    const miss =
      typeof found === "string"
        ? found
        : Math.max(...last.map((value, i) => Math.abs(found[i]! - value))) / most;
    if (typeof miss === "string" || !(miss < toleranceOf(name)))
      misses.push(`${one.slice(1, 5).join(" ")}: ${miss}`);
  }
  expect(cases.length).toBeGreaterThan(1);
  expect(misses).toEqual([]);
});

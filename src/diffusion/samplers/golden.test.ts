// Every sampler step by step against Hugging Face diffusers on Gaussian data. The numbers, the versions they were made
// with and the command are in tests/golden/scripts/samplers.py. (Its Heun for variance-preserving networks goes over sigma and
// is another method; its Heun for flows is ours.)

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { getGaussianDenoiser } from "../../../tests/support/gaussian.js";
import { guide } from "../guidance.js";
import { getBetas, getDiscreteSchedule, getFlowSchedule } from "../noise-schedules.js";
import { getKarrasSigmas } from "../step-schedules.js";
import { combine } from "../vectors.js";
import { getSampler } from "./table.js";

interface Golden {
  mean: number[];
  deviation: number[];
  start: number[];
  noise: number[][];
  cases: { sampler: string; options: { order?: number }; sigmas: number[]; path: number[][] }[];
  scaled_linear: Record<string, number>;
  flow_shift_3: number[];
  rescale: { guided: number[][]; positive: number[][]; result: number[][] };
}

const file = new URL("../../../tests/golden/samplers.json", import.meta.url);
const golden: Golden = JSON.parse(readFileSync(file, "utf8"));

test.each(golden.cases)(
  "$sampler $options from sigma $sigmas.0",
  async ({ sampler, options, sigmas, path }) => {
    const x = combine([sigmas[0]!, Float32Array.from(golden.start)]);
    const noise = (step: number) => Float32Array.from(golden.noise[step]!);
    let compared = 0;
    let worst = 0;
    for await (const state of getSampler(sampler).sample(getGaussianDenoiser(golden), x, sigmas, {
      condition: [0],
      noise,
      ...options,
    }))
      path[state.step - 1]?.forEach((expected, i) => {
        compared++;
        worst = Math.max(worst, Math.abs(state.x[i]! - expected) / (1 + state.sigma));
      });
    expect(compared).toBe(4 * path.length);
    expect(path.length).toBeGreaterThanOrEqual(sigmas.length - 2);
    expect(worst).toBeLessThan(2e-6);
  },
);

test("the noise of Stable Diffusion's schedule, Karras's steps on it, and the shift of a flow", () => {
  const schedule = getDiscreteSchedule(getBetas("scaled-linear"));
  for (const [time, sigma] of Object.entries(golden.scaled_linear))
    expect(schedule.sigmaAt((Number(time) + 1) / 1000) / sigma).toBeCloseTo(1, 4);
  const karras = golden.cases.find(({ sampler }) => sampler === "dpmpp-2m")!.sigmas;
  getKarrasSigmas(8, schedule).forEach((sigma, i) => {
    expect(sigma).toBeCloseTo(karras[i]!, 3);
  });
  const flow = getFlowSchedule({ shift: 3 });
  [0.75, 0.5, 0.001].forEach((fraction, i) => {
    expect(flow.timeOf(flow.sigmaAt(fraction))).toBeCloseTo(golden.flow_shift_3[i + 1]!, 6);
  });
});

test("the rescaling of guidance", async () => {
  const { guided, positive, result } = golden.rescale;
  const phi = 0.7;
  // Guidance of scale 2 between `positive` and what lies as far on the other side of it gives `guided`.
  const answers = [
    ...positive,
    ...positive.map((row, j) => row.map((value, i) => 2 * value - guided[j]![i]!)),
  ];
  const denoise = guide(async () => Float32Array.from(answers.flat()), {
    scale: 2,
    rescale: phi,
    uncond: [0, 0],
  });
  const out = await denoise(new Float32Array(32), 1, [1, 1]);
  result.flat().forEach((expected, i) => {
    expect(out[i]).toBeCloseTo(expected, 4);
  });
});

// What a drawing costs, told before it is drawn, against what it then runs.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadPipeline } from "../src/index.js";
import { RunMeter, sumWork } from "../src/pipeline/index.js";

const model = (name: string) => fileURLToPath(new URL(`golden/pipelines/${name}`, import.meta.url));

it.each([
  ["the embedded model", undefined, { steps: 6 }],
  ["the embedded model, larger", undefined, { steps: 3, size: "512" }],
  ["the fast network", undefined, { fast: true }],
  ["without guidance", undefined, { steps: 4, guidance: 1 }],
  ["guidance in part of the steps", undefined, { steps: 8, guidanceInterval: "0.25,0.75" as const }],
  ["two evaluations a step", undefined, { steps: 4, sampler: "heun" }],
  ["Stable Diffusion", model("sd1"), { steps: 4, size: "64x96" }],
  [
    "Stable Diffusion XL, a long prompt",
    model("xl"),
    { steps: 2, size: "64x64", prompt: "cat ".repeat(100) },
  ],
])("%s: counts the rows that the denoiser evaluates", async (_, path, settings) => {
  await using pipeline = await loadPipeline({
    device: "cpu",
    threads: 1,
    ...(path !== undefined && { model: path }),
  });
  const request = { prompt: "a cat", seed: 1, ...settings };
  const work = pipeline.getWork(request);
  expect(
    work.every(({ multiplications }) => Number.isSafeInteger(multiplications) && multiplications > 0),
  ).toBe(true);
  let rows = 0;
  const onPrediction = ({ stage, denoised }: { stage: string; denoised: object }) => {
    if (stage === "base") rows += Object.keys(denoised).length;
  };
  const meter = new RunMeter();
  const onRun = meter.add;
  for await (const __ of pipeline.generate(request, { probe: { onPrediction }, onRun }));
  const denoiser = work.filter(({ network }) => /^(few-step )?denoiser/.test(network));
  // Every network that is forecast ran, and as often as forecast: these runs are what speed is learned from.
  for (const name of new Set(work.map(({ network }) => network.split(",")[0]!))) {
    const parts = work.filter(({ network }) => network.startsWith(name));
    const runs = parts.reduce((sum, { evaluations, rows: together = 1 }) => sum + evaluations / together, 0);
    const isExact = name !== "text encoder" && !("sampler" in settings) && !("guidanceInterval" in settings);
    if (isExact) expect(meter.runs(name).length).toBe(runs);
    else expect(meter.runs(name).length).toBeGreaterThan(0);
  }
  const counted = denoiser.reduce((sum, { evaluations }) => sum + evaluations, 0);
  // A sampler of second order may skip its correction in the last step.
  expect(counted - rows).toBeGreaterThanOrEqual(0);
  expect(counted - rows).toBeLessThanOrEqual("sampler" in settings ? 2 : 0);
  expect(sumWork(work)).toBeGreaterThan(0);
});

it("the embedded model's denoiser costs what its sizes say", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const { multiplications } = pipeline
    .getWork({ prompt: "a cat" })
    .find(({ network }) => network === "denoiser")!;
  // Between two and four of its parameters' uses at 4x4 to 16x16 cells: some 0.3 billion.
  expect(multiplications).toBeGreaterThan(1e8);
  expect(multiplications).toBeLessThan(1e9);
});

// Prompts with several parts, and prompts that change, in the models of DALL-E 2's and Imagen's design.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ImageRequest, loadPipeline, type Pipeline } from "../src/index.js";
import type { PredictionRecord } from "../src/pipeline/index.js";

const folder = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));
const models = [
  { name: "if-1", load: {}, few: {} },
  {
    name: "kandinsky-2-2-decoder",
    load: { prior: folder("kandinsky-2-2-prior") },
    few: { size: { width: 64, height: 64 }, prior: { steps: 2 } },
  },
  { name: "karlo", load: {}, few: { stages: 1, prior: { steps: 2 } } },
] as const;

describe.each(models)("prompts of $name", ({ name, load, few }) => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await loadPipeline({ model: folder(name), threads: 1, ...load });
  });
  afterAll(() => pipeline?.dispose());

  /** Pixels in [0, 255], and what was warned of. */
  async function draw(prompt: string, more: Partial<ImageRequest> = {}) {
    const warnings: string[] = [];
    const evaluated: string[][] = [];
    const probe = {
      onPrediction: ({ denoised }: PredictionRecord) => void evaluated.push(Object.keys(denoised)),
    };
    const request = { prompt, seed: 3, steps: 4, guidance: 3, ...few, ...more } as ImageRequest;
    for await (const event of pipeline.generate(request, { probe })) {
      if (event.kind === "warning") warnings.push(event.message);
      if (event.kind === "image") return { data: event.pixels, warnings, evaluated };
    }
    throw new Error("no picture");
  }
  const getDifference = (a: Uint8Array, b: Uint8Array) =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

  it("may have parts with weights, each of which counts", async () => {
    const plain = await draw("a cat");
    const halves = await draw("a cat :0.7 AND a cat :0.3");
    const both = await draw("a cat AND a red house :0.8");
    expect(both.evaluated).toContainEqual(["cond", "cond 2", "uncond"]);
    expect([plain.warnings, halves.warnings, both.warnings]).toEqual([[], [], []]);
    expect(getDifference(halves.data, plain.data)).toBeLessThanOrEqual(1);
    expect(getDifference(both.data, plain.data)).toBeGreaterThan(1);
    // What is not guided is the mean of the parts of positive weight.
    const unguided = { guidance: 1 };
    const [one, many] = [await draw("a cat", unguided), await draw("a cat AND a house :-1", unguided)];
    expect(getDifference(one.data, many.data)).toBeLessThanOrEqual(1);
    expect(pipeline.getWork({ prompt: "a cat AND a house", ...few }).length).toBeGreaterThan(1);
  });

  it("may change while it is drawn", async () => {
    const [cat, house] = [await draw("a cat"), await draw("a red house")];
    const late = await draw("[a cat:a red house:0.5]");
    expect(late.warnings).toEqual([]);
    expect(getDifference((await draw("[a cat:a red house:0]")).data, house.data)).toBeLessThanOrEqual(1);
    expect(getDifference(late.data, cat.data)).toBeGreaterThan(1);
    expect(getDifference(late.data, house.data)).toBeGreaterThan(1);
    const negative = { negativePrompt: "[fog:8]" };
    expect(getDifference((await draw("a cat", negative)).data, cat.data)).toBeLessThanOrEqual(1);
  });
});

// Prompts of several weighted parts, noise on prompts, and stopping early: with real networks, for two families.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ImageEvent, type ImageRequest, loadPipeline, type Pipeline } from "../src/index.js";
import type { PredictionRecord, PromptTokens } from "../src/pipeline/index.js";

const model = (name: string) => fileURLToPath(new URL(`golden/pipelines/${name}`, import.meta.url));

describe.each([
  ["the embedded model", undefined, {}],
  ["Stable Diffusion", model("sd1"), { size: "64x64" }],
])("%s", (_, path, size) => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await loadPipeline({ device: "cpu", threads: 1, ...(path !== undefined && { model: path }) });
  });
  afterAll(() => pipeline.dispose());

  async function draw(prompt: string, more: Partial<ImageRequest> = {}, previewAt?: number) {
    const records: PredictionRecord[] = [];
    const images: ImageEvent[] = [];
    let tokens: Readonly<Partial<Record<string, PromptTokens>>> = {};
    let preview: Uint8Array | undefined;
    const steps: string[] = [];
    const warnings: string[] = [];
    const probe = {
      onPrediction: (record: PredictionRecord) => void records.push(record),
      onTokens: (all: typeof tokens) => {
        tokens = all;
      },
    };
    const request = { prompt, seed: 3, steps: 4, guidance: 3, sampler: "euler", ...size, ...more };
    for await (const event of pipeline.generate(request, { probe })) {
      if (event.kind === "warning") warnings.push(event.message);
      if (event.kind === "step") {
        steps.push(`${event.step} of ${event.steps}`);
        if (event.step === previewAt) preview = (await event.preview()).data;
      }
      if (event.kind === "image") images.push(event);
    }
    return { records, images, tokens, preview, steps, warnings };
  }

  it("evaluates each part, and adds up what they say with their weights", async () => {
    const { records, tokens, warnings } = await draw("a red cat AND a house :0.5 AND [snow|a tree]:-0.25");
    expect(warnings.filter((message) => message.includes("AND"))).toEqual([]);
    expect(["cond", "cond 2", "cond 3"].map((name) => tokens[name]!.words.at(-1)!.text)).toEqual([
      "cat",
      "house",
      "snow",
    ]);
    const [first, second] = records as [PredictionRecord, PredictionRecord];
    const { cond, uncond, "cond 2": house, "cond 3": snow } = first.denoised;
    const [at, next] = [first.sigma, second.sigma];
    // The step of Euler's method from the composed prediction.
    const expected = first.x.map((x, i) => {
      const u = uncond![i]!;
      const composed = u + 3 * (cond![i]! - u + 0.5 * (house![i]! - u) - 0.25 * (snow![i]! - u));
      return x + ((next - at) / at) * (x - composed);
    });
    const largest = Math.max(...expected.map(Math.abs));
    second.x.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * largest);
    });
    const rows = (prompt: string) =>
      pipeline
        .getWork({ prompt, steps: 4, guidance: 3, sampler: "euler", ...size })
        .find(({ network }) => network === "denoiser")!.evaluations;
    expect([rows("a"), rows("a AND b AND c :-1")]).toEqual([8, 16]);
  });

  it("draws each part alone as a prompt of its own would be drawn", async () => {
    const alone = await draw("a house", { guidance: 1 });
    const composed = await draw("a house AND a red cat :0", { guidance: 1 });
    expect(composed.images[0]!.pixels).toEqual(alone.images[0]!.pixels);
  });

  it("stops at a share of its steps, and decodes what is predicted by then", async () => {
    const whole = await draw("a red cat", {}, 2);
    const stopped = await draw("a red cat", { stopAt: 0.5 });
    expect(stopped.steps).toEqual(["1 of 2", "2 of 2"]);
    expect(stopped.images[0]!.pixels).toEqual(whole.preview);
    expect(stopped.images[0]!.receipt.request).toMatchObject({ stopAt: 0.5, steps: 4 });
    const least = await draw("a red cat", { stopAt: 0.01 });
    expect(least.steps).toEqual(["1 of 1"]);
    const all = await draw("a red cat", { stopAt: 1 });
    expect(all.images[0]!.pixels).toEqual(whole.images[0]!.pixels);
    expect(all.images[0]!.receipt.request.stopAt).toBeUndefined();
    const work = (stopAt: number) =>
      pipeline.getWork({ prompt: "a", steps: 4, stopAt, guidance: 3, sampler: "euler", ...size });
    const rows = (stopAt: number) => work(stopAt).find(({ network }) => network === "denoiser")!.evaluations;
    expect([rows(1), rows(0.5)]).toEqual([8, 4]);
  });

  it.each([
    ["promptSpread", { promptSpread: 0.5 }],
    ["cads", { cads: { scale: 0.5 } }],
  ] as const)("%s is noise of each image's own, the same whenever it is drawn", async (name, settings) => {
    const plain = await draw("a red cat");
    const both = await draw("a red cat", { ...settings, count: 2 });
    const [one, other] = both.images as [ImageEvent, ImageEvent];
    expect(one.pixels).not.toEqual(plain.images[0]!.pixels);
    const again = await draw("a red cat", { ...settings, seed: 4 });
    expect(again.images[0]!.pixels).toEqual(other.pixels);
    expect(one.receipt.request[name]).toBeDefined();
    // The unconditional prediction sees none of it.
    expect(both.records[0]!.denoised.uncond).toEqual(plain.records[0]!.denoised.uncond);
    expect(both.records[0]!.denoised.cond).not.toEqual(plain.records[0]!.denoised.cond);
  });
});

it("composes with DeepCache, and noises XL's pooled vector", async () => {
  const pixels = async (path: string, request: ImageRequest) => {
    await using pipeline = await loadPipeline({ device: "cpu", threads: 1, model: model(path) });
    for await (const event of pipeline.generate({ seed: 1, steps: 4, size: "64x64", ...request }))
      if (event.kind === "image") return event.pixels;
    return undefined;
  };
  const composed = "a red cat AND a house :0.5";
  const deep = await pixels("sd1", { prompt: composed, deepCache: { interval: 2 } });
  expect(deep).not.toEqual(await pixels("sd1", { prompt: "a red cat", deepCache: { interval: 2 } }));
  const noisy = await pixels("xl", { prompt: composed, cads: { scale: 0.2 } });
  expect(noisy).not.toEqual(await pixels("xl", { prompt: composed }));
});

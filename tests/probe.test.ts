// Looking inside a drawing: what a probe is given, and that it changes nothing.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadPipeline, type Pipeline } from "../src/index.js";
import type { AttentionRecord, PredictionRecord, PromptTokens } from "../src/pipeline/index.js";

interface Seen {
  tokens: Readonly<Record<"cond" | "uncond", PromptTokens>> | undefined;
  readonly attention: AttentionRecord[];
  readonly predictions: PredictionRecord[];
  pixels: Uint8Array;
}

async function draw(
  pipeline: Pipeline,
  request: Parameters<Pipeline["generate"]>[0],
  look = true,
): Promise<Seen> {
  const seen: Seen = { tokens: undefined, attention: [], predictions: [], pixels: new Uint8Array() };
  const probe = {
    onTokens: (tokens: NonNullable<Seen["tokens"]>) => {
      seen.tokens = tokens;
    },
    onAttention: (record: AttentionRecord) => void seen.attention.push(record),
    onPrediction: (record: PredictionRecord) => void seen.predictions.push(record),
  };
  for await (const event of pipeline.generate(request, look ? { probe } : {}))
    if (event.kind === "image") seen.pixels = event.pixels;
  return seen;
}

/** The share of a map's attention on each token, summed over the grid. */
function sumTokens({ data, tokens }: AttentionRecord["maps"][number]): number[] {
  const sums = new Array<number>(tokens).fill(0);
  data.forEach((value, i) => {
    sums[i % tokens]! += value;
  });
  return sums;
}

const model = (name: string) => fileURLToPath(new URL(`golden/pipelines/${name}`, import.meta.url));

describe.each([
  ["the embedded model", undefined, [16, 64, 16]],
  ["Stable Diffusion", model("sd1"), undefined],
  ["Stable Diffusion XL", model("xl"), undefined],
])("%s", (_, path, grids) => {
  it("reports the tokens, attention and predictions of every evaluation", async () => {
    await using pipeline = await loadPipeline({
      device: "cpu",
      threads: 1,
      ...(path !== undefined && { model: path }),
    });
    const size = path === undefined ? {} : { size: "64x96" };
    const request = {
      prompt: "a (blue:1.2) cat, asleep",
      seed: 5,
      steps: 3,
      guidance: 4,
      sampler: "euler",
      ...size,
    };
    const plainPrompt = path === undefined ? { ...request, prompt: "a blue cat, asleep" } : request;
    const before = await draw(pipeline, plainPrompt, false);
    const { tokens, attention, predictions, pixels } = await draw(pipeline, plainPrompt);
    const words = tokens!.cond.words.map(({ text }) => text);
    expect(words).toContain("blue");
    expect(words).toContain("cat");
    expect(words.join(" ")).not.toMatch(/[,(:]/);
    // Three steps, each with and without the prompt.
    expect(attention.map(({ conditioning }) => conditioning)).toEqual([
      "cond",
      "uncond",
      "cond",
      "uncond",
      "cond",
      "uncond",
    ]);
    expect(predictions.map(({ denoised }) => Object.keys(denoised).sort())).toEqual(
      new Array(3).fill(["cond", "uncond"]),
    );
    for (const { maps, conditioning } of attention) {
      if (grids) expect(maps.map(({ height, width }) => height * width)).toEqual(grids);
      for (const map of maps) {
        expect(map.data.length).toBe(map.height * map.width * map.tokens);
        // Attention to each word, however small, is above zero; padding of the embedded model gets none.
        const sums = sumTokens(map);
        if (conditioning === "cond")
          for (const { positions } of tokens!.cond.words)
            for (const position of positions) expect(sums[position]).toBeGreaterThan(0);
      }
    }
    // Without the probe, the fused kernel computes attention: the last bits may differ, a pixel by 1 or 2 of 255.
    const plain = await draw(pipeline, plainPrompt, false);
    const most = pixels.reduce((worst, value, i) => Math.max(worst, Math.abs(value - plain.pixels[i]!)), 0);
    expect(most).toBeLessThanOrEqual(2);
    expect(plain.attention).toEqual([]);
    // Having looked inside changes no byte of the next drawing.
    expect(plain.pixels).toEqual(before.pixels);
  });
});

it("gives probabilities: regions share all of their attention among the prompt's tokens", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const { attention } = await draw(pipeline, { prompt: "a red house", steps: 2 });
  const { maps } = attention[0]!;
  const { data, tokens } = maps.find(({ kind }) => kind === "regions")!;
  for (let cell = 0; cell < data.length / tokens; cell++) {
    const sum = data.subarray(cell * tokens, (cell + 1) * tokens).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 4);
  }
});

it("refuses attention together with DeepCache, which skips it", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1, model: model("sd1") });
  const request = { prompt: "a cat", steps: 2, size: "64x64", deepCache: { interval: 2 } };
  await expect(draw(pipeline, request)).rejects.toThrow(/deepCache: attention cannot be observed/);
});

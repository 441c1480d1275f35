// The library as a program uses it, from the public entry, on a tiny model with random weights.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng } from "../src/image/index.js";
import {
  type ImageEvent,
  type ImageRequest,
  loadPipeline,
  NishikiError,
  type Pipeline,
  type PipelineEvent,
  parseReceipt,
  type StepEvent,
} from "../src/index.js";
import { traceNetworks } from "../src/pipeline/index.js";
import { tinyTransformerManifest, writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let model: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-"));
  model = await writeTinyModel(join(folder, "model"));
  pipeline = await loadPipeline({ model, threads: 2 });
});

afterAll(async () => {
  await pipeline?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function collect(request: ImageRequest, from = pipeline): Promise<PipelineEvent[]> {
  const events: PipelineEvent[] = [];
  for await (const event of from.generate(request)) events.push(event);
  return events;
}

const imagesOf = (events: readonly PipelineEvent[]) =>
  events.filter((event): event is ImageEvent => event.kind === "image");

async function draw(request: ImageRequest, from = pipeline): Promise<Uint8Array[]> {
  return imagesOf(await collect(request, from)).map((event) => event.png());
}

describe("generating", () => {
  it("tells of every step and gives pixels, receipt and file", async () => {
    const events = await collect({ prompt: "a cat", seed: 3, count: 2, steps: 3 });
    expect(events.map((event) => event.kind).join(" ")).toBe(
      "encode step step step decode image step step step decode image",
    );
    const [first, second] = imagesOf(events);
    expect(first).toMatchObject({ index: 0, seed: 3, width: 256, height: 256 });
    expect(second).toMatchObject({ index: 1, seed: 4 });
    expect(first!.pixels).toHaveLength(256 * 256 * 3);
    expect(first!.receipt.request).toMatchObject({
      prompt: "a cat",
      seed: 3,
      count: 1,
      steps: 3,
      sampler: "euler",
    });
    expect(Object.keys(first!.receipt.model.weights)).toContain("denoiser.safetensors");
    const { text, ...png } = decodePng(first!.png());
    expect(Buffer.from(png.data).equals(Buffer.from(first!.pixels))).toBe(true);
    expect(parseReceipt(text.nishiki!)).toEqual(first!.receipt);
    expect(text.parameters).toMatch(/^a cat\nSteps: 3, Sampler: Euler, CFG scale: 3, Seed: 3, Size: 256x256/);
  });

  it("draws another request within the loop over one's events, and with two loops side by side", async () => {
    const request = { prompt: "a cat", seed: 3, steps: 2 };
    const [alone] = await draw(request);
    const nested: Uint8Array[] = [];
    for await (const event of pipeline.generate(request)) {
      if (event.kind === "step" && event.step === 1) nested.push(...(await draw(request)));
      if (event.kind === "image") nested.push(event.png());
    }
    expect(nested.map((png) => Buffer.from(png).equals(alone!))).toEqual([true, true]);
    const loops = [pipeline.generate(request), pipeline.generate(request)];
    const images: boolean[] = [];
    for (let ended = 0; ended < 2; ) {
      ended = 0;
      for (const loop of loops) {
        const { value, done } = await loop.next();
        if (done) ended++;
        else if (value.kind === "image") images.push(Buffer.from(value.png()).equals(alone!));
      }
    }
    expect(images).toEqual([true, true]);
  });

  it("forecasts less and less time, and nothing when the last picture is finished", async () => {
    const steps = (await collect({ prompt: "a cat", count: 2, steps: 4 })).filter(
      (event): event is StepEvent => event.kind === "step",
    );
    for (const { secondsLeft, totalSecondsLeft } of steps) {
      expect(secondsLeft).toBeGreaterThan(0);
      expect(totalSecondsLeft).toBeGreaterThanOrEqual(secondsLeft);
    }
    expect(steps.map(({ index, count, step, steps: of }) => [index, count, step, of])).toEqual(
      [0, 1].flatMap((index) => [1, 2, 3, 4].map((step) => [index, 2, step, 4])),
    );
  });

  it("gives events that are JSON, with functions and pixels beside", async () => {
    const events = await collect({ prompt: "a cat ".repeat(40), seed: 3, steps: 2 });
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(["warning", "encode", "step", "decode", "image"]),
    );
    for (const event of events) {
      const data = Object.fromEntries(Object.entries(event));
      expect(JSON.parse(JSON.stringify(event))).toEqual(data);
      expect(structuredClone(event)).toEqual(data);
      expect(JSON.stringify(event).length).toBeLessThan(10_000);
    }
  });

  it("shows what the picture is becoming", async () => {
    const previews: Uint8Array[] = [];
    let last: Uint8Array | undefined;
    for await (const event of pipeline.generate({ prompt: "a cat", seed: 1, steps: 3 })) {
      if (event.kind === "step") previews.push((await event.preview()).data);
      if (event.kind === "image") last = event.pixels;
    }
    expect(previews).toHaveLength(3);
    expect(previews[0]!.length).toBe(256 * 256 * 3);
    // The last step's expectation is the image itself.
    expect(Buffer.from(previews[2]!).equals(Buffer.from(last!))).toBe(true);
    expect(Buffer.from(previews[0]!).equals(Buffer.from(last!))).toBe(false);
  });

  it("depends on every setting that it says it depends on", async () => {
    const base = { prompt: "a cat", negativePrompt: "", seed: 1, steps: 4, guidance: 3, sampler: "euler" };
    const variants: ImageRequest[] = [
      base,
      { ...base, prompt: "a dog" },
      { ...base, negativePrompt: "a dog" },
      { ...base, seed: 0 },
      { ...base, steps: 5 },
      { ...base, guidance: 0 },
      { ...base, guidance: 1 },
      { ...base, guidanceRescale: 1 },
      { ...base, guidanceInterval: [0, 0.5] },
      { ...base, sampler: "heun" },
      { ...base, sampler: "euler-ancestral" },
    ];
    const pixels = new Set<string>();
    for (const request of variants) {
      const [image] = imagesOf(await collect(request));
      pixels.add(image!.receipt.pixels);
    }
    expect(pixels.size).toBe(variants.length);
  });

  it("ignores the prompt at guidance 0", async () => {
    const [a] = imagesOf(await collect({ prompt: "a cat", seed: 1, guidance: 0 }));
    const [b] = imagesOf(await collect({ prompt: "a dog", seed: 1, guidance: 0 }));
    expect(a!.receipt.pixels).toBe(b!.receipt.pixels);
  });

  it("reports the words of a long prompt that the model does not read", async () => {
    const words = Array.from({ length: 40 }, (_, i) => (i < 35 ? "cat" : "dog"));
    const events = await collect({ prompt: words.join(" "), negativePrompt: "a", steps: 1 });
    const warning = events.find(({ kind }) => kind === "warning");
    expect(warning).toMatchObject({ kind: "warning" });
    expect((warning as { message: string }).message).toMatch(
      /^The prompt exceeds the model's limit of 24 tokens; ignored: (cat ){13}dog dog dog dog dog$/,
    );
  });
});

describe("a model whose denoiser is a transformer", () => {
  it("draws as any other, and refuses patches that do not fit its latents", async () => {
    const path = await writeTinyModel(join(folder, "transformer"), 1, 1, tinyTransformerManifest);
    const other = await loadPipeline({ model: path, threads: 1 });
    try {
      const [a, b] = imagesOf(await collect({ prompt: "a cat", seed: 1, count: 2, steps: 2 }, other));
      expect(a!.receipt.pixels).not.toBe(b!.receipt.pixels);
    } finally {
      await other.dispose();
    }
    const { denoiser } = tinyTransformerManifest.parts;
    const parts = {
      ...tinyTransformerManifest.parts,
      denoiser: { ...denoiser, config: { ...denoiser.config, latentTokens: 60 } },
    };
    expect(() => traceNetworks({ ...tinyTransformerManifest, parts })).toThrow(
      /parts\.denoiser cannot be built: latents of 16x16x4 are not 60 tokens of 16 numbers in square patches\.$/,
    );
  });
});

describe("a model that has learned nothing", () => {
  it("warns about an image of a single colour", async () => {
    const empty = await loadPipeline({
      model: await writeTinyModel(join(folder, "empty"), 1, 0),
      threads: 1,
    });
    try {
      const events = await collect({ prompt: "a cat", seed: 5, steps: 1 }, empty);
      expect(events.map(({ kind }) => kind)).toEqual(["encode", "step", "decode", "warning", "image"]);
      expect(events[3]).toMatchObject({
        message: expect.stringMatching(/^The image with seed 5 has a single colour/),
      });
    } finally {
      await empty.dispose();
    }
  });
});

describe("a picture's bytes", () => {
  const request = { prompt: "a blue cat", seed: 100, steps: 3, sampler: "dpmpp-2m-sde" };

  it("are the same alone and in batches of 1, 3 and 8, with one thread and two", async () => {
    const eight = await draw({ ...request, count: 8 });
    const one = await loadPipeline({ model, threads: 1 });
    try {
      for (const [count, from] of [
        [1, pipeline],
        [3, pipeline],
        [1, one],
        [3, one],
        [8, one],
      ] as const) {
        const files = await draw({ ...request, count }, from);
        expect(files).toHaveLength(count);
        files.forEach((file, i) => {
          expect(Buffer.from(file).equals(Buffer.from(eight[i]!))).toBe(true);
        });
      }
      const [fifth] = await draw({ ...request, seed: 104 }, one);
      expect(Buffer.from(fifth!).equals(Buffer.from(eight[4]!))).toBe(true);
    } finally {
      await one.dispose();
    }
  });

  it("are the same when two requests run at once", async () => {
    const [alone] = await draw(request);
    const [a, [b]] = await Promise.all([draw({ ...request, seed: 7, count: 2 }), draw(request)]);
    expect(a).toHaveLength(2);
    expect(Buffer.from(b!).equals(Buffer.from(alone!))).toBe(true);
  });
});

describe("stopping", () => {
  it("ends within one step and says so", async () => {
    const controller = new AbortController();
    const events: PipelineEvent[] = [];
    const work = async () => {
      for await (const event of pipeline.generate(
        { prompt: "a cat", steps: 50 },
        { signal: controller.signal },
      )) {
        events.push(event);
        if (events.filter(({ kind }) => kind === "step").length === 2) controller.abort();
      }
    };
    await expect(work()).rejects.toMatchObject({ code: "aborted" });
    expect(events.map(({ kind }) => kind)).toEqual(["encode", "step", "step"]);
  });

  it("draws nothing for a signal that is aborted already", async () => {
    const events = pipeline.generate({ prompt: "a cat" }, { signal: AbortSignal.abort() });
    await expect(events.next()).rejects.toMatchObject({ code: "aborted" });
  });

  it("may simply stop reading", async () => {
    for await (const event of pipeline.generate({ prompt: "a cat", steps: 50 })) {
      if (event.kind === "step") break;
      expect(event.kind).toBe("encode");
    }
  });

  it("says that a disposed pipeline is disposed", async () => {
    const other = await loadPipeline({ model, threads: 1 });
    await other.dispose();
    await other.dispose();
    await expect(other.generate({ prompt: "a cat" }).next()).rejects.toMatchObject({ code: "closed" });
  });
});

describe("loading", () => {
  it.each([
    [
      { model: "/nowhere" },
      "file",
      /^There is no model at \/nowhere: expected a folder with a model\.json or a model_index\.json, or a \.safetensors file\.$/,
    ],
    [{ device: "gpu" as "cpu" }, "usage", /^device: expected one of auto, cpu/],
    [{ threads: 1.5 }, "usage", /^threads: /],
    [{ modle: "x" } as object, "usage", /^unknown option "modle"; did you mean "model"\?$/],
  ])("refuses %j", async (settings, code, message) => {
    const error: unknown = await loadPipeline(settings).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NishikiError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

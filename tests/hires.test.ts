// Two passes: a small image first, then its details at full size, on a tiny Stable Diffusion with random weights.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, parseParameters } from "../src/image/index.js";
import { type ImageEvent, type ImageRequest, loadPipeline, type Pipeline } from "../src/index.js";
import { compareWithReceipt, hiresMethods, parseReceipt, receiptKey } from "../src/pipeline/index.js";

const sd1 = fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url));
let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await loadPipeline({ model: sd1, threads: 1 });
});
afterAll(() => pipeline?.dispose());

const request = {
  prompt: "a cat",
  seed: 1,
  steps: 4,
  size: "128x96",
  hires: { from: "64x64", strength: 0.5, steps: 3 },
} satisfies ImageRequest;

interface Drawn {
  readonly image: ImageEvent;
  readonly pixels: Uint8Array;
  readonly steps: readonly string[];
}

async function draw(changes: object = {}): Promise<Drawn> {
  const steps: string[] = [];
  let image: ImageEvent | undefined;
  for await (const event of pipeline.generate({ ...request, ...changes } as ImageRequest)) {
    if (event.kind === "step") steps.push(`${event.stage} ${event.step}/${event.steps}`);
    if (event.kind === "image") image = event;
  }
  return { image: image!, pixels: image!.pixels, steps };
}

describe("a second pass", () => {
  it("draws exactly its steps at the full size, and is drawn again from its receipt", async () => {
    const { image, steps } = await draw();
    expect(steps).toEqual([
      "base 1/4",
      "base 2/4",
      "base 3/4",
      "base 4/4",
      "hires 1/3",
      "hires 2/3",
      "hires 3/3",
    ]);
    expect([image.width, image.height]).toEqual([128, 96]);
    const { text, ...pixels } = decodePng(image.png());
    const receipt = parseReceipt(text[receiptKey]!);
    const rgb = { ...pixels, channels: 3 as const, data: Uint8Array.from(pixels.data) };
    expect(await compareWithReceipt(rgb, receipt, pipeline)).toMatchObject({ identical: true, changes: [] });
    expect(parseParameters(text.parameters!).fields).toMatchObject({
      Size: "64x64",
      "Denoising strength": "0.5",
      "Hires resize": "128x96",
      "Hires steps": "3",
      "Hires upscaler": "Latent",
    });
  });

  it.each([0.05, 0.3, 0.7, 0.999, 1])("draws exactly its steps at strength %s", async (strength) => {
    const { steps } = await draw({ hires: { ...request.hires, strength } });
    expect(steps.filter((step) => step.startsWith("hires"))).toHaveLength(3);
  });

  it("depends on how the first pass is enlarged, on its own prompt and on its own sampler", async () => {
    const changes = [
      ...hiresMethods.map((method) => ({ method })),
      { prompt: "a dog" },
      { negativePrompt: "a dog" },
      { sampler: "heun" },
      { schedule: "karras" },
    ];
    const drawn: string[] = [];
    for (const change of changes) {
      const { pixels } = await draw({ hires: { ...request.hires, ...change } });
      drawn.push(Buffer.from(pixels).toString("base64"));
    }
    // At a factor of 2 (and 1.5, rounded alike), both kinds of nearest may agree.
    expect(new Set(drawn).size).toBeGreaterThanOrEqual(changes.length - 1);
    expect(Buffer.from((await draw()).pixels).toString("base64")).toBe(drawn[0]);
  });

  it("follows the very image that the first pass alone gives", async () => {
    const lastPreview = async (changes: object) => {
      for await (const event of pipeline.generate({ ...request, ...changes } as ImageRequest))
        if (event.kind === "step" && event.stage === "base" && event.step === 4) return event.preview();
      throw new Error("no preview");
    };
    const first = await lastPreview({});
    expect([first.width, first.height]).toEqual([64, 64]);
    expect(first).toEqual(await lastPreview({ size: "64x64", hires: undefined }));
  });

  it.each([
    [{ hires: { from: "64x60" } }, /hires\.from: this model draws sides of .* got 64x60/],
    [
      { hires: { from: "256x64" } },
      /hires\.from: expected at most 128x96, the size of the image, got 256x64/,
    ],
    [{ hires: { ...request.hires, strength: 0 } }, /hires\.strength: expected a number above 0/],
    [{ hires: { ...request.hires, steps: 800, strength: 0.1 } }, /cannot distinguish/],
    [{ hires: { strength: 0.5 } }, /hires\.from: expected width x height/],
  ])("refuses %j", (changes, message) => {
    expect(() => pipeline.complete({ ...request, ...changes } as ImageRequest)).toThrow(message);
  });
});

describe("eta", () => {
  const plain = { prompt: "a cat", seed: 1, steps: 4, size: "64x64", hires: undefined };

  it("changes samplers that add noise, and DDIM, which adds none by itself", async () => {
    const pixelsOf = async (changes: object) =>
      Buffer.from((await draw({ ...plain, ...changes })).pixels).toString("base64");
    const ddim = await pixelsOf({ sampler: "ddim" });
    expect(await pixelsOf({ sampler: "ddim", eta: 0 })).toBe(ddim);
    expect(await pixelsOf({ sampler: "ddim", eta: 1 })).not.toBe(ddim);
    const ancestral = await pixelsOf({ sampler: "euler-ancestral" });
    expect(await pixelsOf({ sampler: "euler-ancestral", eta: 1 })).toBe(ancestral);
    // Without its noise, an ancestral sampler is Euler's.
    expect(await pixelsOf({ sampler: "euler-ancestral", eta: 0 })).toBe(await pixelsOf({ sampler: "euler" }));
  });
});

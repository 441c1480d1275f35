// Prompts that change while an image is drawn: [from:to:when] and [a|b].
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ImageRequest, loadPipeline, type Pipeline } from "../src/index.js";

const model = (name: string) => fileURLToPath(new URL(`golden/pipelines/${name}`, import.meta.url));

describe.each([
  ["the embedded model", undefined, {}],
  ["Stable Diffusion", model("sd1"), { size: "64x64" }],
  ["Stable Diffusion XL", model("xl"), { size: "64x64" }],
])("%s", (_, path, size) => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await loadPipeline({ device: "cpu", threads: 1, ...(path !== undefined && { model: path }) });
  });
  afterAll(() => pipeline.dispose());

  /** The image, and the prediction of every step. */
  async function draw(prompt: string, more: Partial<ImageRequest> = {}) {
    const predictions: string[] = [];
    let pixels = new Uint8Array();
    const probe = {
      onPrediction: ({ denoised }: { denoised: { cond?: Float32Array } }) => {
        predictions.push(Buffer.from(denoised.cond!.buffer).toString("base64"));
      },
    };
    const request = { prompt, seed: 3, steps: 4, guidance: 3, sampler: "euler", ...size, ...more };
    for await (const event of pipeline.generate(request, { probe }))
      if (event.kind === "image") pixels = new Uint8Array(event.pixels);
    return { predictions, pixels };
  }

  it("draws as one prompt before, and as the other after", async () => {
    const [cat, house] = [await draw("a red cat"), await draw("a red house")];
    const edited = await draw("a red [cat:house:0.5]");
    expect(edited.predictions.slice(0, 2)).toEqual(cat.predictions.slice(0, 2));
    expect(edited.predictions[2]).not.toBe(cat.predictions[2]);
    expect(edited.pixels).not.toEqual(cat.pixels);
    expect(edited.pixels).not.toEqual(house.pixels);
    expect((await draw("a red [cat:house:0]")).pixels).toEqual(house.pixels);
    expect((await draw("a red [cat:house:4]")).pixels).toEqual(cat.pixels);
  });

  it("takes prompts in turn, and changes the negative prompt too", async () => {
    const [cat, turns] = [await draw("a cat"), await draw("a [cat|house]")];
    expect(turns.predictions[0]).toBe(cat.predictions[0]);
    expect(turns.predictions[1]).not.toBe(cat.predictions[1]);
    const plain = await draw("a cat", { negativePrompt: "a house" });
    const negative = await draw("a cat", { negativePrompt: "[a house:a tree:2]" });
    expect(negative.predictions.slice(0, 3)).toEqual(plain.predictions.slice(0, 3));
    expect(negative.pixels).not.toEqual(plain.pixels);
  });
});

it("keeps DeepCache's features apart for the variants of a prompt", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1, model: model("sd1") });
  const draw = async (prompt: string) => {
    const request = {
      prompt,
      seed: 3,
      steps: 4,
      sampler: "euler",
      size: "64x64",
      deepCache: { interval: 4 },
    };
    for await (const event of pipeline.generate(request)) if (event.kind === "image") return event.pixels;
    return undefined;
  };
  // The second prompt's first step computes everything anew.
  expect(await draw("[a cat:a red house:1]")).not.toEqual(await draw("a cat"));
});

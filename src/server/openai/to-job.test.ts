import { describe, expect, it } from "vitest";
import type { ModelInfo, Upload } from "../api/index.js";
import { type Endpoint, readParameters } from "./parameters.js";
import { makeJob } from "./to-job.js";

const model: ModelInfo = {
  id: "a-model",
  name: "A model",
  family: "stable-diffusion",
  what: "Stable Diffusion",
  bytes: 1,
  memory: null,
  fits: { fits: true, reason: null },
  state: "ready",
  problem: null,
  takes: [],
  loadOptions: ["lora"],
  defaults: { steps: 25 },
  sizes: {},
  tokenLimit: 77,
  licence: null,
  secondsPerImage: null,
};

const image: Upload = {
  id: "a".repeat(64),
  width: 8,
  height: 8,
  format: "png",
  hasAlpha: false,
  provenance: null,
};

const translate = (
  fields: object,
  endpoint: Endpoint = "generations",
  images?: Parameters<typeof makeJob>[3],
) => makeJob(endpoint, readParameters(endpoint, { prompt: "a cat", ...fields }), model, images);

describe("makeJob", () => {
  it("names settings as requests do", () => {
    const { request } = translate({
      negative_prompt: "dog",
      n: 3,
      size: "512x768",
      seed: 0,
      guidance_interval: [0, 0.5],
      clip_skip: 2,
      variation: { strength: 0.1 },
    });
    expect(request).toMatchObject({
      prompt: "a cat",
      negativePrompt: "dog",
      count: 3,
      size: "512x768",
      seed: 0,
      guidanceInterval: [0, 0.5],
      clipSkip: 2,
      variation: { strength: 0.1 },
    });
  });

  it("leaves the size to the model if it is auto", () => {
    expect(translate({ size: "auto" }).request).not.toHaveProperty("size");
  });

  it.each([
    ["low", 13],
    ["auto", undefined],
    ["standard", undefined],
    ["medium", undefined],
    ["high", 50],
    ["hd", 50],
  ])("makes the quality %s a number of steps", (quality, steps) => {
    expect(translate({ quality }).request.steps).toBe(steps);
  });

  it.each([
    ["style", [{ id: "style", weight: 1 }]],
    ["style:0.8", [{ id: "style", weight: 0.8 }]],
    [{ id: "style" }, [{ id: "style", weight: 1 }]],
    [
      ["style:-0.5", { id: "other", weight: 2 }],
      [
        { id: "style", weight: -0.5 },
        { id: "other", weight: 2 },
      ],
    ],
  ])("loads the LoRA %j", (lora, loras) => {
    expect(translate({ lora }).load).toEqual({ loras });
  });

  it("asks for partial images of streams alone", () => {
    expect(translate({ stream: true, partial_images: 2 }).partials).toBe(2);
    expect(translate({ stream: true })).not.toHaveProperty("partials");
  });

  it.each([
    [{}, undefined, { init: { image: image.id } }],
    [{ strength: 0.3 }, undefined, { init: { image: image.id, strength: 0.3 } }],
    [{ input_fidelity: "high" }, undefined, { init: { image: image.id, strength: 0.5 } }],
    [{ paste_back: false }, "b".repeat(64), { inpaint: { mask: "b".repeat(64), pasteBack: false } }],
    [{ extend: "left=64" }, undefined, { inpaint: { extend: { left: 64, right: 0, top: 0, bottom: 0 } } }],
  ])("edits with %j and the mask %j", (fields, mask, request) => {
    expect(translate(fields, "edits", { image, ...(mask && { mask }) }).request).toMatchObject(request);
  });

  it.each([
    ["a dog", { prompt: "a dog" }, {}],
    ["of the file", {}, { prompt: "of the file" }],
    ["a picture", {}, undefined],
  ])("varies as %s", (prompt, fields, provenance) => {
    const about = provenance && {
      program: "x",
      prompt: "",
      negativePrompt: "",
      fields: {},
      raw: "",
      request: {},
    };
    const source = { ...image, provenance: about ? { ...about, ...provenance } : null };
    const parameters = readParameters("variations", fields);
    const { request, parent } = makeJob("variations", parameters, model, { image: source });
    expect(request).toMatchObject({ prompt, init: { strength: 0.6 } });
    expect(request.guidance).toBe(prompt === "a picture" ? 1 : undefined);
    expect(parent).toEqual({ image: image.id, action: "vary-strong" });
  });
});

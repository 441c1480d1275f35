import { describe, expect, it } from "vitest";
import type { Addition, ModelInfo, Upload } from "../api/types.js";
import { findModel, getChips, getMissing, getUploadChips } from "./recall.js";
import { sortFiles, takesDrag } from "./transfer.js";

const models = [
  { id: "embedded", name: "Nishiki", what: "nishiki-small 0.5.1" },
  { id: "dreamshaper_8", name: "Dreamshaper 8", what: "Stable Diffusion 1.5" },
] as ModelInfo[];

const upload = (request: Record<string, unknown>, fields: Record<string, string> = {}): Upload => ({
  id: "0".repeat(64),
  width: 512,
  height: 512,
  format: "png",
  hasAlpha: false,
  provenance: {
    program: "stable-diffusion-webui",
    prompt: "a cat",
    negativePrompt: "",
    fields,
    raw: "a cat\nSteps: 20",
    request,
  },
});

describe("chips", () => {
  it("offer each part of the settings by itself, and all of them", () => {
    const chips = getUploadChips(
      upload(
        { seed: 3, steps: 20, sampler: "euler", schedule: "karras", size: "512x768" },
        { Model: "dreamshaper_8" },
      ),
      models,
    );
    expect(chips.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      "prompt: a cat",
      "seed: 3",
      "size: 512 × 768",
      "steps: 20",
      "sampler: euler · karras",
      "model: Dreamshaper 8",
      "all: ",
    ]);
    expect(chips.at(-1)).toMatchObject({
      settings: { prompt: "a cat", seed: 3, steps: 20 },
      model: "dreamshaper_8",
    });
    expect(chips.find(({ name }) => name === "sampler")!.settings).toEqual({
      sampler: "euler",
      schedule: "karras",
    });
  });

  it("keep a variation with the seed that it belongs to", () => {
    const [chip] = getChips({ seed: 3, variation: { seed: 9, strength: 0.2 }, rng: "torch-cpu" });
    expect(chip).toEqual({
      name: "seed",
      value: "3 · seed 9, strength 0.2",
      settings: { seed: 3, variation: { seed: 9, strength: 0.2 }, rng: "torch-cpu" },
    });
  });

  it("show seed 0, and nothing that is not there", () => {
    expect(getChips({ seed: 0, negativePrompt: "", count: 4, init: { image: "x" } })).toEqual([
      { name: "seed", value: "0", settings: { seed: 0 } },
    ]);
  });

  it("put settings without a chip of their own together", () => {
    expect(getChips({ clipSkip: 1, seamless: true })).toEqual([
      { name: "others", value: "clipSkip 1, seamless", settings: { clipSkip: 1, seamless: true } },
    ]);
  });

  it("choose LoRAs that are here, and say which are not", () => {
    const additions = [{ id: "ink_v2", kind: "lora", name: "Ink v2" }] as Addition[];
    const loras = [
      { name: "ink-v2", weight: 0.8 },
      { name: "gone", weight: 1 },
    ];
    const chips = getUploadChips(upload({ loras, model: "gone too" }), models, additions);
    expect(chips.find(({ name }) => name === "loras")).toEqual({
      name: "loras",
      value: "Ink v2 0.8",
      settings: {},
      loras: [{ id: "ink_v2", weight: 0.8 }],
    });
    expect(chips.at(-1)).toMatchObject({
      name: "all",
      loras: [{ id: "ink_v2" }],
      settings: { prompt: "a cat" },
    });
    expect(getMissing(upload({ loras, model: "gone too" }), models, additions)).toEqual(["gone too", "gone"]);
  });

  it("are none for a photograph", () => {
    expect(getUploadChips({ ...upload({}), provenance: null }, models)).toEqual([]);
  });
});

describe("the model that a file names", () => {
  it("is found by its file's name, whatever its spelling", () => {
    expect(findModel("checkpoints\\DreamShaper-8.safetensors", models)?.id).toBe("dreamshaper_8");
    expect(findModel("nishiki-small 0.5.1", models)?.id).toBe("embedded");
    expect(findModel(undefined, models)).toBeUndefined();
    expect(findModel("???", models)).toBeUndefined();
  });

  it("is said to be missing where it is", () => {
    expect(getMissing(upload({}, { Model: "other" }), models)).toEqual(["other"]);
    expect(getMissing(upload({}), models)).toEqual([]);
  });
});

describe("what is dropped", () => {
  const file = (name: string, type: string) => new File(["x"], name, { type });

  it("is sorted", () => {
    const files = [
      file("a.png", "image/png"),
      file("s.csv", "text/csv"),
      file("b.webp", ""),
      file("c.mp4", "video/mp4"),
    ];
    const { pictures, styles, unknown, text } = sortFiles(files, "file:///a.png");
    expect([pictures, styles].map((part) => part.map(({ name }) => name))).toEqual([
      ["a.png", "b.webp"],
      ["s.csv"],
    ]);
    expect([unknown, text]).toEqual([["c.mp4"], ""]);
    expect(sortFiles([], " a cat ").text).toBe("a cat");
  });

  it("is not taken from the page itself", () => {
    expect(takesDrag(["Files"])).toBe(true);
    expect(takesDrag(["text/plain", "application/x-nishiki"])).toBe(false);
    expect(takesDrag(["text/html"])).toBe(false);
  });
});

// Karlo against diffusers: the same seed and words, and the embedding, the small and the large image that come out of its
// stages. tests/golden/scripts/karlo.py made them; the file's metadata says with which versions.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { type ImageRequest, loadPipeline, openModel, Pipeline, readInputImage } from "../src/index.js";
import { explain } from "../src/inspect/index.js";
import { completeRequest } from "../src/pipeline/index.js";
import { describeModel, loadParts } from "../src/pipeline/node.js";
import { getError, listenToStages } from "./support/heard-model.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

const model = golden("karlo");
const file = await openSafetensors(golden("karlo.safetensors"));
type Case = ImageRequest & { readonly images?: readonly string[] };
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);

const tolerance = 1e-4;

const makeRequest = async ({ images, ...same }: Case): Promise<ImageRequest> => ({
  ...same,
  ...(images && {
    imagePrompt: { images: await Promise.all(images.map((name) => readInputImage(golden(name)))) },
  }),
});

describe("Karlo against diffusers", () => {
  let pipeline: Pipeline;
  let results: ReturnType<typeof listenToStages>["results"];

  beforeAll(async () => {
    const parts = await loadParts({ model, threads: 1 });
    const heard = listenToStages(parts.model);
    results = heard.results;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(cases)("%s", async (name, asked) => {
    for await (const event of pipeline.generate(await makeRequest(asked))) {
      expect(event.kind).not.toBe("warning");
      if (event.kind === "image") expect([event.width, event.height]).toEqual([32, 32]);
    }
    const stages = { prior: "embedding", base: "small", "super-resolution": "large" };
    for (const [stage, part] of Object.entries(stages)) {
      const numbers = results().get(stage);
      if (stage === "prior" && asked.images) continue;
      const error = getError(numbers!, await file.readFloat32(`${name}.${part}`));
      if (process.env.SHOW) console.log(name, stage, error.toExponential(1));
      expect(error, stage).toBeLessThan(tolerance);
    }
  });
});

describe("Karlo as published", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-karlo-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A copy of the model, changed. */
  const copy = async (name: string, change: (path: string) => Promise<unknown>) => {
    const path = join(folder, name);
    await cp(model, path, { recursive: true });
    await change(path);
    return path;
  };
  const edit = async (path: string, more: object) =>
    writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...more }));

  it("is described", async () => {
    const { what, size, maxTokens, description, largest, memory } = await describeModel(model);
    expect({ what, size, maxTokens }).toEqual({ what: "Karlo", size: 32, maxTokens: 77 });
    expect(description.parts).toHaveLength(7);
    expect(largest).toBeLessThan(memory!);
  });

  it("draws its stages with previews, or the small image alone", async () => {
    const pipeline = await loadPipeline({ model, threads: 1 });
    const stages: string[] = [];
    const draw = async (request: ImageRequest) => {
      for await (const event of pipeline.generate({ steps: 2, prior: { steps: 2 }, seed: 1, ...request })) {
        if (event.kind === "step") stages.push(`${event.stage} ${event.step}/${event.steps}`);
        if (event.kind === "step" && event.stage !== "prior")
          expect((await event.preview()).channels).toBe(3);
        if (event.kind === "image") return event;
      }
      throw new Error("no image");
    };
    const small = await draw({ prompt: "a cat", stages: 1 });
    expect([small.width, small.height]).toEqual([8, 8]);
    expect(stages).toEqual(["prior 1/2", "prior 2/2", "base 1/2", "base 2/2"]);
    const large = await draw({ prompt: "a cat", superResolution: { steps: [3] } });
    expect([large.width, large.height]).toEqual([32, 32]);
    expect(stages.at(-1)).toBe("super-resolution 3/3");
    const other = await draw({ prompt: "a cat", negativePrompt: "red", stages: 1 });
    expect(other.pixels).not.toEqual(small.pixels);
    await pipeline.dispose();
  });

  it("is explained, though its prior shows no images and its stages have different sizes", async () => {
    const pipeline = await loadPipeline({ model, threads: 1 });
    const request = { prompt: "a cat", steps: 2, prior: { steps: 2 }, superResolution: { steps: [2] } };
    const kinds: string[] = [];
    for await (const finding of explain(pipeline, request, {
      panels: ["leave-out", "seeds"],
      seeds: 1,
      words: 1,
    })) {
      kinds.push(finding.kind);
      if (finding.kind === "steps")
        expect(finding.images.map(({ width }) => width)).toEqual([32, 32, 32, 32]);
    }
    expect(kinds).toEqual(expect.arrayContaining(["drawing", "steps", "seeds"]));
    await pipeline.dispose();
  });

  it("begins with an image, and keeps what is outside a mask, to the pixel and at both sizes", async () => {
    const whole = await readInputImage(golden("picture.png"));
    const cut = (at: number) =>
      Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => {
        const [row, column] = [Math.floor(i / 96), Math.floor(i / 3) % 32];
        return whole.data[((row + at) * whole.width + column + at) * 3 + (i % 3)]!;
      });
    const image = { width: 32, height: 32, channels: 3 as const, data: cut(8) };
    const isMasked = (pixel: number) => pixel % 32 >= 16;
    const data = Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => (isMasked(Math.floor(i / 3)) ? 255 : 0));
    const mask = { width: 32, height: 32, channels: 3 as const, data };
    const pipeline = await loadPipeline({ model, threads: 1 });
    const draw = async (request: Partial<ImageRequest>) => {
      const base = {
        prompt: "a cat",
        seed: 1,
        steps: 4,
        prior: { steps: 2 },
        superResolution: { steps: [3] },
      };
      for await (const event of pipeline.generate({ ...base, ...request }))
        if (event.kind === "image") return event.pixels;
      throw new Error("no image");
    };
    const difference = (a: Uint8Array, b: Uint8Array, counts: (pixel: number) => boolean) =>
      Math.max(...a.map((value, i) => (counts(Math.floor(i / 3)) ? Math.abs(value - b[i]!) : 0)));
    for (const pasteBack of [true, false]) {
      const drawn = await draw({ init: { image }, inpaint: { mask, pasteBack } });
      expect(difference(drawn, image.data, (pixel) => !isMasked(pixel))).toBeLessThanOrEqual(
        pasteBack ? 0 : 1,
      );
      expect(difference(drawn, image.data, isMasked)).toBeGreaterThan(20);
    }
    const weak = await draw({ init: { image, strength: 0.25 } });
    expect(weak).not.toEqual(await draw({}));
    await pipeline.dispose();
  });

  it("takes an image encoder from elsewhere, and names it in receipts", async () => {
    const path = await copy("blind", async (at) => {
      await cp(join(at, "image_encoder"), join(folder, "eyes"), { recursive: true });
      await cp(join(at, "feature_extractor"), join(folder, "feature_extractor"), { recursive: true });
      await rm(join(at, "image_encoder"), { recursive: true });
    });
    const image = await readInputImage(golden("picture.png"));
    const request: ImageRequest = {
      prompt: "",
      imagePrompt: { images: [image] },
      steps: 2,
      stages: 1,
      seed: 3,
    };
    const draw = async (options: Parameters<typeof loadPipeline>[0]) => {
      const pipeline = await loadPipeline({ ...options, threads: 1 });
      try {
        for await (const event of pipeline.generate(request)) if (event.kind === "image") return event;
      } finally {
        await pipeline.dispose();
      }
      throw new Error("no image");
    };
    const own = await draw({ model });
    const other = await draw({ model: path, imageEncoder: join(folder, "eyes") });
    expect(other.pixels).toEqual(own.pixels);
    expect(other.receipt.load.imageEncoder).toMatchObject({ file: "eyes" });
    await expect(draw({ model: path })).rejects.toThrow(/image prompts need the model's image encoder/);
  });

  it("draws variations without a prior, and no words then", async () => {
    const path = await copy("variations", async (at) => {
      await edit(join(at, "model_index.json"), {
        _class_name: "UnCLIPImageVariationPipeline",
        prior: undefined,
      });
      await rm(join(at, "prior"), { recursive: true });
    });
    const { context } = await openModel({ model: path });
    expect(() => completeRequest({ prompt: "a cat" }, context)).toThrow(
      /this model has no prior.*a prompt alone/,
    );
    const pipeline = await loadPipeline({ model: path, threads: 1 });
    const image = await readInputImage(golden("picture.png"));
    let count = 0;
    for await (const event of pipeline.generate({
      prompt: "",
      imagePrompt: { images: [image] },
      steps: 2,
      stages: 1,
    }))
      if (event.kind === "image") count++;
    expect(count).toBe(1);
    await pipeline.dispose();
  });

  it.each([
    ["decoder", { class_embed_type: null }, /the decoder takes other conditions/],
    ["decoder", { cross_attention_dim: 16 }, /tokens of 12, but the decoder takes 32 and 16/],
    ["decoder", { sample_size: 7 }, /sample_size: expected a multiple of 2 up to 1024, got 7/],
    [
      "super_res_first",
      { in_channels: 3 },
      /the super-resolution has 3 channels in and 3 out; expected 6 and 3/,
    ],
    [
      "super_res_last",
      { add_attention: true },
      /UNet2DModel config: add_attention: expected false, got true/,
    ],
    ["text_proj", { clip_embeddings_dim: 24 }, /but the text projection takes 24/],
    [
      "prior",
      { num_embeddings: 50 },
      /77 states of 20 numbers and an embedding of 20, but the prior takes 50/,
    ],
  ])("refuses a %s with %j", async (part, change, message) => {
    const path = await copy(`${part} ${JSON.stringify(change).replaceAll(/\W/g, "")}`, (at) =>
      edit(join(at, part, "config.json"), change),
    );
    await expect(openModel({ model: path })).rejects.toThrow(message);
  });

  it("refuses what is missing, and options of other models", async () => {
    const lacking = await copy("lacking", async (at) => {
      await rm(join(at, "super_res_last"), { recursive: true });
      await rm(join(at, "text_proj", "diffusion_pytorch_model.safetensors"));
    });
    await expect(openModel({ model: lacking })).rejects.toThrow(
      /super_res_last, which is missing.*text_proj/,
    );
    await expect(openModel({ model, prior: "x" })).rejects.toThrow(/^prior: this is a Karlo model/);
    await expect(openModel({ model, vae: "x" })).rejects.toThrow(/^vae: only .+ models support/);
  });

  it.each([
    [{ sampler: "euler" }, /sampler: this model was trained for ddpm alone/],
    [{ size: "64x64" }, /size: /],
    [{ size: "32x32", stages: 1 }, /size: /],
    [{ steps: 1 }, /steps: the times of a stage span its schedule; expected at least 2, got 1/],
    [{ superResolution: { steps: [1] } }, /superResolution\.steps: .*at least 2, got 1/],
    [{ superResolution: { steps: [3, 3] } }, /superResolution\.steps: expected a value for one stage, got 2/],
    [{ superResolution: { guidance: [3] } }, /superResolution\.guidance: .*has none/],
    [{ superResolution: { steps: [3] }, stages: 1 }, /one stage does not enlarge/],
    [{ stages: 3 }, /stages: this model has 2, got 3/],
  ])("refuses %j", async (more, message) => {
    const { context } = await openModel({ model });
    expect(() => completeRequest({ prompt: "a cat", ...more } as ImageRequest, context)).toThrow(message);
  });
});

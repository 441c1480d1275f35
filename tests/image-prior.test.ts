// Stable unCLIP from words, through a prior, against diffusers' StableUnCLIPPipeline. tests/golden/scripts/image_prompts.py made
// the latents; the file's metadata says with which versions.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/checkpoint/node.js";
import { type ImageRequest, loadPipeline, openModel, Pipeline, readInputImage } from "../src/index.js";
import { describeModel, loadParts } from "../src/pipeline/node.js";
import { getError, listen } from "./support/heard-model.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));

interface Case {
  readonly prompt: string;
  readonly negative: string;
  readonly prior: { readonly steps: number; readonly guidance: number };
}

const file = await openSafetensors(golden("unclip-prior.safetensors"));
const cases = Object.entries(JSON.parse(file.metadata.cases!) as Record<string, Case>);
const readFirst = (pipeline: Pipeline, request: ImageRequest) =>
  (async () => {
    for await (const event of pipeline.generate(request)) if (event.kind === "image") return event.pixels;
    return undefined;
  })();

let folder: string;
/** As diffusers saves the whole pipeline. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-image-prior-"));
  const whole = join(folder, "whole");
  await cp(golden("unclip"), whole, { recursive: true });
  for (const name of ["image_encoder", "feature_extractor"])
    await rm(join(whole, name), { recursive: true, force: true });
  for (const [from, to] of [
    ["prior", "prior"],
    ["text_encoder", "prior_text_encoder"],
    ["tokenizer", "prior_tokenizer"],
    ["prior_scheduler", "prior_scheduler"],
  ] as const)
    await cp(golden(`karlo/${from}`), join(whole, to), { recursive: true });
  const scheduler = join(whole, "prior_scheduler", "scheduler_config.json");
  const trained = JSON.parse(await readFile(scheduler, "utf8"));
  await writeFile(
    scheduler,
    JSON.stringify({ ...trained, _class_name: "DDPMScheduler", beta_schedule: "squaredcos_cap_v2" }),
  );
  const index = join(whole, "model_index.json");
  const { image_encoder: _, feature_extractor: _f, ...parts } = JSON.parse(await readFile(index, "utf8"));
  const prior = {
    prior: ["diffusers", "PriorTransformer"],
    prior_text_encoder: ["transformers", "CLIPTextModelWithProjection"],
    prior_tokenizer: ["transformers", "CLIPTokenizer"],
    prior_scheduler: ["diffusers", "DDPMScheduler"],
  };
  await writeFile(index, JSON.stringify({ ...parts, _class_name: "StableUnCLIPPipeline", ...prior }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("Stable unCLIP through Karlo's prior against diffusers", () => {
  let pipeline: Pipeline;
  let latents: () => Float32Array;
  beforeAll(async () => {
    const parts = await loadParts({ model: golden("unclip"), prior: golden("karlo"), threads: 1 });
    const heard = listen(parts.model);
    latents = heard.latents;
    pipeline = new Pipeline({ ...parts, model: heard.model });
  });
  afterAll(() => pipeline?.dispose());

  it.each(cases)("%s", async (key, { negative, ...same }) => {
    const request = { ...same, negativePrompt: negative };
    for await (const event of pipeline.generate(request)) expect(event.kind).not.toBe("warning");
    const error = getError(latents(), await file.readFloat32(key));
    if (process.env.SHOW) console.log(key, error.toExponential(1));
    expect(error).toBeLessThan(1e-4);
  });

  it("draws variations of images, too, and each image of several as alone", async () => {
    const image = await readInputImage(golden("picture.png"));
    expect(
      await readFirst(pipeline, { prompt: "", steps: 2, imagePrompt: { images: [image] } }),
    ).toBeDefined();
    const request = { prompt: "(the blue:1.2) cat", steps: 2, prior: { steps: 3 } };
    const both: Uint8Array[] = [];
    for await (const event of pipeline.generate({ ...request, seed: 4, count: 2 }))
      if (event.kind === "image") both.push(event.pixels);
    expect(both[1]).toEqual(await readFirst(pipeline, { ...request, seed: 5 }));
  });
});

describe("a folder with the whole pipeline", () => {
  it("draws as with a prior beside it", async () => {
    const [whole, beside] = await Promise.all([
      loadPipeline({ model: join(folder, "whole"), threads: 1 }),
      loadPipeline({ model: golden("unclip"), prior: golden("karlo"), threads: 1 }),
    ]);
    const request = { prompt: "a cat", steps: 2, prior: { steps: 3 }, seed: 9 };
    expect(await readFirst(whole, request)).toEqual(await readFirst(beside, request));
    const { weights } = await whole.environment();
    expect(Object.keys(weights)).toContain("prior/diffusion_pytorch_model.safetensors");
    await Promise.all([whole.dispose(), beside.dispose()]);
  });

  it("takes no image prompts, and is described", async () => {
    const { context } = await openModel({ model: join(folder, "whole") });
    expect(context.takes).toContain("prior");
    expect(context.takes).not.toContain("imagePrompt");
    const { what, description } = await describeModel(join(folder, "whole"));
    expect(what).toBe("Stable unCLIP 2.1");
    expect(description.values?.draws).toContain("from text");
  });
});

it.each([
  [{ model: "sd1", prior: "karlo" }, "prior: sd1 draws from the prompt itself"],
  [{ model: "unclip", prior: "kandinsky-2-2-prior" }, "holds a KandinskyV22PriorPipeline"],
])("is refused: %j", async ({ model, prior }, message) => {
  await expect(openModel({ model: golden(model), prior: golden(prior) })).rejects.toThrow(message);
});

it("says where a prior comes from", async () => {
  const pipeline = await loadPipeline({ model: golden("unclip"), threads: 1 });
  await expect(readFirst(pipeline, { prompt: "a cat" })).rejects.toThrow(/Karlo's folder as prior/);
  await pipeline.dispose();
});

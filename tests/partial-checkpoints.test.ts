// Checkpoints that lack parts, with others in their place: the image is that of the whole checkpoint.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import {
  openSafetensors,
  openStableDiffusion,
  type TensorSource,
  writeSafetensors,
} from "../src/checkpoint/node.js";
import { type LoadOptions, loadPipeline } from "../src/index.js";
import { writeBothLayouts } from "./support/published-layouts.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let root: string;
let whole: string;
let folder: string;
let expected: Uint8Array;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-partial-"));
  ({ file: whole, folder } = await writeBothLayouts("sd1", root));
  expected = await draw({ model: whole });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function draw(options: LoadOptions): Promise<Uint8Array> {
  const pipeline = await loadPipeline({ ...options, threads: 1, device: "cpu" });
  try {
    for await (const event of pipeline.generate({ prompt: "a cat", steps: 1, size: "64x64", seed: 2 })) {
      if (event.kind === "warning") throw new Error(event.message);
      if (event.kind === "image") return event.pixels;
    }
    throw new Error("no image");
  } finally {
    await pipeline.dispose();
  }
}

/** Some tensors of a file, under other names. */
async function write(
  name: string,
  from: string,
  rename: (tensor: string) => string | undefined,
): Promise<string> {
  const file = await openSafetensors(from);
  const tensors: TensorSource[] = [];
  for (const tensor of file.tensors.keys()) {
    const next = rename(tensor);
    if (next !== undefined) tensors.push({ ...(await file.read(tensor)), name: next });
  }
  const path = join(root, name);
  await writeSafetensors(path, tensors);
  return path;
}
const without = (prefix: string) => (name: string) => (name.startsWith(prefix) ? undefined : name);

it("a checkpoint without an autoencoder draws with --vae or --base, and says so without", async () => {
  const model = await write("no-vae.safetensors", whole, without("first_stage_model."));
  await expect(openStableDiffusion(model)).rejects.toThrow(
    /autoencoder is missing or incomplete: name one with --vae, or .*--base/,
  );
  expect(await draw({ model, vae: whole })).toEqual(expected);
  expect(await draw({ model, base: whole })).toEqual(expected);
});

it("a checkpoint with half an autoencoder draws with another one, of which nothing is listed as unknown", async () => {
  const model = await write("half-vae.safetensors", whole, without("first_stage_model.encoder."));
  expect(await draw({ model, vae: whole })).toEqual(expected);
});

it("a checkpoint without a text encoder draws with --base", async () => {
  const model = await write("no-text.safetensors", whole, without("cond_stage_model."));
  await expect(openStableDiffusion(model)).rejects.toThrow(
    /no text encoder: name a model that has one with --base/,
  );
  expect(await draw({ model, base: whole })).toEqual(expected);
});

it.each([
  ["model.diffusion_model.", "model.diffusion_model."],
  ["diffusion_model.", "diffusion_model."],
  ["nothing", ""],
])("a denoiser alone, whose names begin with %s, draws with --base", async (_, prefix) => {
  const start = "model.diffusion_model.";
  const only = (name: string) => (name.startsWith(start) ? prefix + name.slice(start.length) : undefined);
  const model = await write("unet.safetensors", whole, only);
  await expect(openStableDiffusion(model)).rejects.toThrow(/--base/);
  if (prefix === "") expect(await draw({ model, base: folder })).toEqual(expected);
  const [alone, all] = [await openStableDiffusion(model, { base: folder }), await openStableDiffusion(whole)];
  expect(alone.unknown).toEqual([]);
  expect([...alone.unet.weights.keys()].sort()).toEqual([...all.unet.weights.keys()].sort());
});

it("a denoiser by diffusers' names draws with --base", async () => {
  const model = await write("diffusers.safetensors", join(folder, "unet/model.safetensors"), (name) => name);
  await expect(openStableDiffusion(model)).rejects.toThrow(/a denoiser in diffusers' form.*--base/);
  expect(await draw({ model, base: folder })).toEqual(expected);
});

it("what does not go together is refused", async () => {
  const { file } = await writeBothLayouts("sdxl", root);
  const model = await write("one.safetensors", whole, without("cond_stage_model."));
  await expect(openStableDiffusion(model, { base: file })).rejects.toThrow(
    /does not fit the base sdxl: .*same family/,
  );
  await expect(openStableDiffusion(folder, { base: file })).rejects.toMatchObject({ code: "usage" });
  const vae = await write("vae.safetensors", whole, (name) =>
    name.startsWith("first_stage_model.") ? name : undefined,
  );
  await expect(openStableDiffusion(vae, { base: whole })).rejects.toMatchObject({ code: "checkpoint" });
});

it.each(["unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"])(
  "numbers that are not finite in %s are told as a damaged checkpoint",
  async (part) => {
    const model = join(root, part.replaceAll("/", "-"));
    await cp(fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url)), model, { recursive: true });
    const path = join(model, `${part}.safetensors`);
    const file = await openSafetensors(path);
    const tensors: TensorSource[] = [];
    for (const { name, shape } of file.tensors.values()) {
      const data = await file.readFloat32(name);
      const isDamaged = /(conv_out|conv_norm_out|final_layer_norm)\.bias$/.test(name);
      tensors.push({ name, dtype: "f32", shape, data: isDamaged ? data.map(() => Number.NaN) : data });
    }
    await writeSafetensors(path, tensors);
    await expect(draw({ model })).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(/not finite.*weights are damaged/),
    });
  },
);

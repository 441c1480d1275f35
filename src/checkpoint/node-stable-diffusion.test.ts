import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors, writeSafetensors } from "./node-file.js";
import { openStableDiffusion } from "./node-stable-diffusion.js";

const models = "tests/golden/pipelines";
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-folder-"));
});
afterAll(() => rm(root, { recursive: true }));

async function copy(from: string, name: string): Promise<string> {
  const model = join(root, name);
  await cp(join(models, from), model, { recursive: true });
  return model;
}

async function edit(file: string, change: (json: Record<string, unknown>) => object): Promise<void> {
  await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, "utf8")))));
}

const complaint = async (model: string): Promise<string> => {
  const error = await openStableDiffusion(model).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "checkpoint" });
  return (error as Error).message.replaceAll(model, "{}");
};

describe("a diffusers folder", () => {
  it("tells all that is wrong with it at once", async () => {
    const model = await copy("xl", "broken");
    await rm(join(model, "vae"), { recursive: true });
    await rm(join(model, "tokenizer_2"), { recursive: true });
    await edit(join(model, "model_index.json"), (index) => ({
      ...index,
      text_encoder: ["transformers", "ChatGLMModel"],
    }));
    await truncate(join(model, "unet/diffusion_pytorch_model.safetensors"), 100_000);
    await writeFile(join(model, "text_encoder_2/config.json"), "{");
    const message = await complaint(model);
    expect(message).toMatch(
      /^\{\} is not a whole model: its model_index\.json names vae, tokenizer_2, which are/,
    );
    expect(message).toContain("; its text_encoder is a ChatGLMModel, expected CLIPTextModel or ");
    expect(message).toMatch(
      /unet\/diffusion_pytorch_model\.safetensors is not a valid safetensors file: .*truncated/,
    );
    expect(message).toMatch(/text_encoder_2\/config\.json cannot be used: it is not valid JSON\.$/);
  });

  it("may have infinities in its configs, as Python writes them", async () => {
    const model = await copy("sd1", "infinite");
    const said =
      '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "note": "Infinity"}';
    await writeFile(join(model, "scheduler/scheduler_config.json"), said);
    const { scheduler } = await openStableDiffusion(model);
    expect(scheduler).toMatchObject({ lambda_min_clipped: -Infinity, note: "Infinity" });
  });

  it("has the scheduler that its index names, whatever class the scheduler's config was saved by", async () => {
    const model = await copy("sd1", "other-scheduler");
    const config = join(model, "scheduler/scheduler_config.json");
    await edit(config, (fields) => ({ ...fields, _class_name: "UniPCMultistepScheduler", solver_order: 3 }));
    const { scheduler, hints } = await openStableDiffusion(model);
    expect(hints).toEqual([
      "The scheduler is PNDMScheduler, as model_index.json says; scheduler_config.json names UniPCMultistepScheduler.",
    ]);
    expect(scheduler).toMatchObject({ _class_name: "PNDMScheduler", solver_order: 3, skip_prk_steps: true });
  });

  it("must not be a refiner alone", async () => {
    const model = await copy("xl", "refiner");
    await edit(join(model, "model_index.json"), (index) => ({
      ...index,
      _class_name: "StableDiffusionXLImg2ImgPipeline",
      text_encoder: [null, null],
      tokenizer: [null, null],
    }));
    expect(await complaint(model)).toMatch(
      /^\{\} is a refiner .*, which is not supported yet; use the base model\.$/,
    );
  });

  it("must name all parts", async () => {
    const model = await copy("sd1", "parts");
    await edit(join(model, "model_index.json"), ({ vae, tokenizer, ...index }) => index);
    expect(await complaint(model)).toBe(
      "{} is not a whole model: its model_index.json names no vae, no tokenizer.",
    );
  });

  it("may have weights of a variant, whole or in shards, and the vocabulary as one file", async () => {
    const model = await copy("sd1", "variant");
    const usual = await openStableDiffusion(model);
    const whole = join(model, "unet/diffusion_pytorch_model.safetensors");
    const file = await openSafetensors(whole);
    const names = [...file.tensors.keys()];
    const shards = [names.slice(0, 30), names.slice(30)];
    const weightMap: Record<string, string> = {};
    for (const [i, own] of shards.entries()) {
      const shard = `diffusion_pytorch_model.fp16-0000${i + 1}-of-00002.safetensors`;
      const tensors = own.map(async (name) => ({ name, ...(await file.read(name)) }));
      await writeSafetensors(join(model, "unet", shard), await Promise.all(tensors));
      for (const name of own) weightMap[name] = shard;
    }
    await rm(whole);
    const index = join(model, "unet/diffusion_pytorch_model.safetensors.index.fp16.json");
    await writeFile(index, JSON.stringify({ metadata: {}, weight_map: weightMap }));
    await rename(
      join(model, "vae/diffusion_pytorch_model.safetensors"),
      join(model, "vae/diffusion_pytorch_model.fp16.safetensors"),
    );
    await rm(join(model, "tokenizer/vocab.json"));
    await writeFile(join(model, "tokenizer/tokenizer.json"), "{}");

    const found = await openStableDiffusion(model);
    expect([...found.unet.weights.keys()].sort()).toEqual([...usual.unet.weights.keys()].sort());
    expect([...found.files.keys()]).toEqual([
      "unet/config.json",
      "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
      "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors",
      "vae/config.json",
      "vae/diffusion_pytorch_model.fp16.safetensors",
      "text_encoder/config.json",
      "text_encoder/model.safetensors",
      "tokenizer/tokenizer.json",
      "scheduler/scheduler_config.json",
    ]);
  });

  it("may have the names that an autoencoder's attention had before, as convolutions", async () => {
    const model = await copy("sd1", "old");
    const path = join(model, "vae/diffusion_pytorch_model.safetensors");
    const file = await openSafetensors(path);
    const old = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" };
    const tensors = [...file.tensors.values()].map(async ({ name }) => {
      const { shape, ...rest } = await file.read(name);
      const found = /^(.*attentions\.0)\.(to_q|to_k|to_v|to_out\.0)\.(.*)$/.exec(name);
      if (!found) return { name, shape, ...rest };
      const renamed = `${found[1]}.${old[found[2] as keyof typeof old]}.${found[3]}`;
      return { name: renamed, shape: shape.length === 2 ? [...shape, 1, 1] : shape, ...rest };
    });
    const usual = (await openStableDiffusion(model)).vae.weights;
    await writeSafetensors(path, await Promise.all(tensors));
    const found = (await openStableDiffusion(model)).vae.weights;
    expect([...found.keys()].sort()).toEqual([...usual.keys()].sort());
    for (const [name, { shape }] of usual) expect(found.get(name)!.shape).toEqual(shape);
  });
});

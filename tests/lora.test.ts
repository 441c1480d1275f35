// LoRAs in the networks of tiny Stable Diffusion models, against diffusers and peft: tests/golden/scripts/lora.py made them; the
// files' metadata says with which versions.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeLoraAdapter,
  openLora,
  openSafetensors,
  openStableDiffusion,
  type TensorSource,
  type WeightedLora,
  writeSafetensors,
} from "../src/checkpoint/node.js";
import type { HostTensor } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import type { Program } from "../src/graph/index.js";
import { loadPipeline } from "../src/index.js";
import { readClipTextConfig } from "../src/models/clip-text-config.js";
import { readConditionalUnetConfig } from "../src/models/index.js";
import { traceTextEncoder, traceUnet } from "../src/pipeline/families/stable-diffusion/programs.js";
import { relativeError } from "./support/golden-network.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const expected = await openSafetensors(golden("lora/expected.safetensors"));
const tensor = async (name: string, dtype: "f32" | "i32" = "f32"): Promise<HostTensor> => {
  const data = await expected.readFloat32(name);
  const shape = [...expected.tensors.get(name)!.shape];
  return { dtype, shape, data: dtype === "i32" ? Int32Array.from(data) : data };
};

const loraOf = async (name: string, weight: number): Promise<WeightedLora> => {
  const { lora, unknown } = await openLora(golden(`lora/${name}.safetensors`));
  expect(unknown).toEqual([]);
  return { lora, weight };
};

type Run = Record<string, HostTensor>;

async function run(program: Program, weights: Parameters<typeof engine.load>[1], inputs: Run): Promise<Run> {
  const session = await engine.load(program, weights);
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

/** What denoiser and first text encoder give with these LoRAs, and how many layers found no place. */
async function draw(model: "sd1" | "xl", loras: readonly WeightedLora[]) {
  const { unet, textEncoder } = await openStableDiffusion(golden(`pipelines/${model}`));
  const config = readConditionalUnetConfig(unet.config);
  const text = readClipTextConfig(textEncoder.config);
  const options = { skip: 0, normalized: true };
  const forUnet = makeLoraAdapter("unet", traceUnet(config).parameters, loras);
  const forText = makeLoraAdapter("text1", traceTextEncoder(text, options).parameters, loras);
  const inputs: Run = {};
  for (const name of ["sample", "timestep", "states", ...(model === "xl" ? ["vector", "sizes"] : [])]) {
    inputs[name] = await tensor(`${model}.${name}`);
  }
  const { prediction } = await run(traceUnet(config, forUnet), { weights: unet.weights }, inputs);
  const ids = await tensor(`${model}.ids`, "i32");
  const { states } = await run(
    traceTextEncoder(text, options, forText),
    { weights: textEncoder.weights },
    { ids },
  );
  const all = loras.reduce((sum, { lora }) => sum + lora.layers.length, 0);
  return { prediction: prediction!, text1: states!, left: all - forUnet.matched.size - forText.matched.size };
}

describe("LoRAs", () => {
  it.each([
    ["sd1", "plain", []],
    ["sd1", "kohya", [["kohya", 1]]],
    ["sd1", "diffusers", [["diffusers", 1]]],
    [
      "sd1",
      "both",
      [
        ["kohya", 0.7],
        ["diffusers", -0.4],
      ],
    ],
    ["sd1", "trained", [["trained", 1]]],
    ["xl", "kohya-xl", [["kohya-xl", 1]]],
  ] as const)("change %s as in the reference (%s)", async (model, name, files) => {
    const found = await draw(model, await Promise.all(files.map(([file, weight]) => loraOf(file, weight))));
    expect(relativeError(found.prediction, await tensor(`${model}.${name}.prediction`))).toBeLessThan(1e-5);
    if (expected.tensors.has(`${model}.${name}.text1`)) {
      expect(relativeError(found.text1, await tensor(`${model}.${name}.text1`))).toBeLessThan(1e-5);
    }
    expect(found.left).toBe(0);
  });

  it("of weight 0 change nothing", async () => {
    const { prediction } = await draw("sd1", [await loraOf("kohya", 0)]);
    expect(relativeError(prediction, await tensor("sd1.plain.prediction"))).toBeLessThan(1e-6);
  });

  it("of another model are refused in one sentence", async () => {
    const kohya = await loraOf("kohya", 1);
    await expect(draw("xl", [kohya])).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(
        /^The LoRA kohya.safetensors was made for another model: its layer "lora_unet_\S+" changes/,
      ),
    });
    await expect(draw("sd1", [await loraOf("kohya-xl", 1)])).rejects.toMatchObject({ code: "checkpoint" });
  });
});

describe("the other dialects", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-lora-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A golden LoRA under other names. */
  async function rewrite(from: string, to: string, rename: (name: string) => string): Promise<string> {
    const file = await openSafetensors(golden(`lora/${from}.safetensors`));
    const tensors = [...file.tensors.keys()].map(async (name) => ({
      name: rename(name),
      ...(await file.read(name)),
    }));
    const path = join(folder, to);
    await writeSafetensors(path, await Promise.all(tensors));
    return path;
  }
  async function check(path: string, name: string): Promise<void> {
    const { lora, unknown } = await openLora(path);
    expect(unknown).toEqual([]);
    const found = await draw("sd1", [{ lora, weight: 1 }]);
    expect(relativeError(found.prediction, await tensor(`sd1.${name}.prediction`))).toBeLessThan(1e-5);
    if (name === "kohya")
      expect(relativeError(found.text1, await tensor("sd1.kohya.text1"))).toBeLessThan(1e-5);
    expect(found.left).toBe(0);
  }

  it("of diffusers' first versions are read, with and without a prefix", async () => {
    const processor = (name: string) =>
      name
        .replace(
          /\.to_(q|v)\.lora_(A|B)/,
          (_, map, side) => `.processor.to_${map}_lora.${halves[side as "A"]}`,
        )
        .replace(/\.to_out\.0\.lora_(A|B)/, (_, side) => `.processor.to_out_lora.${halves[side as "A"]}`);
    const halves = { A: "down", B: "up" };
    const without = (name: string) => processor(name).replace("unet.", "");
    await check(await rewrite("diffusers", "old.safetensors", processor), "diffusers");
    await check(await rewrite("diffusers", "older.safetensors", without), "diffusers");
  });

  it("of text encoders in diffusers' first versions are read", async () => {
    const dotted = (name: string) =>
      name
        .replace(/^lora_te_text_model_encoder_layers_(\d)_self_attn_(\w+?)_proj\./, (_, layer, map) => {
          return `text_encoder.text_model.encoder.layers.${layer}.self_attn.to_${map}_lora.`;
        })
        .replace(/_lora\.lora_(down|up)\./, "_lora.$1.")
        .replace(
          /^lora_te_text_model_encoder_layers_(\d)_mlp_fc(\d)/,
          "text_encoder.encoder.layers.$1.mlp.fc$2",
        )
        .replace(/(fc\d)\.lora_(down|up)\./, "$1.lora_linear_layer.$2.");
    await check(await rewrite("kohya", "words.safetensors", dotted), "kohya");
  });

  it("of ComfyUI have the names of single files with dots", async () => {
    const dotted = (name: string) => {
      const [, layer, end] = /^lora_unet_(.+?)\.(.+)$/.exec(name) ?? [];
      if (layer === undefined) return name;
      const inside = layer.replace(/_(?=\d)|(?<=\d)_/g, ".").replace("ff_net", "ff.net");
      return `diffusion_model.${inside}.${end!.replace("lora_down", "lora_A").replace("lora_up", "lora_B")}`;
    };
    const { lora, unknown } = await openLora(await rewrite("kohya-xl", "comfy.safetensors", dotted));
    expect(unknown).toEqual([]);
    expect(lora.layers.some(({ name }) => name.startsWith("diffusion_model.input_blocks."))).toBe(true);
    const found = await draw("xl", [{ lora, weight: 1 }]);
    expect(found.left).toBe(0);
    expect(relativeError(found.prediction, await tensor("xl.kohya-xl.prediction"))).toBeLessThan(1e-5);
  });

  it("of LyCORIS have a prefix of their own", async () => {
    const other = (name: string) => name.replace("lora_unet_", "lycoris_").replace("lora_te_", "lycoris_te_");
    await check(await rewrite("kohya", "lycoris.safetensors", other), "kohya");
  });

  it("of peft may name the adapter", async () => {
    for (const adapter of ["default", "default_0", "my-style"]) {
      const named = (name: string) => name.replace(/\.(lora_[AB])\.weight$/, `.$1.${adapter}.weight`);
      await check(await rewrite("diffusers", `${adapter}.safetensors`, named), "diffusers");
    }
    const file = await openSafetensors(golden("lora/diffusers.safetensors"));
    const twice = await Promise.all(
      [...file.tensors.keys()].flatMap((name) =>
        ["one", "two"].map(async (adapter) => ({
          ...(await file.read(name)),
          name: name.replace(/\.weight$/, `.${adapter}.weight`),
        })),
      ),
    );
    await writeSafetensors(join(folder, "twice.safetensors"), twice);
    await expect(openLora(join(folder, "twice.safetensors"))).rejects.toThrow(
      /appears twice, for the adapters "one" and "two"/,
    );
  });

  it("of peft is a folder, whose config says the scale", async () => {
    const peft = (name: string) => name.replace("unet.", "base_model.model.");
    await expect(openLora(folder)).rejects.toThrow(
      / holds no LoRA: expected pytorch_lora_weights\.safetensors or /,
    );
    await rewrite("diffusers", "adapter_model.safetensors", peft);
    await expect(openLora(folder)).rejects.toThrow(/which sets the strength of the LoRA/);
    const config = (json: object) => writeFile(join(folder, "adapter_config.json"), JSON.stringify(json));
    await config({ r: 3, lora_alpha: 3 });
    await check(folder, "diffusers");
    await config({
      r: 3,
      lora_alpha: 6,
      alpha_pattern: { "^down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": 1.5, to_v: 3 },
    });
    const { lora, files } = await openLora(folder);
    expect(files.map((file) => basename(file))).toEqual(["adapter_model.safetensors", "adapter_config.json"]);
    const scales = lora.layers.map(({ name, scale }) => [name, scale]);
    expect(new Set(scales.map(([, scale]) => scale))).toEqual(new Set([0.5, 1, 2]));
    expect(scales).toContainEqual(["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", 0.5]);
    await config({ r: 3, lora_alpha: 6, alpha_pattern: { "down_blocks.*attn1.to_(q|v)": 1.5, ".*": 12 } });
    const regex = (await openLora(folder)).lora.layers.map(({ name, scale }) => [name, scale] as const);
    for (const [name, scale] of regex)
      expect([name, scale]).toEqual([name, /^down_blocks.*attn1\.to_(q|v)$/.test(name) ? 0.5 : 4]);
    await config({ lora_alpha: 6, alpha_pattern: { "(?=x)": 1 } });
    await expect(openLora(folder)).rejects.toThrow(/The pattern "\(\?=x\)" is not supported/);
    await config({ lora_alpha: 6, init_lora_weights: "pissa" });
    await expect(openLora(folder)).rejects.toThrow(/init_lora_weights = .*pissa.* not the whole change/);
  });
});

describe("a pipeline with LoRAs", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-lora-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The golden LoRA with more in it. */
  async function extend(name: string, more: readonly TensorSource[]): Promise<string> {
    const file = await openSafetensors(golden("lora/kohya.safetensors"));
    const tensors = [...file.tensors.keys()].map(async (tensor) => ({
      name: tensor,
      ...(await file.read(tensor)),
    }));
    const path = join(folder, name);
    await writeSafetensors(path, [...(await Promise.all(tensors)), ...more]);
    return path;
  }
  const numbers = (name: string, shape: readonly number[]): TensorSource => ({
    name,
    dtype: "f32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
  });

  it("refuses one that cannot be applied in full, unless allowed", async () => {
    const parts = [
      [numbers("lora_unet_conv_in.oft_blocks", [2, 2, 2])],
      [numbers("strange", [3])],
      ["up", "down"].map((half) => numbers(`lora_unet_elsewhere.lora_${half}.weight`, [1, 1])),
    ];
    for (const [i, more] of parts.entries()) {
      const lora = [await extend(`part-${i}.safetensors`, more)];
      await expect(loadPipeline({ model, lora })).rejects.toMatchObject({
        code: "checkpoint",
        message: expect.stringMatching(/Without them the image would differ.*--lora-partial/),
      });
      const pipeline = await loadPipeline({ model, lora, allowPartialLora: true, threads: 1 });
      const warnings: string[] = [];
      for await (const event of pipeline.generate(request))
        if (event.kind === "warning") warnings.push(event.message);
        else if (event.kind === "image") expect(event.receipt.load.allowPartialLora).toBe(true);
      await pipeline.dispose();
      expect(warnings.join()).toMatch(/^Ignoring /);
    }
  });

  it("draws with one that has a stray alpha, and lists it", async () => {
    const lora = await extend("stray.safetensors", [numbers("lora_unet_elsewhere.alpha", [])]);
    const pipeline = await loadPipeline({ model, lora: [lora], threads: 1 });
    const warnings: string[] = [];
    for await (const event of pipeline.generate(request))
      if (event.kind === "warning") warnings.push(event.message);
    await pipeline.dispose();
    expect(warnings).toEqual([
      'Ignoring 1 tensor of stray.safetensors that belongs to no layer: "lora_unet_elsewhere.alpha".',
    ]);
  });

  const model = golden("pipelines/sd1");
  const request = { prompt: "a cat", seed: 1, steps: 2, size: "64x64" } as const;
  const pixels = async (lora?: readonly string[]) => {
    const pipeline = await loadPipeline({ model, threads: 1, ...(lora && { lora }) });
    try {
      for await (const event of pipeline.generate(request)) {
        if (event.kind === "image") return { pixels: event.pixels, load: event.receipt.load };
      }
      throw new Error("no picture came");
    } finally {
      await pipeline.dispose();
    }
  };

  it("draws with them, and says so in the receipt", async () => {
    const file = golden("lora/kohya.safetensors");
    const [plain, none, some] = [await pixels(), await pixels([`${file}:0`]), await pixels([`${file}:0.8`])];
    expect(none.pixels).toEqual(plain.pixels);
    expect(some.pixels).not.toEqual(plain.pixels);
    expect(some.load).toEqual({
      loras: [{ file: "kohya.safetensors", weight: 0.8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
  });

  it("refuses what does not fit, before anything is drawn", async () => {
    const load = (lora: string) => loadPipeline({ model, lora: [lora] });
    await expect(load(golden("lora/kohya-xl.safetensors"))).rejects.toThrow(/was made for another model/);
    await expect(load(golden("clip-text-plain.safetensors"))).rejects.toThrow(
      /is not a LoRA: it holds "hidden/,
    );
    await expect(load("nowhere.safetensors:0.5")).rejects.toMatchObject({ code: "file" });
    await expect(load("style.ckpt")).rejects.toThrow(/it is a pickle/);
    await expect(load(`${golden("lora/kohya.safetensors")}:99`)).rejects.toThrow(
      /lora\[0\]: expected a file with a weight from -10 to 10/,
    );
    await expect(loadPipeline({ lora: [golden("lora/kohya.safetensors")] })).rejects.toThrow(
      /was made for another model: this one has none of its/,
    );
  });
});

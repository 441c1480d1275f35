// LoRAs in the networks of tiny Stable Diffusion models, against diffusers and peft: tests/golden/scripts/lora.py made them; the
// files' metadata says with which versions.
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  makeLoraAdapter,
  openLora,
  openSafetensors,
  openStableDiffusion,
  type WeightedLora,
} from "../src/checkpoint/node.js";
import type { HostTensor } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import type { Program } from "../src/graph/index.js";
import { loadPipeline } from "../src/index.js";
import { readClipTextConfig } from "../src/models/clip-text-config.js";
import { readConditionalUnetConfig } from "../src/models/index.js";
import { traceTextEncoder, traceUnet } from "../src/pipeline/stable-diffusion/programs.js";
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

describe("a pipeline with LoRAs", () => {
  const model = golden("pipelines/sd1");
  const request = { prompt: "a cat", seed: 1, steps: 2, size: "64x64" } as const;
  const pixels = async (lora?: readonly string[]) => {
    const pipeline = await loadPipeline({ model, threads: 1, ...(lora && { lora }) });
    try {
      for await (const event of pipeline.generate(request)) {
        if (event.kind === "picture") return { pixels: event.pixels, weights: JSON.stringify(event.receipt) };
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
    expect(some.weights).toContain("lora kohya.safetensors × 0.8");
  });

  it("refuses what does not fit, before anything is drawn", async () => {
    const load = (lora: string) => loadPipeline({ model, lora: [lora] });
    await expect(load(golden("lora/kohya-xl.safetensors"))).rejects.toThrow(/was made for another model/);
    await expect(load(golden("clip-text-plain.safetensors"))).rejects.toThrow(/is no LoRA: it holds "hidden/);
    await expect(load("nowhere.safetensors:0.5")).rejects.toMatchObject({ code: "file" });
    await expect(load("style.ckpt")).rejects.toThrow(/it is a pickle/);
    await expect(load(`${golden("lora/kohya.safetensors")}:99`)).rejects.toThrow(
      /expected a weight from -10 to 10/,
    );
    await expect(loadPipeline({ lora: [golden("lora/kohya.safetensors")] })).rejects.toThrow(
      /only Stable Diffusion takes/,
    );
  });
});

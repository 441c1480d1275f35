import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readProvenance } from "../../image/index.js";
import { makeRequest } from "./provenance-request.js";
import { checkUpload, describeUpload } from "./uploads.js";

const request = (text: Readonly<Record<string, string>>) => makeRequest(readProvenance(text)!, text);

describe("makeRequest", () => {
  it("takes over what stable-diffusion-webui wrote", () => {
    const parameters =
      "a cat <lora:ink style:0.7>, (blue:1.2)\nNegative prompt: dog\n" +
      "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 0, Size: 512x768, Model hash: 6ce0161689, " +
      "Model: v1-5, Denoising strength: 0.4, Clip skip: 2, Variation seed: 5, Variation seed strength: 0.1, Tiling: True, " +
      'Lora hashes: "ink style: 1", Version: v1.9.4';
    expect(request({ parameters })).toEqual({
      prompt: "a cat, (blue:1.2)",
      negativePrompt: "dog",
      seed: 0,
      steps: 20,
      guidance: 6.5,
      sampler: "dpmpp-2m",
      schedule: "karras",
      size: { width: 512, height: 768 },
      clipSkip: 1,
      init: { strength: 0.4 },
      variation: { seed: 5, strength: 0.1 },
      seamless: true,
      model: "v1-5",
      loras: [{ name: "ink style", weight: 0.7 }],
    });
  });

  it.each([
    [
      "webui.jpg",
      "stable-diffusion-webui",
      { sampler: "dpmpp-2m", schedule: "karras", loras: [{ name: "foo", weight: 0.8 }] },
    ],
    ["webui-text-utf8.png", "stable-diffusion-webui", { prompt: "猫耳 naïve", seed: 5 }],
    [
      "fooocus.png",
      "Fooocus",
      { sampler: "dpmpp-2m-sde", model: "juggernaut", size: { width: 1152, height: 896 } },
    ],
    ["swarm.png", "SwarmUI", { prompt: "cat", seed: 137 }],
    ["invoke-old.png", "InvokeAI", { sampler: "lms", seed: 3357757885 }],
  ])("takes over what is in a real file: %s", async (name, program, settings) => {
    const bytes = await readFile(
      fileURLToPath(new URL(`../../../tests/golden/metadata/${name}`, import.meta.url)),
    );
    const { provenance } = describeUpload(bytes, checkUpload(bytes));
    expect(provenance).toMatchObject({ program, request: settings });
  });

  const first = { width: 512, height: 768 };
  const passes = "Steps: 20, Seed: 1, Size: 512x768, Denoising strength: 0.4, ";

  it.each([
    [
      "Hires upscale: 1.5, Hires steps: 9, Hires upscaler: Latent (nearest)",
      { width: 768, height: 1152 },
      { from: first, method: "latent-nearest", strength: 0.4, steps: 9 },
    ],
    [
      "Hires resize: 640x960, Hires sampler: Euler, Hires schedule type: Karras, Hires prompt: dog, Hires upscaler: Lanczos",
      { width: 640, height: 960 },
      { from: first, method: "lanczos", strength: 0.4, sampler: "euler", schedule: "karras", prompt: "dog" },
    ],
    // Rounded down as there: 512 · 1.31 is 670.72.
    ["Hires upscale: 1.31", { width: 664, height: 1000 }, { from: first, method: "latent", strength: 0.4 }],
  ])("takes over two passes: %s", (fields, size, hires) => {
    expect(request({ parameters: `cat\n${passes}${fields}` })).toMatchObject({ size, hires });
  });

  it("leaves out a second pass by a network that only the other program has", () => {
    const { size, hires, init } = request({
      parameters: `cat\n${passes}Hires upscale: 2, Hires upscaler: R-ESRGAN 4x+`,
    });
    expect({ size, hires, init }).toEqual({ size: first });
  });

  it("leaves out what is not valid, and keeps the rest", () => {
    const parameters =
      "cat\nSteps: many, Sampler: Mystery, CFG scale: 1e9, Seed: -1, Size: 0x8, Clip skip: 99, Model: a/b.safetensors";
    expect(request({ parameters })).toEqual({ prompt: "cat", model: "b" });
    expect(
      request({ parameters: "Negative prompt: dog\nSteps: 4, Seed: 1, Size: 8x8" }).prompt,
    ).toBeUndefined();
  });

  const graph = (seed: string) => `{
    "3": {"class_type": "KSampler", "inputs": {"seed": ${seed}, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m_sde",
      "scheduler": "karras", "denoise": 0.6, "model": ["11", 0], "positive": ["6", 0], "negative": ["7", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/v1-5.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["10", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "dog", "clip": ["10", 0]}},
    "10": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["11", 1]}},
    "11": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.8, "model": ["4", 0]}}
  }`;

  it("takes over ComfyUI's graph, with the part of a long seed that its generator reads", () => {
    const expected = {
      prompt: "a cat",
      negativePrompt: "dog",
      seed: 156680208700286,
      steps: 20,
      guidance: 8,
      sampler: "dpmpp-2m-sde",
      schedule: "karras",
      clipSkip: 1,
      init: { strength: 0.6 },
      model: "v1-5",
      loras: [{ name: "ink.safetensors", weight: 0.8 }],
    };
    expect(request({ prompt: graph("156680208700286") })).toEqual(expected);
    expect(request({ prompt: graph("18446744073709551557") })).toEqual({
      ...expected,
      seed: 4294967237,
      rng: "torch-cpu",
    });
  });

  it("takes over InvokeAI, Fooocus, SwarmUI and NovelAI", () => {
    const invoke = {
      ...{
        positive_prompt: "cat",
        negative_prompt: "",
        width: 512,
        height: 768,
        seed: 3,
        steps: 30,
        cfg_scale: 7.5,
      },
      ...{ scheduler: "dpmpp_2m_k", strength: 0.7, clip_skip: 1, model: { name: "sd-1.5" } },
      loras: [{ model: { name: "ink" }, weight: 0.5 }],
    };
    expect(request({ invokeai_metadata: JSON.stringify(invoke) })).toEqual({
      ...{ prompt: "cat", seed: 3, steps: 30, guidance: 7.5, sampler: "dpmpp-2m", schedule: "karras" },
      ...{ size: { width: 512, height: 768 }, clipSkip: 1, init: { strength: 0.7 }, model: "sd-1.5" },
      loras: [{ name: "ink", weight: 0.5 }],
    });
    const fooocus = {
      ...{
        prompt: "cat",
        negative_prompt: "dog",
        seed: "5",
        steps: 30,
        guidance_scale: 4,
        sampler: "dpmpp_2m_sde_gpu",
      },
      ...{
        scheduler: "karras",
        resolution: "(1152, 896)",
        base_model: "juggernaut.safetensors",
        clip_skip: 2,
      },
      ...{ lora_combined_1: "offset.safetensors : 0.1", version: "Fooocus v2.5.0" },
    };
    expect(request({ parameters: JSON.stringify(fooocus), fooocus_scheme: "fooocus" })).toEqual({
      ...{ prompt: "cat", negativePrompt: "dog", seed: 5, steps: 30, guidance: 4, schedule: "karras" },
      ...{ sampler: "dpmpp-2m-sde", size: { width: 1152, height: 896 }, clipSkip: 1, model: "juggernaut" },
      loras: [{ name: "offset.safetensors", weight: 0.1 }],
    });
    const swarm = {
      ...{ prompt: "cat", model: "Flux/flux1-dev", seed: 7, steps: 25, cfgscale: 1, width: 512, height: 768 },
      ...{
        sampler: "euler",
        scheduler: "simple",
        loras: ["ink"],
        loraweights: ["0.5"],
        initimagecreativity: 0.6,
      },
    };
    expect(request({ parameters: JSON.stringify({ sui_image_params: swarm }) })).toMatchObject({
      ...{ prompt: "cat", seed: 7, steps: 25, guidance: 1, sampler: "euler", model: "flux1-dev" },
      loras: [{ name: "ink", weight: 0.5 }],
    });
    const novel = {
      ...{ prompt: "cat", steps: 28, height: 1216, width: 832, scale: 5, seed: 7, uc: "dog", strength: 0.7 },
      ...{ sampler: "k_euler_ancestral", noise_schedule: "karras", request_type: "PromptGenerateRequest" },
    };
    expect(request({ Software: "NovelAI", Comment: JSON.stringify(novel) })).toEqual({
      ...{
        prompt: "cat",
        negativePrompt: "dog",
        seed: 7,
        steps: 28,
        guidance: 5,
        sampler: "euler-ancestral",
      },
      ...{ schedule: "karras", size: { width: 832, height: 1216 } },
    });
  });
});

import { describe, expect, it } from "vitest";
import { readProvenance } from "./provenance.js";

describe("readProvenance", () => {
  const parameters = "cat\nNegative prompt: dog\nSteps: 4, Seed: 0, Size: 8x8";

  it("tells Nishiki from other programs that write the same text", () => {
    const said = {
      prompt: "cat",
      negativePrompt: "dog",
      fields: { Steps: "4", Seed: "0", Size: "8x8" },
      raw: parameters,
    };
    expect(readProvenance({ parameters })).toEqual({ program: "stable-diffusion-webui", ...said });
    expect(readProvenance({ parameters, nishiki: "{}" })).toEqual({ program: "Nishiki", ...said });
  });

  it("reads InvokeAI's metadata", () => {
    const raw = JSON.stringify({
      positive_prompt: "cat",
      negative_prompt: "dog",
      width: 512,
      height: 768,
      seed: 0,
      steps: 30,
      cfg_scale: 7.5,
      scheduler: "euler_a",
      model: { name: "sd-1.5" },
    });
    const fields = {
      Steps: "30",
      Sampler: "euler_a",
      "CFG scale": "7.5",
      Seed: "0",
      Size: "512x768",
      Model: "sd-1.5",
    };
    expect(readProvenance({ invokeai_metadata: raw })).toEqual({
      program: "InvokeAI",
      prompt: "cat",
      negativePrompt: "dog",
      fields,
      raw,
    });
  });

  const graph = {
    "3": {
      class_type: "KSampler",
      inputs: {
        seed: 156680208700286,
        steps: 20,
        cfg: 8,
        sampler_name: "euler",
        scheduler: "normal",
        denoise: 1,
        model: ["4", 0],
        positive: ["10", 0],
        negative: ["7", 0],
        latent_image: ["5", 0],
      },
    },
    "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "v1-5.safetensors" } },
    "5": { class_type: "EmptyLatentImage", inputs: { width: 512, height: 512, batch_size: 1 } },
    "6": { class_type: "CLIPTextEncode", inputs: { text: "a glass bottle: NaN, yes", clip: ["4", 1] } },
    "7": { class_type: "CLIPTextEncode", inputs: { text: "watermark", clip: ["4", 1] } },
    "10": { class_type: "ConditioningSetArea", inputs: { conditioning: ["6", 0] } },
  };

  it("follows ComfyUI's graph from the sampler back to the texts", () => {
    const raw = JSON.stringify(graph);
    expect(readProvenance({ prompt: raw, workflow: "{}" })).toEqual({
      program: "ComfyUI",
      prompt: "a glass bottle: NaN, yes",
      negativePrompt: "watermark",
      fields: {
        Steps: "20",
        Sampler: "euler",
        "Schedule type": "normal",
        "CFG scale": "8",
        Seed: "156680208700286",
        Size: "512x512",
        Model: "v1-5.safetensors",
      },
      raw,
    });
    expect(readProvenance({ workflow: "{}" })?.program).toBe("ComfyUI");
  });

  it("bears ComfyUI's bare NaN, graphs that loop, and graphs without a sampler", () => {
    const raw = JSON.stringify(graph).replace('"denoise":1', '"is_changed":[NaN]');
    expect(readProvenance({ prompt: raw })?.negativePrompt).toBe("watermark");
    const loop = { ...graph, "6": { inputs: { conditioning: ["10", 0] } } };
    expect(readProvenance({ prompt: JSON.stringify(loop) })?.prompt).toBe("");
    expect(readProvenance({ prompt: "{}" })).toMatchObject({ program: "ComfyUI", prompt: "", fields: {} });
  });

  it("does not guess", () => {
    expect(readProvenance({})).toBeUndefined();
    expect(readProvenance({ Software: "x", Comment: "y" })).toBeUndefined();
    for (const text of ["cat", "[1]", "null", "{"]) {
      expect(readProvenance({ prompt: text, workflow: text, invokeai_metadata: text })).toBeUndefined();
    }
  });
});

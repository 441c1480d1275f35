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

  it("tells Fooocus and SwarmUI, which write JSON where webui writes its text", () => {
    const fooocus = {
      prompt: "cat",
      negative_prompt: "dog",
      seed: "5",
      steps: 30,
      base_model: "juggernaut",
      resolution: "(1152, 896)",
      version: "Fooocus v2.3.1",
    };
    expect(readProvenance({ parameters: JSON.stringify(fooocus) })).toMatchObject({
      program: "Fooocus",
      prompt: "cat",
      negativePrompt: "dog",
      fields: { Seed: "5", Steps: "30", Model: "juggernaut", Size: "1152x896" },
    });
    expect(readProvenance({ parameters, fooocus_scheme: "a1111" })).toMatchObject({
      program: "Fooocus",
      prompt: "cat",
    });
    const swarm = { sui_image_params: { prompt: "cat", seed: 137, cfgscale: 1.5, width: 64, height: 32 } };
    expect(readProvenance({ parameters: JSON.stringify(swarm) })).toMatchObject({
      program: "SwarmUI",
      prompt: "cat",
      negativePrompt: "",
      fields: { Seed: "137", "CFG scale": "1.5", Size: "64x32" },
    });
  });

  it("reads InvokeAI 2, its metadata and its command line", () => {
    const image = {
      prompt: [{ prompt: "a cat [dog]", weight: 1 }],
      steps: 50,
      seed: 7,
      width: 64,
      height: 32,
    };
    const metadata = JSON.stringify({ model: "stable diffusion", model_weights: "sd-1.4", image });
    const dream = '"a \\"cat\\" [dog]" -s 50 -S 7 -W 64 -H 32 -C 7.5 -A k_lms';
    const fields = { Steps: "50", Seed: "7", Size: "64x32" };
    expect(readProvenance({ "sd-metadata": metadata, Dream: dream })).toMatchObject({
      program: "InvokeAI",
      prompt: "a cat",
      negativePrompt: "dog",
      fields: { ...fields, Model: "sd-1.4" },
    });
    expect(readProvenance({ Dream: dream })).toMatchObject({
      prompt: 'a "cat"',
      negativePrompt: "dog",
      fields: { ...fields, Sampler: "k_lms", "CFG scale": "7.5" },
    });
  });

  it("reads NovelAI", () => {
    const Comment = JSON.stringify({ steps: 28, seed: 7, uc: "dog", scale: 5 });
    expect(readProvenance({ Software: "NovelAI", Description: "cat", Comment })).toMatchObject({
      program: "NovelAI",
      prompt: "cat",
      negativePrompt: "dog",
      fields: { Seed: "7" },
    });
  });

  const drawThings = {
    c: 'a cat & a "dog" <b>',
    uc: "blurry",
    model: "sd_v1.5_f16.ckpt",
    sampler: "DPM++ 2M Karras",
    scale: 7.5,
    seed: 4294967295,
    seed_mode: "Scale Alike",
    size: "512x768",
    steps: 20,
    strength: 1,
    lora: [{ model: "ink_lora_f16.ckpt", weight: 0.6 }],
    v2: { clipSkip: 2, width: 512 },
  };
  const escapeText = (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  const xmp = (
    tool: string,
    comment: string,
  ) => `<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
   <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
         ${tool}
         <exif:UserComment>
            <rdf:Alt><rdf:li xml:lang="x-default">${escapeText(comment)}</rdf:li></rdf:Alt>
         </exif:UserComment>
      </rdf:Description>
   </rdf:RDF>
</x:xmpmeta>`;

  it("reads Draw Things, whose settings are JSON in XMP data", () => {
    const raw = JSON.stringify(drawThings);
    const expected = {
      program: "Draw Things",
      prompt: 'a cat & a "dog" <b>',
      negativePrompt: "blurry",
      fields: {
        Steps: "20",
        Sampler: "DPM++ 2M Karras",
        "CFG scale": "7.5",
        Seed: "4294967295",
        Size: "512x768",
        Model: "sd_v1.5_f16.ckpt",
        "Denoising strength": "1",
        "Clip skip": "2",
      },
      loras: [{ name: "ink_lora_f16.ckpt", weight: 0.6 }],
      raw,
    };
    const tool = "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>";
    expect(readProvenance({ "XML:com.adobe.xmp": xmp(tool, raw) })).toEqual(expected);
    // In JPEG files, the comment is in the EXIF data, too.
    expect(readProvenance({ UserComment: raw })).toEqual(expected);
  });

  it("takes no other program's XMP data for settings, and bears damaged ones", () => {
    const tool = "<xmp:CreatorTool>Photo Studio</xmp:CreatorTool>";
    for (const data of [xmp(tool, "a holiday"), xmp(tool, "{}"), "<exif:UserComment>{", "", "&#xffffffff;<"])
      expect(readProvenance({ "XML:com.adobe.xmp": data })).toBeUndefined();
  });

  it("keeps every digit of seeds of 64 bits", () => {
    const invokeai_metadata = '{"positive_prompt": "1234567890123456789012", "seed": 18446744073709551557}';
    expect(readProvenance({ invokeai_metadata })).toMatchObject({
      prompt: "1234567890123456789012",
      fields: { Seed: "18446744073709551557" },
    });
  });

  it("reads the same texts from EXIF data, and takes no other comment for them", () => {
    expect(readProvenance({ UserComment: parameters })).toMatchObject({ prompt: "cat" });
    expect(readProvenance({ Model: `prompt:${JSON.stringify(graph)}` })).toMatchObject({
      program: "ComfyUI",
      negativePrompt: "watermark",
    });
    const UserComment = JSON.stringify({ sui_image_params: { prompt: "cat" } });
    expect(readProvenance({ UserComment })?.program).toBe("SwarmUI");
    expect(readProvenance({ UserComment: "a holiday", Make: "Canon", Model: "EOS" })).toBeUndefined();
  });

  it("does not guess", () => {
    expect(readProvenance({})).toBeUndefined();
    expect(readProvenance({ Software: "x", Comment: "y" })).toBeUndefined();
    expect(readProvenance({ parameters: '{"prompt": "cat", "tool": "unknown"}' })).toBeUndefined();
    for (const text of ["cat", "[1]", "null", "{"]) {
      expect(readProvenance({ prompt: text, workflow: text, invokeai_metadata: text })).toBeUndefined();
    }
  });
});

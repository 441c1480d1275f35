import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "./node-file.js";
import { openImageEncoder } from "./node-image-encoder.js";

describe("openImageEncoder", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "nishiki-vision-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const makeFolder = async (name: string, tensors: readonly string[]) => {
    const folder = join(root, name, "image_encoder");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "config.json"), '{"architectures": ["CLIPVisionModelWithProjection"]}');
    const data = Float32Array.of(1);
    const all = tensors.map((tensor) => ({ name: tensor, dtype: "f32" as const, shape: [1], data }));
    await writeSafetensors(join(folder, "model.safetensors"), all);
    return folder;
  };

  it("keeps the image encoder's tensors, and finds the processor's config beside it or in the pipeline", async () => {
    const names = ["vision_model.x", "visual_projection.weight"];
    const others = ["vision_model.embeddings.position_ids", "text_model.x", "logit_scale"];
    const folder = await makeFolder("whole", [...names, ...others]);
    const without = await openImageEncoder(folder);
    expect([...without.weights.keys()].sort()).toEqual(names);
    expect(without).toMatchObject({ processor: {}, files: { length: 2 } });
    const extractor = join(root, "whole", "feature_extractor");
    await mkdir(extractor);
    await writeFile(join(extractor, "preprocessor_config.json"), '{"size": 7}');
    expect(await openImageEncoder(folder)).toMatchObject({ processor: { size: 7 }, files: { length: 3 } });
    await copyFile(join(extractor, "preprocessor_config.json"), join(folder, "preprocessor_config.json"));
    const { files } = await openImageEncoder(folder);
    expect(files.at(-1)).toBe(join(folder, "preprocessor_config.json"));
  });

  it("reads a published file alone by its shapes, and says what it cannot tell", async () => {
    const shapes: Readonly<Record<string, readonly number[]>> = {
      "vision_model.embeddings.class_embedding": [1280],
      "vision_model.embeddings.patch_embedding.weight": [1280, 3, 2, 2],
      "vision_model.embeddings.position_embedding.weight": [10, 1280],
      "vision_model.encoder.layers.0.mlp.fc1.weight": [5, 1280],
      "vision_model.encoder.layers.1.mlp.fc1.weight": [5, 1280],
      "visual_projection.weight": [7, 1280],
    };
    const write = async (name: string, width: number) => {
      const file = join(root, name);
      const tensors = Object.entries(shapes).map(([tensor, all]) => {
        const shape = all.map((size) => (size === 1280 ? width : size));
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
        return { name: tensor, dtype: "f32" as const, shape, data };
      });
      await writeSafetensors(file, tensors);
      return file;
    };
    const opened = await openImageEncoder(await write("CLIP-ViT-H-14.safetensors", 1280));
    expect(opened.config).toEqual({
      hidden_size: 1280,
      intermediate_size: 5,
      num_hidden_layers: 2,
      num_attention_heads: 16,
      hidden_act: "gelu",
      patch_size: 2,
      image_size: 6,
      projection_dim: 7,
    });
    expect(opened).toMatchObject({ processor: {}, files: { length: 1 } });
    await expect(openImageEncoder(await write("other.safetensors", 20))).rejects.toThrow(
      "got one of 20. Name the folder that has its config.json.",
    );
    await expect(openImageEncoder(join(root, "clip.bin"))).rejects.toThrow("it is a pickle");
  });

  it.each([
    ["text", ["text_model.x"], "got another network"],
    ["bare", ["vision_model.x"], "got an image encoder without visual_projection.weight"],
  ])("refuses other networks (%s)", async (name, tensors, message) => {
    await expect(openImageEncoder(await makeFolder(name, tensors))).rejects.toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

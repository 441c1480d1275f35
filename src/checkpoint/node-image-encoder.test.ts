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

  it.each([
    ["text", ["text_model.x"], "got another network"],
    ["bare", ["vision_model.x"], "got an image encoder without visual_projection.weight"],
  ])("refuses other networks (%s)", async (name, tensors, message) => {
    await expect(openImageEncoder(await makeFolder(name, tensors))).rejects.toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

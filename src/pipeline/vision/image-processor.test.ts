import { describe, expect, it } from "vitest";
import { openSafetensors } from "../../checkpoint/node.js";
import { resizeBicubic } from "../../image/index.js";
import { processImage, readImageProcessor } from "./image-processor.js";

// By transformers and Pillow; versions are in the file's metadata, the command in tests/golden/scripts/clip_vision.py.
const file = await openSafetensors("tests/golden/clip-images.safetensors");

async function readPixels(name: string) {
  const [height, width] = file.tensors.get(name)!.shape as [number, number];
  return { width, height, channels: 3 as const, data: Uint8Array.from(await file.readFloat32(name)) };
}

const numbers = [0, 1, 2, 3, 4, 5, 6, 7];

describe("images as CLIP sees them", () => {
  it.each(numbers)("are scaled to Pillow's bytes (%i)", async (i) => {
    const expected = await readPixels(`resized.${i}`);
    expect(resizeBicubic(await readPixels(`image.${i}`), expected)).toEqual(expected);
  });

  it.each(numbers)("are transformers' numbers, to a rounding (%i)", async (i) => {
    const processor = readImageProcessor(JSON.parse(file.metadata.config!), 20);
    const expected = await file.readFloat32(`pixels.${i}`);
    const actual = processImage(processor, await readPixels(`image.${i}`));
    const error = Math.max(...actual.map((value, at) => Math.abs(value - expected[at]!)));
    expect(error).toBeLessThan(1e-6);
  });

  it("of any shape need no more room than the crop", () => {
    const line = { width: 32_768, height: 1, channels: 3 as const, data: new Uint8Array(3 * 32_768).fill(9) };
    expect(processImage(readImageProcessor({}, 224), line)).toHaveLength(3 * 224 * 224);
  });
});

describe("readImageProcessor", () => {
  it("takes the encoder's size and OpenAI's numbers where nothing is said, and the older form", () => {
    expect(readImageProcessor({}, 224)).toMatchObject({ side: 224, scaledSide: 224 });
    expect(readImageProcessor({ size: 256, crop_size: 224, resample: 3 }, 224)).toEqual({
      side: 224,
      scaledSide: 256,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    });
  });

  it.each([
    [{ crop_size: 336 }, "crop_size: expected 224, the image_size of the image encoder, got 336x336"],
    [{ size: 200 }, "size: expected at least 224, the size of the crop, got 200"],
    [{ resample: 2 }, "resample: expected 3, got 2"],
    [{ do_normalize: false }, "do_normalize: expected true, got false"],
    [{ image_std: [1, 0, 1] }, "image_std[1]: expected a number from"],
  ])("refuses %j", (json, message) => {
    expect(() => readImageProcessor(json, 224)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

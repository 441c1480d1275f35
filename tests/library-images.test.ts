// Drawing from images, in parts and in variations, on a tiny model with random weights.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  compareWithReceipt,
  type ImageEvent,
  type ImageRequest,
  type InputImage,
  loadPipeline,
  type Pipeline,
  parseReceipt,
} from "../src/index.js";
import { random } from "../src/random/index.js";
import { tinyManifest, writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-pictures-"));
  pipeline = await loadPipeline({ model: await writeTinyModel(join(folder, "model")), threads: 1 });
});

afterAll(async () => {
  await pipeline?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function draw(request: Partial<ImageRequest>, from = pipeline): Promise<ImageEvent[]> {
  const events: ImageEvent[] = [];
  const asked = { prompt: "a cat", seed: 1, steps: 4, ...request };
  for await (const event of from.generate(asked)) if (event.kind === "image") events.push(event);
  return events;
}
const hashOf = async (request: Partial<ImageRequest>) => (await draw(request))[0]!.receipt.pixels;

const side = 256;
const plain = (value: number): InputImage => ({
  width: side,
  height: side,
  channels: 3,
  data: new Uint8Array(side * side * 3).fill(value),
});
const image: InputImage = {
  ...plain(0),
  name: "noise.png",
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (Math.floor(i / 3) * 7) % 256),
};
const [black, white] = [plain(0), plain(255)];

describe("drawing from a picture", () => {
  it("depends on the picture and on the strength", async () => {
    const found = await Promise.all([
      hashOf({}),
      hashOf({ init: { image } }),
      hashOf({ init: { image, strength: 0.5 } }),
      hashOf({ init: { image: black, strength: 0.5 } }),
    ]);
    expect(new Set(found).size).toBe(4);
  });

  it("takes as many steps as the strength leaves", async () => {
    const steps: number[] = [];
    for await (const event of pipeline.generate({
      prompt: "a",
      steps: 10,
      init: { image, strength: 0.35 },
    }))
      if (event.kind === "step") steps.push(event.steps);
    expect(steps).toEqual([3, 3, 3]);
  });
});

describe("a mask", () => {
  it("of white is the same as no picture at all", async () => {
    expect(await hashOf({ init: { image }, inpaint: { mask: white } })).toBe(await hashOf({}));
  });

  it("of black keeps the picture whatever the words and the sampler", async () => {
    const kept = await hashOf({ init: { image }, inpaint: { mask: black } });
    expect(await hashOf({ init: { image }, inpaint: { mask: black }, prompt: "a dog", seed: 9 })).toBe(kept);
    expect(
      await hashOf({
        init: { image, strength: 0.5 },
        inpaint: { mask: black },
        sampler: "euler-ancestral",
      }),
    ).toBe(kept);
    expect(await hashOf({ init: { image: white }, inpaint: { mask: black } })).not.toBe(kept);
  });

  it("draws anew only where it is white", async () => {
    const half = { ...black, data: black.data.map((_, i) => (Math.floor(i / 3) % side < 128 ? 0 : 255)) };
    const [[kept], [drawn]] = await Promise.all([
      draw({ init: { image }, inpaint: { mask: black } }),
      draw({ init: { image }, inpaint: { mask: half }, sampler: "heun" }),
    ]);
    const differs = (from: number, to: number) =>
      kept!.pixels.some((value, i) => {
        const x = Math.floor(i / 3) % side;
        return x >= from && x < to && value !== drawn!.pixels[i];
      });
    // A decoder looks a few latents to each side.
    expect(differs(0, 64)).toBe(false);
    expect(differs(192, 256)).toBe(true);
  });

  it("comes from growing as well", async () => {
    const narrow = { ...image, width: 128, data: image.data.slice(0, 128 * side * 3) };
    const extend = { left: 128, right: 0, top: 0, bottom: 0 };
    const [grown] = await draw({ init: { image: narrow }, inpaint: { extend } });
    expect(grown).toMatchObject({ width: side, height: side });
    expect(grown!.receipt.request).toMatchObject({
      inpaint: { extend },
      init: { strength: 1, image: { width: 128 } },
    });
  });
});

describe("variations", () => {
  it("are the seed's picture at 0 and the other seed's at 1", async () => {
    const plainHash = await hashOf({ seed: 5 });
    expect(await hashOf({ seed: 5, variation: { strength: 0, seed: 8 } })).toBe(plainHash);
    const between = await draw({ seed: 5, variation: { strength: 0.3, seed: 8 }, count: 2 });
    expect(between.map(({ receipt: { request } }) => [request.seed, request.variation?.seed])).toEqual([
      [5, 8],
      [5, 9],
    ]);
    expect(new Set([plainHash, ...between.map(({ receipt }) => receipt.pixels)]).size).toBe(3);
    const again = await hashOf({ seed: 5, variation: { strength: 0.3, seed: 9 } });
    expect(again).toBe(between[1]!.receipt.pixels);
  });
});

describe("a receipt", () => {
  it("names the pictures, and a picture is drawn again when they are given", async () => {
    const [drawn] = await draw({
      init: { image, strength: 0.5 },
      inpaint: { mask: white },
      variation: { strength: 0.5 },
      schedule: "karras",
    });
    const receipt = parseReceipt(JSON.stringify(drawn!.receipt));
    expect(receipt).toEqual(drawn!.receipt);
    expect(receipt.request.init?.image).toMatchObject({ name: "noise.png", width: side, height: side });
    const { width, height, pixels: data } = drawn!;
    const file = { width, height, channels: 3 as const, data };
    const same = await compareWithReceipt(file, receipt, pipeline, {
      images: { "init.image": image, "inpaint.mask": white },
    });
    expect(same).toMatchObject({ identical: true, edited: false, changes: [] });
    const other = await compareWithReceipt(file, receipt, pipeline, {
      images: { "init.image": white, "inpaint.mask": white },
    });
    expect(other.identical).toBe(false);
    expect(other.changes).toEqual([expect.stringMatching(/^SHA-256 of the pixels of init\.image: was /)]);
    await expect(compareWithReceipt(file, receipt, pipeline)).rejects.toThrow(
      /^init\.image: the image was drawn from noise\.png of 256x256 pixels; provide it too\.$/,
    );
  });
});

describe("a model without an encoder", () => {
  it("draws, and says that it takes no pictures", async () => {
    const model = await writeTinyModel(join(folder, "half"), 1, 1, tinyManifest, false);
    const half = await loadPipeline({ model, threads: 1 });
    try {
      await expect(draw({ init: { image } }, half)).rejects.toThrow(
        /^init: this model does not support this setting/,
      );
      expect((await draw({ seed: random(0).integer(9) }, half)).length).toBe(1);
    } finally {
      await half.dispose();
    }
  });
});

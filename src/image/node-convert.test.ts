import { describe, expect, it } from "vitest";
import { readAlphaMask } from "./node-alpha-mask.js";
import { convertImage } from "./node-convert.js";
import { decodeImage, inspectImage } from "./node-file.js";
import { encodePng } from "./png.js";

const parameters = "a cat in München, 猫 🐈\nSteps: 4, Seed: 1";
const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * 7) % 256);
const png = encodePng({ width: 16, height: 16, channels: 3, data: pixels }, { text: { parameters } });

/** Grey, so that what these formats save in colours does not show. */
const slope = Uint8Array.from(
  { length: 16 * 16 * 3 },
  (_, i) => 5 * Math.floor(i / 48) + 5 * (Math.floor(i / 3) % 16),
);
const smooth = encodePng({ width: 16, height: 16, channels: 3, data: slope }, { text: { parameters } });

describe("convertImage", () => {
  it.each([
    ["jpeg", "JPEG"],
    ["webp", "WebP"],
  ] as const)("converts to %s and keeps the settings", async (format, name) => {
    const info = await inspectImage(await convertImage(png, { format, quality: 80 }));
    expect(info).toMatchObject({ format: name, width: 16, height: 16 });
    expect(info.text.UserComment).toBe(parameters);
    const { data } = await decodeImage(await convertImage(smooth, { format }));
    const far = data.findIndex((value, i) => Math.abs(value - slope[i]!) > 8);
    expect(far).toBe(-1);
  });

  it("has smaller files at lower qualities, down to 0", async () => {
    const sizes = await Promise.all(
      [100, 50, 0].map(async (quality) => (await convertImage(png, { format: "jpeg", quality })).length),
    );
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(new Set(sizes).size).toBe(3);
  });

  it.each(["jpeg", "webp"] as const)(
    "converts to %s what has no settings, or settings of any length",
    async (format) => {
      const image = { width: 3, height: 5, channels: 3 as const, data: new Uint8Array(45) };
      for (const text of [undefined, "odd", "long ".repeat(20_000)]) {
        const file = encodePng(image, { text: text === undefined ? {} : { parameters: text } });
        const info = await inspectImage(await convertImage(file, { format }));
        expect(info).toMatchObject({ width: 3, height: 5 });
      }
    },
  );

  it("converts to PNG without loss", async () => {
    const { data } = await decodeImage(await convertImage(png, { format: "png" }));
    expect([...data]).toEqual([...pixels]);
  });
});

describe("readAlphaMask", () => {
  it("is white where the image is transparent", async () => {
    const data = Uint8Array.from({ length: 4 * 2 * 4 }, (_, i) => (i % 4 === 3 ? (i < 16 ? 0 : 255) : 90));
    const mask = await readAlphaMask(encodePng({ width: 4, height: 2, channels: 4, data }));
    expect(mask).toMatchObject({ width: 4, height: 2, share: 0.5 });
    const image = await decodeImage(mask.png);
    expect([...image.data]).toEqual([...Array(12).fill(255), ...Array(12).fill(0)]);
  });

  it("is black for an image without transparency", async () => {
    expect((await readAlphaMask(png)).share).toBe(0);
  });
});

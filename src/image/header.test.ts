import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { readImageHeader } from "./header.js";
import { readProvenance } from "./provenance.js";

const plain = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp(new Uint8Array(width * height * channels), { raw: { width, height, channels } });

const parameters = "a cat\nNegative prompt: dog\nSteps: 4, Seed: 7, Size: 8x8";

describe("readImageHeader", () => {
  it("reads what the image library reads, of every format and kind", async () => {
    const images = {
      png: plain(30, 20, 4).png(),
      palette: plain(30, 20).png({ palette: true }),
      jpeg: plain(31, 17).jpeg(),
      progressive: plain(640, 3).jpeg({ progressive: true }),
      lossy: plain(33, 9).webp(),
      lossyAlpha: sharp({ create: { width: 12, height: 8, channels: 4, background: "#f008" } }).webp(),
      lossless: plain(5, 4000).webp({ lossless: true }),
      losslessAlpha: sharp({ create: { width: 12, height: 8, channels: 4, background: "#f008" } }).webp({
        lossless: true,
      }),
    };
    for (const [name, image] of Object.entries(images)) {
      const bytes = await image.toBuffer();
      const { format, width, height, hasAlpha } = await sharp(bytes).metadata();
      const header = readImageHeader(bytes);
      expect([name, header]).toEqual([
        name,
        { format, width, height, hasAlpha: name === "png" ? true : hasAlpha, isAnimated: false, text: {} },
      ]);
    }
  });

  it("gives the size as it is shown, where a camera was turned", async () => {
    for (const format of ["jpeg", "webp"] as const) {
      const bytes = await plain(30, 20).withMetadata({ orientation: 6 })[format]().toBuffer();
      expect(readImageHeader(bytes)).toMatchObject({ width: 20, height: 30 });
    }
  });

  it("reads settings from the EXIF data of JPEG and WebP files", async () => {
    for (const format of ["jpeg", "webp"] as const) {
      const bytes = await plain(8, 8)
        .withExif({ IFD2: { UserComment: parameters } })
        [format]()
        .toBuffer();
      const { text } = readImageHeader(bytes)!;
      expect(readProvenance(text)).toMatchObject({
        prompt: "a cat",
        negativePrompt: "dog",
        fields: { Seed: "7" },
      });
    }
  });

  it("reads settings from XMP data", async () => {
    const json = JSON.stringify({ c: "a cat", uc: "", sampler: "Euler A", seed: 3, steps: 4 }).replaceAll(
      '"',
      "&quot;",
    );
    const xmp =
      `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
      `<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ` +
      `xmp:CreatorTool="Draw Things"><exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">${json}</rdf:li></rdf:Alt>` +
      "</exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta>";
    for (const format of ["png", "jpeg", "webp"] as const) {
      const bytes = await plain(8, 8).withXmp(xmp)[format]().toBuffer();
      expect(readProvenance(readImageHeader(bytes)!.text)).toMatchObject({
        program: "Draw Things",
        fields: { Seed: "3" },
      });
    }
  });

  it("says that an image has frames", async () => {
    const raw = { width: 4, height: 8, channels: 3 as const, pageHeight: 4 };
    const frames = await sharp(new Uint8Array(96).fill(255, 48), { raw }).webp({ loop: 0 }).toBuffer();
    expect(readImageHeader(frames)).toMatchObject({ width: 4, height: 4, isAnimated: true });
  });

  it("knows no other format, and refuses damaged files with a sentence", async () => {
    expect(readImageHeader(new Uint8Array(0))).toBeUndefined();
    expect(readImageHeader(new TextEncoder().encode("GIF89a"))).toBeUndefined();
    for (const format of ["png", "jpeg", "webp"] as const) {
      const whole = await plain(60, 40)
        .withExif({ IFD0: { Software: "x".repeat(300) } })
        [format]()
        .toBuffer();
      for (let length = 12; length < whole.length; length += 7) {
        try {
          readImageHeader(whole.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(NishikiError);
        }
      }
    }
  });
});

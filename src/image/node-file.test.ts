import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import type { Image } from "./image.js";
import { decodeImage, inspectImage, readImage, renderSvg, writePng } from "./node.js";
import { decodePng, encodePng } from "./png.js";
import { readChunks, writeChunks } from "./png-chunks.js";
import { readProvenance } from "./provenance.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-image-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const image: Image = {
  width: 16,
  height: 8,
  channels: 3,
  data: Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i % 3 === 0 ? 200 : i % 48)),
};
const source = () => sharp(Buffer.from(image.data), { raw: { width: 16, height: 8, channels: 3 } });

async function failure(promise: Promise<unknown>): Promise<NishikiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe("readImage", () => {
  it.each([
    ["png", 0],
    ["webp", 0],
    ["tiff", 0],
    ["jpeg", 40],
    ["avif", 40],
  ] as const)("reads %s", async (format, tolerance) => {
    const path = join(folder, `a.${format}`);
    const options =
      format === "webp" ? { lossless: true } : format === "tiff" ? { compression: "lzw" as const } : {};
    await writeFile(path, await source().toFormat(format, options).toBuffer());
    const read = await readImage(path);
    expect([read.width, read.height, read.channels]).toEqual([16, 8, 3]);
    const most = Math.max(...Array.from(read.data, (value, i) => Math.abs(value - image.data[i]!)));
    expect(most).toBeLessThanOrEqual(tolerance);
  });

  it("reads grey, palette, CMYK and 16-bit files as 8-bit RGB", async () => {
    const kinds = [
      await source().greyscale().png().toBuffer(),
      await source().png({ palette: true }).toBuffer(),
      await source().toColourspace("rgb16").png().toBuffer(),
      await source().toColourspace("cmyk").jpeg().toBuffer(),
    ];
    for (const bytes of kinds) {
      await writeFile(join(folder, "kind"), bytes);
      const read = await readImage(join(folder, "kind"));
      expect([read.channels, read.data.length]).toEqual([3, 16 * 8 * 3]);
      expect(Math.abs(read.data[0]! - (bytes === kinds[0] ? read.data[1]! : 200))).toBeLessThan(30);
    }
  });

  it("lays transparent pictures over a background, or keeps their alpha", async () => {
    const path = join(folder, "alpha.png");
    await writeFile(path, await source().ensureAlpha(0).png().toBuffer());
    expect((await readImage(path)).data.every((value) => value === 255)).toBe(true);
    const black = await readImage(path, { background: [0, 0, 0] });
    expect([black.channels, black.data.some((value) => value > 0)]).toEqual([3, false]);
    const kept = await readImage(path, { alpha: true });
    expect([kept.channels, kept.data[3]]).toEqual([4, 0]);
    await writeFile(path, await source().png().toBuffer());
    expect((await readImage(path, { alpha: true })).channels).toBe(3);
  });

  it("turns photographs upright", async () => {
    const path = join(folder, "turned.jpg");
    await writeFile(path, await source().withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const { width, height } = await readImage(path);
    expect([width, height]).toEqual([8, 16]);
  });

  it("reads 16 bits with a colour profile as without it", async () => {
    const golden = new URL("../../tests/golden/metadata/rgb16icc.png", import.meta.url);
    const bytes = await readFile(golden);
    expect(await sharp(bytes).metadata()).toMatchObject({ space: "rgb16", hasProfile: true });
    // The profile is sRGB's: what it says of the numbers is what they mean without it.
    const plain = await decodeImage(
      await sharp(bytes, { ignoreIcc: true }).toColourspace("rgb16").png().toBuffer(),
    );
    const { data } = await decodeImage(bytes);
    const most = Math.max(...Array.from(data, (value, i) => Math.abs(value - plain.data[i]!)));
    expect(most).toBeLessThanOrEqual(1);
    const withAlpha = await sharp(bytes)
      .ensureAlpha(0)
      .keepIccProfile()
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await decodeImage(withAlpha)).data.every((value) => value === 255)).toBe(true);
    expect((await decodeImage(withAlpha, { alpha: true })).channels).toBe(4);
  });

  it("refuses more pixels than memory is meant for before it decodes them", async () => {
    const [header, ...rest] = readChunks(encodePng(image));
    const sides = Uint8Array.of(0, 0, 0x40, 0, 0, 0, 0x40, 0);
    const large = writeChunks([
      { type: "IHDR", data: Uint8Array.of(...sides, ...header!.data.subarray(8)) },
      ...rest,
    ]);
    expect((await failure(decodeImage(large, {}, "a.png"))).message).toBe(
      "a.png has 16384x16384 pixels; the limit is 67 million. Make it smaller first.",
    );
    expect(await inspectImage(large)).toMatchObject({ format: "PNG", width: 16_384, height: 16_384 });
  });

  it("refuses with a sentence that names the file", async () => {
    const jpeg = await source().jpeg().toBuffer();
    const bmp = Buffer.from("BM\x36\0\0\0\0\0\0\0\x36\0\0\0", "latin1");
    const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1");
    const cases: [string, Uint8Array | string, RegExp][] = [
      ["text.png", "not a picture", /text\.png is not a known image format; PNG, JPEG, .* are read\.$/],
      ["empty.png", "", /empty\.png is empty; PNG, JPEG, WebP, GIF, TIFF or AVIF are read\.$/],
      ["cut.jpg", jpeg.subarray(0, jpeg.length - 60), /cut\.jpg is a JPEG file that cannot be decoded/],
      ["a.bmp", bmp, /a\.bmp is a BMP file; PNG, JPEG, WebP, GIF, TIFF or AVIF are read\. Save it as one/],
      [
        "a.heic",
        heic,
        /a\.heic is a HEIC file; PNG, JPEG, WebP, GIF, TIFF or AVIF are read\. Save it as one/,
      ],
      [
        "drawing.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        /drawing\.svg is an SVG file; PNG/,
      ],
    ];
    for (const [name, bytes, message] of cases) {
      await writeFile(join(folder, name), bytes);
      const error = await failure(readImage(join(folder, name)));
      expect(error.code).toBe("file");
      expect(error.message).toMatch(message);
    }
    expect((await failure(readImage(join(folder, "none.png")))).message).toMatch(/no such file/);
    expect((await failure(readImage(folder))).message).toMatch(/it is a folder/);
  });
});

describe("inspectPicture", () => {
  const look = async (name: string) =>
    inspectImage(await readFile(new URL(`../../tests/golden/metadata/${name}`, import.meta.url)), name);

  it("reads the texts of JPEG, WebP and AVIF files from their EXIF data", async () => {
    const { text } = await look("webui.jpg");
    expect(text.UserComment).toMatch(/^masterpiece, 猫耳, naïve café/);
    expect(readProvenance(text)).toMatchObject({
      program: "stable-diffusion-webui",
      fields: { Steps: "28" },
    });
    for (const format of ["webp", "avif", "jpeg"] as const) {
      const exif = { IFD0: { ImageDescription: "a cat" } };
      const bytes = await source().withExif(exif).toFormat(format).toBuffer();
      const found = await inspectImage(bytes);
      expect(found).toMatchObject({ width: 16, height: 8, frames: 1, text: { ImageDescription: "a cat" } });
    }
  });

  it("says how many frames there are", async () => {
    const pages = Buffer.concat([Buffer.from(image.data), Buffer.alloc(16 * 8 * 3)]);
    const raw = { width: 16, height: 16, channels: 3, pageHeight: 8 } as const;
    const gif = await sharp(pages, { raw }).gif().toBuffer();
    expect(await inspectImage(gif)).toMatchObject({ format: "GIF", width: 16, height: 8, frames: 2 });
    expect((await decodeImage(gif)).height).toBe(8);
  });

  it("bears a text with a wrong checksum, and says so", async () => {
    const { text, problems } = await look("badcrc.png");
    expect(text.parameters).toMatch(/^a cat/);
    expect(problems).toEqual(['The checksum of the text "parameters" is wrong: it may be damaged.']);
  });
});

describe("writePng", () => {
  it("writes the picture and its texts, and does not overwrite unless forced", async () => {
    const path = join(folder, "out.png");
    await writePng(path, image, { text: { parameters: "猫" } });
    expect(decodePng(new Uint8Array(await readFile(path)))).toEqual({
      ...image,
      text: { parameters: "猫" },
    });
    const error = await failure(writePng(path, image));
    expect(error.message).toMatch(/out\.png is already there/);
    await writePng(path, { ...image, data: new Uint8Array(16 * 8 * 3) }, { force: true });
    expect((await readImage(path)).data.every((value) => value === 0)).toBe(true);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("renderSvg", () => {
  it("draws at the drawing's own size, on white", async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><rect width="2" height="2" fill="#010203"/></svg>';
    const { width, height, channels, data } = await renderSvg(svg);
    expect([width, height, channels]).toEqual([4, 2, 3]);
    expect([...data.subarray(0, 12)]).toEqual([1, 2, 3, 1, 2, 3, 255, 255, 255, 255, 255, 255]);
  });

  it("says that it is no drawing", async () => {
    expect((await failure(renderSvg("<svg"))).message).toMatch(/Cannot render the SVG/);
  });
});

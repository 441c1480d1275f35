import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { readPicture, renderSvg, writePng } from "./node.js";
import type { Picture } from "./picture.js";
import { decodePng } from "./png.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-image-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const picture: Picture = {
  width: 16,
  height: 8,
  channels: 3,
  data: Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i % 3 === 0 ? 200 : i % 48)),
};
const source = () => sharp(Buffer.from(picture.data), { raw: { width: 16, height: 8, channels: 3 } });

async function failure(promise: Promise<unknown>): Promise<NishikiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe("readPicture", () => {
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
    const read = await readPicture(path);
    expect([read.width, read.height, read.channels]).toEqual([16, 8, 3]);
    const most = Math.max(...Array.from(read.data, (value, i) => Math.abs(value - picture.data[i]!)));
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
      const read = await readPicture(join(folder, "kind"));
      expect([read.channels, read.data.length]).toEqual([3, 16 * 8 * 3]);
      expect(Math.abs(read.data[0]! - (bytes === kinds[0] ? read.data[1]! : 200))).toBeLessThan(30);
    }
  });

  it("lays transparent pictures over a background, or keeps their alpha", async () => {
    const path = join(folder, "alpha.png");
    await writeFile(path, await source().ensureAlpha(0).png().toBuffer());
    expect((await readPicture(path)).data.every((value) => value === 255)).toBe(true);
    const black = await readPicture(path, { background: [0, 0, 0] });
    expect([black.channels, black.data.some((value) => value > 0)]).toEqual([3, false]);
    const kept = await readPicture(path, { alpha: true });
    expect([kept.channels, kept.data[3]]).toEqual([4, 0]);
    await writeFile(path, await source().png().toBuffer());
    expect((await readPicture(path, { alpha: true })).channels).toBe(3);
  });

  it("turns photographs upright", async () => {
    const path = join(folder, "turned.jpg");
    await writeFile(path, await source().withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const { width, height } = await readPicture(path);
    expect([width, height]).toEqual([8, 16]);
  });

  it("refuses with a sentence that names the file", async () => {
    const jpeg = await source().jpeg().toBuffer();
    const cases: [string, Uint8Array | string, RegExp][] = [
      ["text.png", "not a picture", /text\.png cannot be read as a picture/],
      ["empty.png", "", /empty\.png cannot be read as a picture/],
      ["cut.jpg", jpeg.subarray(0, jpeg.length - 60), /cut\.jpg cannot be read as a picture/],
      [
        "drawing.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        /drawing\.svg is a svg file; use PNG/,
      ],
    ];
    for (const [name, bytes, message] of cases) {
      await writeFile(join(folder, name), bytes);
      const error = await failure(readPicture(join(folder, name)));
      expect(error.code).toBe("file");
      expect(error.message).toMatch(message);
    }
    expect((await failure(readPicture(join(folder, "none.png")))).message).toMatch(/no such file/);
    expect((await failure(readPicture(folder))).message).toMatch(/it is a folder/);
  });
});

describe("writePng", () => {
  it("writes the picture and its texts, and does not overwrite unless forced", async () => {
    const path = join(folder, "out.png");
    await writePng(path, picture, { text: { parameters: "猫" } });
    expect(decodePng(new Uint8Array(await readFile(path)))).toEqual({
      ...picture,
      text: { parameters: "猫" },
    });
    const error = await failure(writePng(path, picture));
    expect(error.message).toMatch(/out\.png is already there/);
    await writePng(path, { ...picture, data: new Uint8Array(16 * 8 * 3) }, { force: true });
    expect((await readPicture(path)).data.every((value) => value === 0)).toBe(true);
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
    expect((await failure(renderSvg("<svg"))).message).toMatch(/cannot be made into a picture/);
  });
});

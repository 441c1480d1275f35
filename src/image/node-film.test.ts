import sharp from "sharp";
import { expect, it } from "vitest";
import { encodeFilm } from "./node.js";

const plain = (level: number, side = 16) => ({
  width: side,
  height: side,
  channels: 3 as const,
  data: new Uint8Array(side * side * 3).fill(level),
});

it("encodes images as a film that goes there and back", async () => {
  const images = [plain(0), plain(128), plain(255)];
  const bytes = await encodeFilm(images, { milliseconds: 100, endMilliseconds: 500, returns: true });
  const { pages, pageHeight, delay, loop, format } = await sharp(bytes, { pages: -1 }).metadata();
  expect({ pages, pageHeight, delay, loop, format }).toEqual({
    pages: 4,
    pageHeight: 16,
    delay: [500, 100, 500, 100],
    loop: 0,
    format: "webp",
  });
  const levels = await Promise.all(
    [0, 1, 2, 3].map(async (page) => (await sharp(bytes, { page }).raw().toBuffer())[0]!),
  );
  expect(levels.map((level) => Math.round(level / 64))).toEqual([0, 2, 4, 2]);
});

it("refuses what is no film", async () => {
  await expect(encodeFilm([])).rejects.toThrow(/at least one/);
  await expect(encodeFilm([plain(0), plain(0, 8)])).rejects.toThrow(/one size/);
});

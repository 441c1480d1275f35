import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { previewSheet } from "./index.js";

const square = (value: number): Uint8Array => new Uint8Array(20 * 20 * 3).fill(value);

describe("previewSheet", () => {
  it("lays pictures out in rows with their captions below", async () => {
    const images = [40, 120, 200].map((value) => ({ pixels: square(value), caption: `<grey> & ${value}` }));
    const { png, labelled } = await previewSheet({ images, columns: 2, side: 40 });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(2 * 48 + 8);
    const rowHeight = (info.height - 8) / 2;
    const at = (x: number, y: number): number => data[(y * info.width + x) * info.channels]!;
    expect([at(28, 28), at(76, 28), at(28, 28 + rowHeight), at(76, 28 + rowHeight)]).toEqual([
      40, 120, 200, 255,
    ]);
    if (!labelled) return;
    let ink = 0;
    for (let y = 50; y < rowHeight; y++) for (let x = 8; x < 48; x++) if (at(x, y) < 120) ink++;
    expect(ink).toBeGreaterThan(15);
  });

  it("refuses an empty list and a bad side", async () => {
    await expect(previewSheet({ images: [] })).rejects.toMatchObject({ code: "usage" });
    const images = [{ pixels: square(0), caption: "x" }];
    await expect(previewSheet({ images, side: 5 })).rejects.toMatchObject({ code: "usage" });
  });
});

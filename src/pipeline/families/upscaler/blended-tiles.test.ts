import { describe, expect, it } from "vitest";
import { evaluateInTiles, type ImageBatch, splitAxis } from "./blended-tiles.js";

const make = (rows: number, channels: number, height: number, width: number): ImageBatch => ({
  data: Float32Array.from({ length: rows * channels * height * width }, (_, i) => Math.sin(i)),
  ...{ rows, height, width },
});

describe("blended tiles", () => {
  it.each([
    [10, 16, 4],
    [16, 16, 4],
    [17, 16, 4],
    [28, 16, 4],
    [29, 16, 4],
    [200, 16, 4],
  ])("cover %i places by tiles of %i that overlap by at least %i", (length, side, overlap) => {
    const ranges = splitAxis(length, { side, overlap });
    expect([ranges[0]!.from, ranges.at(-1)!.to]).toEqual([0, length]);
    for (const [i, { from, to }] of ranges.entries()) {
      expect(to - from).toBe(Math.min(side, length));
      if (i > 0) expect(ranges[i - 1]!.to - from).toBeGreaterThanOrEqual(overlap);
    }
  });

  it("give what a network gives that sees each place alone", async () => {
    const images = make(2, 3, 23, 37);
    const double = async ({ data }: ImageBatch) => data.map((value) => 2 * value);
    const found = await evaluateInTiles(images, { side: 16, overlap: 4 }, double);
    const expected = images.data.map((value) => 2 * value);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  });

  it("pass gradually from one tile's prediction to the next", async () => {
    const images = make(1, 1, 4, 28);
    let count = 0;
    const number = async ({ data }: ImageBatch) => new Float32Array(data.length).fill(count++);
    const found = await evaluateInTiles(images, { side: 16, overlap: 4 }, number);
    const row = [...found.subarray(0, 28)];
    expect(row.slice(0, 12)).toEqual(Array(12).fill(0));
    expect(row.slice(12, 16)).toEqual([0.125, 0.375, 0.625, 0.875]);
    expect(row.slice(16)).toEqual(Array(12).fill(1));
  });

  it("leave an image of one tile whole", async () => {
    const images = make(2, 2, 8, 8);
    const found = await evaluateInTiles(images, { side: 8, overlap: 2 }, async (tile) => {
      expect(tile).toBe(images);
      return tile.data;
    });
    expect(found).toBe(images.data);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HostTensor } from "../engine/index.js";
import { copyPart, makeTensor, planSpans, planTiles, subsample } from "./tiles.js";

const counting = (shape: readonly number[]): HostTensor => {
  const tensor = makeTensor(shape);
  return { ...tensor, data: (tensor.data as Float32Array).map((_, i) => i) };
};

describe("planSpans", () => {
  it("covers the axis once, with the overlap inside of it and no part longer than a tile", () => {
    const sizes = fc.record({
      length: fc.integer({ min: 1, max: 500 }),
      kept: fc.integer({ min: 1, max: 80 }),
      overlap: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(sizes, ({ length, kept, overlap }) => {
        const tileSize = kept + 2 * overlap;
        const spans = planSpans(length, { tileSize, overlap });
        expect(spans.map(({ start }) => start)).toEqual([0, ...spans.slice(0, -1).map(({ end }) => end)]);
        expect(spans.at(-1)!.end).toBe(length);
        for (const { from, to, start, end } of spans) {
          expect(end).toBeGreaterThan(start);
          expect(to - from).toBeLessThanOrEqual(tileSize);
          expect(from).toBe(Math.max(0, start - overlap));
          expect(to).toBe(Math.min(length, end + overlap));
        }
      }),
    );
  });

  it("makes one part of what fits into a tile", () => {
    expect(planSpans(64, { tileSize: 64, overlap: 8 })).toEqual([{ from: 0, to: 64, start: 0, end: 64 }]);
  });

  it.each([
    { tileSize: 16, overlap: 8 },
    { tileSize: 16.5, overlap: 4 },
    { tileSize: 16, overlap: -1 },
  ])("refuses %j", (tiling) => {
    expect(() => planSpans(100, tiling)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: expect.stringContaining("larger than its two overlaps"),
      }),
    );
  });
});

describe("planTiles and copyPart", () => {
  it("take a picture apart and together again", () => {
    const image = counting([1, 2, 23, 17]);
    const copy = makeTensor(image.shape);
    for (const { rows, columns } of planTiles(23, 17, { tileSize: 9, overlap: 2 })) {
      const tile = makeTensor([1, 2, rows.to - rows.from, columns.to - columns.from]);
      const [height, width] = tile.shape.slice(2) as [number, number];
      copyPart(image, tile, { height, width, source: [rows.from, columns.from], target: [0, 0] });
      copyPart(tile, copy, {
        height: rows.end - rows.start,
        width: columns.end - columns.start,
        source: [rows.start - rows.from, columns.start - columns.from],
        target: [rows.start, columns.start],
      });
    }
    expect(copy).toEqual(image);
  });
});

describe("subsample", () => {
  it("takes rows and columns from everywhere", () => {
    const thin = subsample(counting([1, 2, 4, 6]), 2.5); // 4 × 6 → 2 × 3
    expect(thin).toEqual({ dtype: "f32", shape: [1, 2, 2, 3], data: expect.anything() });
    expect([...thin.data]).toEqual([7, 9, 11, 19, 21, 23, 31, 33, 35, 43, 45, 47]);
  });

  it("keeps the form of a long picture, and leaves a small one as it is", () => {
    expect(subsample(counting([1, 1, 8, 128]), 16).shape).toEqual([1, 1, 4, 64]);
    const small = counting([1, 3, 5, 7]);
    expect(subsample(small, 6)).toEqual(small);
  });
});

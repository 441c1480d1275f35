// Sizes as buttons: each is one that the model takes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitSide, getShapes, keepShape, type ModelSizes } from "./sizes.js";

const wide: ModelSizes = { usual: { width: 512, height: 512 }, range: { step: 8, least: 64, most: 2048 } };

describe("getShapes", () => {
  it("lists the sizes of a model that has only some", () => {
    const sizes = getShapes({ usual: { width: 256, height: 256 }, enlarging: { factors: [2, 4] } });
    expect(sizes.map(({ width }) => width)).toEqual([256, 512, 1024]);
  });

  it("keeps the usual area for every shape, and the model's limits", () => {
    for (const { width, height, ratio } of getShapes(wide)) {
      expect(width % 8).toBe(0);
      expect(height % 8).toBe(0);
      const [across = 1, down = 1] = ratio.split(":").map(Number);
      // Rounding to steps of 8 changes a side of at least 384 by at most 4.
      expect(Math.abs(Math.log(width / height / (across / down)))).toBeLessThan(2 * (4 / 384));
      expect(Math.abs(Math.log((width * height) / 512 ** 2))).toBeLessThan(2 * (4 / 384));
    }
  });
});

describe("fitSide and keepShape", () => {
  it("give sides that the model takes", () => {
    const anyRange = fc.record({
      step: fc.constantFrom(1, 8, 16, 64),
      least: fc.integer({ min: 1, max: 256 }),
      most: fc.integer({ min: 512, max: 4096 }),
    });
    fc.assert(
      fc.property(anyRange, fc.integer({ min: 1, max: 10_000 }), (range, pixels) => {
        const sizes = { ...wide, range };
        const { width, height } = keepShape(pixels, { width: 512, height: 768 }, "width", sizes);
        for (const side of [fitSide(pixels, sizes), width, height]) {
          expect(side % range.step).toBe(0);
          expect(side).toBeGreaterThanOrEqual(range.least);
          expect(side).toBeLessThanOrEqual(range.most);
        }
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { cropMiddle, describeSides, fitWithin, getCrop, growSides } from "./fit-image.js";

const size = (width: number, height: number) => ({ width, height });

describe("an image that is brought to a size", () => {
  it("keeps its proportions within it", () => {
    expect(fitWithin(size(256, 256), size(192, 256))).toEqual(size(192, 192));
    expect(fitWithin(size(800, 600), size(256, 192))).toEqual(size(256, 192));
    expect(fitWithin(size(1000, 667), size(1000, 664))).toEqual(size(1000, 664));
  });

  it("or is cropped to its middle", () => {
    expect(getCrop(size(512, 256), size(256, 256))).toEqual(size(256, 256));
    expect(getCrop(size(300, 900), size(64, 64))).toEqual(size(300, 300));
    expect(getCrop(size(1000, 667), size(1000, 664))).toEqual(size(1000, 667));
    const data = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => Math.floor(i / 3));
    const middle = cropMiddle({ width: 4, height: 2, channels: 3, data }, size(2, 2));
    expect([...middle.data].filter((_, i) => i % 3 === 0)).toEqual([1, 2, 5, 6]);
  });

  it("grows by what its proportions leave over", () => {
    const none = { left: 0, right: 0, top: 0, bottom: 0 };
    expect(growSides({ ...none, left: 64 }, size(0, 65))).toEqual({
      left: 64,
      right: 0,
      top: 32,
      bottom: 33,
    });
    expect(growSides({ ...none, left: 64 }, size(10, 0))).toEqual({ ...none, left: 74 });
    expect(growSides({ ...none, left: 8, right: 8 }, size(10, 0))).toEqual({ ...none, left: 13, right: 13 });
    expect(describeSides({ ...none, left: 64, top: 3 })).toBe("left=64, top=3");
  });
});

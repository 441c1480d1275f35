import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getEdgeWidth, makeSoftEdge, pasteBack, resizeMask } from "./mask.js";

describe("a mask's cells", () => {
  it("are white where any of their pixels is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 47 }), fc.integer({ min: 0, max: 31 }), (x, y) => {
        const mask = new Uint8Array(48 * 32);
        mask[y * 48 + x] = 1;
        const cells = resizeMask(mask, { width: 48, height: 32 }, { width: 6, height: 4 });
        expect(cells.reduce((sum, value) => sum + value, 0)).toBe(1);
        expect(cells[Math.floor(y / 8) * 6 + Math.floor(x / 8)]).toBe(1);
      }),
    );
  });

  it("touch no pixel too few where sizes do not divide", () => {
    const mask = new Uint8Array(10 * 10).fill(1);
    expect([...resizeMask(mask, { width: 10, height: 10 }, { width: 3, height: 3 })]).toEqual(
      new Array(9).fill(1),
    );
  });

  it("are their upper left pixels' for images that are to be diffusers'", () => {
    const mask = new Uint8Array(16 * 8);
    mask[0] = 1;
    mask[9] = 1;
    const size = { width: 16, height: 8 };
    expect([...resizeMask(mask, size, { width: 2, height: 1 }, "corner")]).toEqual([1, 0]);
    expect([...resizeMask(mask, size, { width: 2, height: 1 })]).toEqual([1, 1]);
  });
});

describe("pasting back", () => {
  const size = { width: 400, height: 300 };
  const isInside = (x: number, y: number) => x >= 100 && x < 200 && y >= 0 && y < 150;
  const mask = Uint8Array.from({ length: 400 * 300 }, (_, i) =>
    isInside(i % 400, Math.floor(i / 400)) ? 1 : 0,
  );
  const plain = (value: number) => ({
    ...size,
    channels: 3 as const,
    data: new Uint8Array(400 * 300 * 3).fill(value),
  });

  it("leaves every black pixel as it was, and rises within the mask's edge", () => {
    const edge = getEdgeWidth(size);
    expect(edge).toBe(3);
    const { data } = pasteBack(plain(200), plain(40), mask);
    const row = (y: number) => Array.from({ length: 400 }, (_, x) => data[(y * 400 + x) * 3]!);
    expect(row(60).slice(98, 106)).toEqual([40, 40, 80, 120, 160, 200, 200, 200]);
    expect(row(60).slice(195, 202)).toEqual([200, 200, 160, 120, 80, 40, 40]);
    expect(mask.every((value, i) => value === 1 || data[i * 3] === 40)).toBe(true);
  });

  it("has an edge of the width that is asked for, or none", () => {
    const row = (edgeWidth: number) => {
      const { data } = pasteBack(plain(200), plain(40), mask, edgeWidth);
      return Array.from({ length: 10 }, (_, x) => data[(60 * 400 + 99 + x) * 3]!);
    };
    expect(row(7)).toEqual([40, 60, 80, 100, 120, 140, 160, 180, 200, 200]);
    expect(row(0)).toEqual([40, ...Array(9).fill(200)]);
    expect(makeSoftEdge(new Uint8Array(9).fill(1), { width: 3, height: 3 }, 250)[4]).toBe(1);
  });

  it("has no edge at the image's own border", () => {
    const shares = makeSoftEdge(mask, size);
    expect(shares[0 * 400 + 150]).toBe(1);
    expect(shares[149 * 400 + 150]).toBe(1 / 4);
    expect(
      makeSoftEdge(new Uint8Array(12).fill(1), { width: 4, height: 3 }).every((share) => share === 1),
    ).toBe(true);
  });
});

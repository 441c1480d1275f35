import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { joinGrid, resize } from "./grid.js";
import { type Image, toRgb } from "./image.js";

function plain(width: number, height: number, colour: readonly number[]): Image {
  const channels = colour.length === 4 ? 4 : 3;
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => colour[i % channels]!);
  return { width, height, channels, data };
}

function pixel({ width, channels, data }: Image, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels)];
}

function row(...values: number[]): Image {
  return {
    width: values.length,
    height: 1,
    channels: 3,
    data: Uint8Array.from(values.flatMap((v) => [v, v, v])),
  };
}

const firsts = ({ data, channels }: Image) => [...data].filter((_, i) => i % channels === 0);

describe("joinGrid", () => {
  it("lays pictures row by row, with space between and around", () => {
    const [red, green, blue] = [plain(4, 4, [255, 0, 0]), plain(2, 4, [0, 255, 0]), plain(4, 2, [0, 0, 255])];
    const sheet = joinGrid([red, green, blue], { columns: 2, spacing: 3, background: [9, 8, 7] });
    expect([sheet.width, sheet.height, sheet.channels]).toEqual([3 * 3 + 2 * 4, 3 * 3 + 2 * 4, 3]);
    expect(pixel(sheet, 2, 2)).toEqual([9, 8, 7]);
    expect([pixel(sheet, 3, 3), pixel(sheet, 6, 6)]).toEqual([
      [255, 0, 0],
      [255, 0, 0],
    ]);
    // The narrow one stands in the middle of its cell, which begins at x = 10; the low one in the cell at y = 10.
    expect([10, 11, 12, 13].map((x) => pixel(sheet, x, 4)[1])).toEqual([8, 255, 255, 8]);
    expect([10, 11, 12, 13].map((y) => pixel(sheet, 4, y)[2])).toEqual([7, 255, 255, 7]);
    expect(pixel(sheet, 12, 12)).toEqual([9, 8, 7]);
  });

  it("is as square as it can be, and lays transparent pictures over the background", () => {
    const sheet = joinGrid(Array(5).fill(plain(1, 1, [200, 100, 0, 128])), {
      spacing: 0,
      background: [0, 0, 0],
    });
    expect([sheet.width, sheet.height]).toEqual([3, 2]);
    expect(pixel(sheet, 0, 0)).toEqual([100, 50, 0]);
  });

  it("refuses no pictures and impossible options", () => {
    expect(() => joinGrid([])).toThrow(NishikiError);
    expect(() => joinGrid([row(1)], { columns: 0 })).toThrow(/1 or more columns/);
    expect(() => joinGrid([row(1)], { spacing: 0.5 })).toThrow(NishikiError);
  });
});

describe("resize", () => {
  it("takes means of areas where it shrinks", () => {
    expect(firsts(resize(row(0, 100, 200, 100), 2, 1))).toEqual([50, 150]);
    // Three to two: each new pixel is one and a half old ones.
    expect(firsts(resize(row(0, 90, 240), 2, 1))).toEqual([30, 190]);
    expect(firsts(resize(row(10, 20, 60), 1, 1))).toEqual([30]);
  });

  it("is linear between centres where it grows, and flat at the edges", () => {
    expect(firsts(resize(row(0, 100), 4, 1))).toEqual([0, 25, 75, 100]);
  });

  it("keeps a picture of the same size, and plain ones plain at any size", () => {
    const same = row(1, 2, 250);
    expect(resize(same, 3, 1).data).toEqual(same.data);
    for (const [w, h] of [
      [1, 1],
      [7, 3],
      [64, 5],
      [13, 40],
    ] as const) {
      const out = resize(plain(13, 9, [10, 200, 255]), w, h);
      expect([out.width, out.height]).toEqual([w, h]);
      expect(out.data).toEqual(plain(w, h, [10, 200, 255]).data);
    }
  });

  it("shrinks both ways alike: the transposed picture gives the transposed result", () => {
    const image = {
      width: 5,
      height: 7,
      channels: 3 as const,
      data: Uint8Array.from({ length: 105 }, (_, i) => (i * 37) & 255),
    };
    const transpose = (p: Image): Image => ({
      width: p.height,
      height: p.width,
      channels: 3,
      data: Uint8Array.from(
        Array.from({ length: p.height * p.width }, (_, i) =>
          pixel(p, Math.floor(i / p.height), i % p.height),
        ).flat(),
      ),
    });
    const [a, b] = [resize(image, 3, 4), transpose(resize(transpose(image), 4, 3))];
    expect(a.data.every((value, i) => Math.abs(value - b.data[i]!) <= 1)).toBe(true);
  });

  it("does not let transparent pixels bleed", () => {
    const image: Image = {
      width: 2,
      height: 1,
      channels: 4,
      data: Uint8Array.of(200, 0, 0, 255, 0, 255, 0, 0),
    };
    expect([...resize(image, 1, 1).data]).toEqual([200, 0, 0, 128]);
  });

  it("refuses sizes that are none", () => {
    for (const size of [0, -1, 1.5, Number.NaN, 1e9])
      expect(() => resize(row(1), size, 1)).toThrow(NishikiError);
  });
});

describe("toRgb", () => {
  it("lays over a background, and returns RGB as it is", () => {
    const rgb = row(1, 2);
    expect(toRgb(rgb)).toBe(rgb);
    expect([...toRgb(plain(1, 1, [0, 100, 255, 51]), [255, 0, 0]).data]).toEqual([204, 20, 51]);
  });
});

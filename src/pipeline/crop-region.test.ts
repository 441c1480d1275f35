import { describe, expect, it } from "vitest";
import { cropMask, cropTo, getCropRegion, placeRegion } from "./crop-region.js";
import { fillHole } from "./fill-hole.js";
import type { Pixels } from "./pixels.js";

const image = { width: 100, height: 60 };

function makeMask(left: number, top: number, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(image.width * image.height);
  for (let y = top; y < top + height; y++) mask.fill(1, y * 100 + left, y * 100 + left + width);
  return mask;
}

const square = { width: 64, height: 64 };

describe("the region of a mask", () => {
  it.each([
    [
      "grows to the aspect ratio of the size",
      [40, 20, 10, 6],
      0,
      { left: 40, top: 18, width: 10, height: 10 },
    ],
    ["keeps padding on each side", [40, 20, 10, 10], 5, { left: 35, top: 15, width: 20, height: 20 }],
    ["moves to stay inside the image", [0, 0, 4, 20], 0, { left: 0, top: 0, width: 20, height: 20 }],
    ["is cut where the image ends", [0, 0, 100, 10], 0, { left: 0, top: 0, width: 100, height: 60 }],
    ["is all of the image for an empty mask", [0, 0, 0, 0], 9, { left: 0, top: 0, ...image }],
  ] as const)("%s", (_, [x, y, width, height], padding, region) => {
    expect(getCropRegion(makeMask(x, y, width, height), image, padding, square)).toEqual(region);
  });

  it("contains the mask for any box and padding", () => {
    for (let i = 0; i < 200; i++) {
      const [x, y] = [(i * 37) % 90, (i * 17) % 50];
      const [width, height, padding] = [1 + (i % 10), 1 + ((i * 3) % 10), i % 70];
      const region = getCropRegion(makeMask(x, y, width, height), image, padding, { width: 64, height: 96 });
      expect(region.left).toBeGreaterThanOrEqual(0);
      expect(region.top).toBeGreaterThanOrEqual(0);
      expect(region.left + region.width).toBeLessThanOrEqual(100);
      expect(region.top + region.height).toBeLessThanOrEqual(60);
      expect(region.left).toBeLessThanOrEqual(x);
      expect(region.top).toBeLessThanOrEqual(y);
      expect(region.left + region.width).toBeGreaterThanOrEqual(x + width);
      expect(region.top + region.height).toBeGreaterThanOrEqual(y + height);
    }
  });
});

describe("cropping and placing", () => {
  const pixels: Pixels = {
    ...image,
    channels: 3,
    data: Uint8Array.from({ length: 100 * 60 * 3 }, (_, i) => (i * 7) % 256),
  };
  const region = { left: 20, top: 10, width: 32, height: 16 };

  it("gives the image back if nothing is drawn and nothing is scaled", () => {
    expect(placeRegion(pixels, cropTo(pixels, region, region), region)).toEqual(pixels);
  });

  it("changes the region only, and loses no stroke of the mask", () => {
    const white = {
      width: 64,
      height: 32,
      channels: 3 as const,
      data: new Uint8Array(64 * 32 * 3).fill(255),
    };
    const placed = placeRegion(pixels, white, region);
    const changed = placed.data.findIndex((value, i) => value !== pixels.data[i]);
    expect(Math.floor(changed / 3)).toBe(10 * 100 + 20);
    expect(
      placed.data.subarray((10 * 100 + 20) * 3, (10 * 100 + 52) * 3).every((value) => value === 255),
    ).toBe(true);
    expect(placed.data.subarray((26 * 100 + 20) * 3)).toEqual(pixels.data.subarray((26 * 100 + 20) * 3));
    const cells = cropMask(makeMask(25, 12, 1, 1), image, region, { width: 8, height: 4 });
    expect([...cells].map((value, i) => value && i).filter(Boolean)).toEqual([1]);
  });
});

describe("filling a hole", () => {
  const plain = (colour: number): Pixels => ({
    ...image,
    channels: 3,
    data: new Uint8Array(100 * 60 * 3).fill(colour),
  });

  it("continues the colours around it, and keeps every other pixel", () => {
    const mask = makeMask(30, 10, 40, 40);
    const half = plain(20);
    for (let y = 0; y < 60; y++) half.data.fill(220, (y * 100 + 50) * 3, (y + 1) * 300);
    const { data } = fillHole(
      { ...half, data: half.data.map((value, i) => (mask[Math.floor(i / 3)] ? 7 : value)) },
      mask,
    );
    const at = (x: number, y: number) => data[(y * 100 + x) * 3]!;
    expect(at(32, 30)).toBeLessThan(60);
    expect(at(67, 30)).toBeGreaterThan(180);
    expect(Math.abs(at(50, 30) - 120)).toBeLessThan(40);
    expect([at(0, 0), at(99, 59)]).toEqual([20, 220]);
  });

  it("is plain in a plain image, and grey with nothing around it", () => {
    expect(fillHole(plain(90), makeMask(5, 5, 33, 21))).toEqual(plain(90));
    expect(new Set(fillHole(plain(90), makeMask(0, 0, 100, 60)).data)).toEqual(new Set([128]));
  });
});

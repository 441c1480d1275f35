import { describe, expect, it } from "vitest";
import { findMaskMeaning, flattenMask, scaleMask, type TransparentPixels } from "./mask-meaning.js";

const [width, height] = [32, 24];
type Rgba = readonly [number, number, number, number];

/** A layer that is `ground`, with a box of `inside`. */
function makeLayer(
  ground: (x: number, y: number) => Rgba,
  inside: (x: number, y: number) => Rgba,
): TransparentPixels {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isBox = x >= 10 && x < 20 && y >= 8 && y < 16;
      data.set((isBox ? inside : ground)(x, y), (y * width + x) * 4);
    }
  }
  return { width, height, data };
}

const plain =
  (...colour: Rgba) =>
  () =>
    colour;
const photo = (x: number, y: number): Rgba => [x * 8, y * 10, 128, 255];
const image = {
  width,
  height,
  channels: 3 as const,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return photo(pixel % width, Math.floor(pixel / width))[i % 3]!;
  }),
};
const empty = plain(0, 0, 0, 0);

describe("a mask with transparent pixels", () => {
  it.each<[string, TransparentPixels]>([
    ["white strokes on a transparent layer", makeLayer(empty, plain(255, 255, 255, 255))],
    ["black strokes on a transparent layer", makeLayer(empty, plain(0, 0, 0, 255))],
    ["coloured strokes on a transparent layer", makeLayer(empty, plain(220, 30, 40, 255))],
    [
      "coloured strokes whose ground is transparent white",
      makeLayer(plain(255, 255, 255, 0), plain(0, 90, 255, 200)),
    ],
    ["the image with a hole", makeLayer(photo, (x, y) => [...photo(x, y).slice(0, 3), 0] as unknown as Rgba)],
    ["a black layer with a hole", makeLayer(plain(0, 0, 0, 255), empty)],
    ["a white layer with a hole", makeLayer(plain(255, 255, 255, 255), empty)],
    ["white on black that is opaque", makeLayer(plain(0, 0, 0, 255), plain(255, 255, 255, 255))],
    [
      "white on black with a transparent margin",
      makeLayer(
        (x, y) => (x < 2 || y < 2 || x >= width - 2 || y >= height - 2 ? [0, 0, 0, 0] : [0, 0, 0, 255]),
        plain(255, 255, 255, 255),
      ),
    ],
  ])("%s redraws the box", (_, mask) => {
    const { data } = flattenMask(mask, findMaskMeaning(mask, image));
    const white = Array.from({ length: width * height }, (_, pixel) => data[pixel * 3] === 255);
    const box = white.map((_, pixel) => {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      return x >= 10 && x < 20 && y >= 8 && y < 16;
    });
    expect(white).toEqual(box);
  });

  it("is not taken for a copy of a white image because its strokes are white", () => {
    const mask = makeLayer(empty, plain(255, 255, 255, 255));
    const white = { ...image, data: new Uint8Array(image.data.length).fill(255) };
    expect(findMaskMeaning(mask, white)).toBe("opaque");
  });
});

it("loses no stroke when it is scaled down", () => {
  const data = new Uint8Array(64 * 64 * 3);
  data.fill(255, (10 * 64 + 20) * 3, (10 * 64 + 21) * 3);
  const small = scaleMask({ width: 64, height: 64, channels: 3, data }, { width: 16, height: 8 });
  const white = [...small.data].flatMap((value, i) => (value === 255 && i % 3 === 0 ? [i / 3] : []));
  expect(white).toEqual([1 * 16 + 5]);
});

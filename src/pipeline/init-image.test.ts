import { describe, expect, it } from "vitest";
import { completeRequest } from "./complete-request.js";
import { makeInitImage } from "./init-image.js";
import { optionalSettings, type PictureRequest } from "./request.js";

const context = {
  defaults: { steps: 4, guidance: 3, sampler: "euler" },
  sizes: { usual: [8, 8] as const, range: { step: 1, least: 1, most: 64 } },
  takes: optionalSettings,
};
/** Grey values as a picture. */
const picture = (width: number, ...values: number[]) => ({
  width,
  height: values.length / width,
  channels: 3 as const,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const initImage = (more: Partial<PictureRequest>) =>
  makeInitImage(completeRequest({ prompt: "a cat", seed: 0, ...more }, context));
const greys = (data: Uint8Array) => [...data].filter((_, i) => i % 3 === 0);

describe("an init image", () => {
  it("is nothing without a picture, and the picture itself where nothing else is asked", () => {
    expect(initImage({})).toBeUndefined();
    const image = picture(2, 1, 2, 3, 4);
    expect(initImage({ image })).toEqual({ pixels: image });
  });

  it("takes light pixels of a mask for what is drawn anew", () => {
    const found = initImage({ image: picture(2, 1, 2, 3, 4), mask: picture(2, 0, 127, 128, 255) });
    expect([...found!.mask!]).toEqual([0, 0, 1, 1]);
    expect(greys(found!.pixels.data)).toEqual([1, 2, 3, 4]);
  });

  it("weighs colours as the eye does", () => {
    const colours = { ...picture(3, 0, 0, 0), data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255) };
    expect([...initImage({ image: picture(3, 1, 2, 3), mask: colours })!.mask!]).toEqual([0, 1, 0]);
  });

  it("grows by the pixels of its edges, which are drawn anew", () => {
    const found = initImage({
      image: picture(2, 1, 2, 3, 4),
      extend: { left: 2, right: 0, top: 1, bottom: 0 },
    });
    expect(found!.pixels).toMatchObject({ width: 4, height: 3 });
    expect(greys(found!.pixels.data)).toEqual([1, 1, 1, 2, 1, 1, 1, 2, 3, 3, 3, 4]);
    expect([...found!.mask!]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
  });
});

describe("pictures in a request", () => {
  const image = picture(2, 1, 2, 3, 4);
  const refusal = (more: object) => () => initImage(more as Partial<PictureRequest>);
  it("give the size and the strength that are left open", () => {
    const settings = completeRequest({ prompt: "a", image, extend: { left: 3 } as never }, context);
    expect(settings).toMatchObject({ size: "5x2", strength: 1 });
    expect(completeRequest({ prompt: "a", image }, context)).toMatchObject({ size: "2x2", strength: 0.8 });
  });

  it.each<[object, RegExp]>([
    [{ mask: image }, /^mask: expected an image to go with it, got none\.$/],
    [{ strength: 0.5 }, /^strength: expected an image to go with it/],
    [{ extend: "left=8" }, /^extend: expected an image to go with it/],
    [{ image, mask: picture(1, 0, 0) }, /^mask: expected 2x2 pixels, the size of the image, got 1x2\.$/],
    [{ image, size: "4x2" }, /^image: expected a picture of 4x2 pixels, got 2x2\.$/],
    [
      { image, extend: "left=2", size: "8x2" },
      /^image: expected a picture of 6x2 pixels, which is 8x2 without what it grows by, got 2x2\.$/,
    ],
    [{ image, strength: 2 }, /^strength: expected a number from 0 to 1, got 2\.$/],
    [{ image, strength: 0.1 }, /^strength: 0\.1 of 4 steps is not one; expected at least 0\.25\.$/],
    [{ image, extend: "up=2" }, /^extend: expected pixels for some of left, right, top and bottom/],
    [{ image, extend: "left=0" }, /^extend: expected pixels/],
    [{ image: { ...image, data: [] } }, /^image: expected a picture: \{ width, height, channels: 3, data \}/],
    [{ image: { ...image, width: 7 } }, /^image: expected 42 bytes for 7x2 pixels, got 12\.$/],
    [{ image: "cat.png" }, /^image: expected a picture/],
    [{ variationSeed: 1 }, /^variationSeed: expected a variationStrength to go with it, got none\.$/],
    [
      { size: "100x8" },
      /^size: this model draws sides of 1 to 64 pixels that are multiples of 1, got 100x8\.$/,
    ],
  ])("are refused in one sentence: %#", (more, message) => {
    expect(refusal(more)).toThrow(message);
  });

  it("are refused by a model that takes none", () => {
    const plain = { ...context, takes: ["rng"] as const };
    expect(() => completeRequest({ prompt: "a", image }, plain)).toThrow(
      /^image: this model does not take that setting; of the optional ones it takes only rng\.$/,
    );
    expect(completeRequest({ prompt: "a", tile: false }, plain)).toMatchObject({ tile: false });
  });
});

import { describe, expect, it } from "vitest";
import { completeRequest } from "./complete-request.js";
import { type ImageRequest, optionalSettings } from "./image-request.js";
import { makeInitImage } from "./init-image.js";

const context = {
  defaults: { steps: 4, guidance: 3, sampler: "euler" },
  sizes: { usual: { width: 8, height: 8 }, range: { step: 1, least: 1, most: 64 } },
  takes: optionalSettings,
};
/** Grey values as an image. */
const makeImage = (width: number, ...values: number[]) => ({
  width,
  height: values.length / width,
  channels: 3 as const,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const initImage = (more: Partial<ImageRequest>) =>
  makeInitImage(completeRequest({ prompt: "a cat", seed: 0, ...more }, context));
const greys = (data: Uint8Array) => [...data].filter((_, i) => i % 3 === 0);

describe("an init image", () => {
  it("is nothing without a picture, and the picture itself where nothing else is asked", () => {
    expect(initImage({})).toBeUndefined();
    const image = makeImage(2, 1, 2, 3, 4);
    expect(initImage({ init: { image } })).toEqual({ pixels: image });
  });

  it("takes light pixels of a mask for what is drawn anew", () => {
    const found = initImage({
      init: { image: makeImage(2, 1, 2, 3, 4) },
      inpaint: { mask: makeImage(2, 0, 127, 128, 255) },
    });
    expect([...found!.mask!]).toEqual([0, 0, 1, 1]);
    expect(greys(found!.pixels.data)).toEqual([1, 2, 3, 4]);
  });

  it("weighs colours as the eye does", () => {
    const colours = { ...makeImage(3, 0, 0, 0), data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255) };
    expect([
      ...initImage({ init: { image: makeImage(3, 1, 2, 3) }, inpaint: { mask: colours } })!.mask!,
    ]).toEqual([0, 1, 0]);
  });

  it("grows by the pixels of its edges, which are drawn anew", () => {
    const found = initImage({
      init: { image: makeImage(2, 1, 2, 3, 4) },
      inpaint: { extend: { left: 2, top: 1 } },
    });
    expect(found!.pixels).toMatchObject({ width: 4, height: 3 });
    expect(greys(found!.pixels.data)).toEqual([1, 1, 1, 2, 1, 1, 1, 2, 3, 3, 3, 4]);
    expect([...found!.mask!]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
  });
});

describe("pictures in a request", () => {
  const image = makeImage(2, 1, 2, 3, 4);
  const refusal = (more: object) => () => initImage(more as Partial<ImageRequest>);
  it("give the size and the strength that are left open", () => {
    const settings = completeRequest(
      { prompt: "a", init: { image }, inpaint: { extend: { left: 3 } } },
      context,
    );
    expect(settings).toMatchObject({ size: { width: 5, height: 2 }, init: { strength: 1 } });
    expect(completeRequest({ prompt: "a", init: { image } }, context)).toMatchObject({
      size: { width: 2, height: 2 },
      init: { strength: 0.8 },
    });
  });

  it.each<[object, RegExp]>([
    [{ inpaint: { mask: image } }, /^inpaint: requires an init\.image, got none\.$/],
    [{ init: { strength: 0.5 } }, /^init\.image: expected an image/],
    [{ inpaint: { extend: "left=8" } }, /^inpaint: requires an init\.image/],
    [
      { init: { image }, inpaint: { mask: makeImage(1, 0, 0) } },
      /^inpaint\.mask: expected 2x2 pixels, the size of init\.image, got 1x2\.$/,
    ],
    [{ init: { image }, size: "4x2" }, /^init\.image: expected an image of 4x2 pixels, got 2x2\.$/],
    [
      { init: { image }, inpaint: { extend: "left=2" }, size: "8x2" },
      /^init\.image: expected an image of 6x2 pixels, which is 8x2 without inpaint\.extend, got 2x2\.$/,
    ],
    [{ init: { image, strength: 2 } }, /^init\.strength: expected a number from 0 to 1, got 2\.$/],
    [
      { init: { image, strength: 0.1 } },
      /^init\.strength: expected at least 0\.25, which is one step of 4, got 0\.1\.$/,
    ],
    [
      { init: { image }, inpaint: { extend: "up=2" } },
      /^inpaint\.extend: expected pixels for some of left, right, top and bottom/,
    ],
    [{ init: { image }, inpaint: { extend: "left=0" } }, /^inpaint\.extend: expected pixels/],
    [
      { init: { image: { ...image, data: [] } } },
      /^init\.image: expected an image: \{ width, height, channels: 3, data \}/,
    ],
    [
      { init: { image: { ...image, width: 7 } } },
      /^init\.image: expected 42 bytes for 7x2 pixels, got 12\.$/,
    ],
    [{ init: { image: "cat.png" } }, /^init\.image: expected an image/],
    [{ variation: { seed: 1 } }, /^variation\.strength: expected a number from 0 to 1, got nothing\.$/],
    [
      { size: "100x8" },
      /^size: this model draws sides of 1 to 64 pixels that are multiples of 1, got 100x8\.$/,
    ],
  ])("are refused in one sentence: %#", (more, message) => {
    expect(refusal(more)).toThrow(message);
  });

  it("are refused by a model that takes none", () => {
    const plain = { ...context, takes: ["rng"] as const };
    expect(() => completeRequest({ prompt: "a", init: { image } }, plain)).toThrow(
      /^init: this model does not support this setting; of the optional settings it supports only rng\.$/,
    );
    expect(completeRequest({ prompt: "a", seamless: false }, plain)).not.toHaveProperty("seamless");
  });
});

import { describe, expect, it } from "vitest";
import { completeRequest } from "./complete-request.js";
import {
  type ActionRequest,
  type DrawnPicture,
  makeBlend,
  makePan,
  makeRemix,
  makeSquare,
  makeUpscale,
  makeVariation,
  makeZoom,
} from "./image-actions.js";
import type { ImageRequest, OptionalSetting } from "./image-request.js";
import type { InputImage } from "./pixels.js";
import type { RequestContext } from "./request-context.js";

const takes: OptionalSetting[] = ["variation", "init", "inpaint", "hires", "fast", "upscale", "imagePrompt"];
const defaults = { steps: 20, guidance: 7, sampler: "euler" };
const range: RequestContext = {
  defaults,
  sizes: { usual: { width: 512, height: 512 }, range: { step: 8, least: 64, most: 2048 } },
  takes,
};
const square: RequestContext = {
  defaults,
  sizes: { usual: { width: 256, height: 256 }, enlarging: { factors: [2, 4], ways: ["super-resolution"] } },
  takes,
};

const pixels = (width: number, height: number): InputImage => ({
  width,
  height,
  channels: 3,
  data: new Uint8Array(width * height * 3),
});

function makePicture(width: number, height: number, more: object = {}): DrawnPicture<string> {
  const request = { prompt: "a fox", negativePrompt: "fog", seed: 7, count: 1, steps: 20, ...more };
  return { image: "fox.png", width, height, request: request as ActionRequest };
}
const wide = makePicture(768, 512, { size: { width: 768, height: 512 } });
const small = makePicture(256, 256, { size: { width: 256, height: 256 } });

/** The request as it is drawn, with the picture fitted as files are. */
function complete(request: ActionRequest, context: RequestContext) {
  const { size, inpaint } = request as ImageRequest & { size: { width: number; height: number } };
  const { left = 0, right = 0, top = 0, bottom = 0 } = (inpaint?.extend ?? {}) as Record<string, number>;
  const drawn = context.sizes.range ? size : context.sizes.usual;
  const init = request.init !== undefined && {
    ...(request.init as Record<string, unknown>),
    image: pixels(drawn.width - left - right, drawn.height - top - bottom),
  };
  return completeRequest({ ...request, ...(init && { init }) } as ImageRequest, context);
}

describe("vary", () => {
  it("mixes another noise into that of the picture, four times", () => {
    expect(makeVariation(wide, "subtle", range)).toMatchObject({
      prompt: "a fox",
      seed: 7,
      count: 4,
      variation: { strength: 0.15 },
    });
    expect(makeVariation(wide, "strong", range, { count: 2, seed: 3 })).toMatchObject({
      count: 2,
      variation: { strength: 0.45, seed: 3 },
    });
  });

  it("starts from a picture that is a variation, or gets another prompt", () => {
    const varied = { ...wide, request: { ...wide.request, variation: { seed: 1, strength: 0.2 } } };
    for (const request of [
      makeVariation(varied, "strong", range),
      makeVariation(wide, "strong", range, { prompt: "a wolf" }),
    ]) {
      expect(request).toMatchObject({ init: { image: wide.image, strength: 0.7 }, size: { width: 768 } });
      expect(request).not.toHaveProperty("variation");
      expect(request).not.toHaveProperty("seed");
      complete(request, range);
    }
  });

  it("draws a region anew", () => {
    const mask = "mask.png";
    const request = makeVariation(wide, "subtle", range, { mask });
    expect(request).toMatchObject({ inpaint: { mask }, init: { image: wide.image } });
    expect(request.init).not.toHaveProperty("strength");
  });
});

describe("zoom, pan and square", () => {
  it("keep the size of the picture, with more around it", () => {
    const request = makeZoom(wide, 2, range);
    expect(request).toMatchObject({
      size: { width: 768, height: 512 },
      inpaint: { extend: { left: 192, right: 192, top: 128, bottom: 128 } },
    });
    complete(request, range);
    complete(makeZoom(small, 1.5, square), square);
    for (const factor of [1, 0, 5, Number.NaN]) expect(() => makeZoom(wide, factor, range)).toThrow(/factor/);
  });

  it("grow a picture on one side", () => {
    const right = makePan(wide, "right", 0.5, range);
    expect(right).toMatchObject({ size: { width: 1152, height: 512 }, inpaint: { extend: { right: 384 } } });
    complete(right, range);
    expect(makePan(wide, "up", 0.25, range)).toMatchObject({
      size: { height: 640 },
      inpaint: { extend: { top: 128 } },
    });
    expect(makePan(small, "left", 0.5, square)).toMatchObject({
      inpaint: { extend: { left: 85, right: 0 } },
    });
    expect(() => makePan(makePicture(2048, 512), "left", 0.5, range)).toThrow(/as large as/);
    expect(() => makePan(wide, "left", 2, range)).toThrow(/share/);
  });

  it("make a picture square", () => {
    const request = makeSquare(wide, range);
    expect(request).toMatchObject({
      size: { width: 768, height: 768 },
      inpaint: { extend: { top: 128, bottom: 128 } },
    });
    complete(request, range);
    expect(() => makeSquare(small, square)).toThrow(/square already/);
  });
});

describe("upscale, remix and blend", () => {
  it("draws one step at least of pictures that took few", () => {
    for (const steps of [1, 3, 49]) {
      const request = makeUpscale(makePicture(512, 512, { steps }), "subtle", 2, range);
      const { strength } = request.init as { strength: number };
      expect(Math.trunc(steps * strength)).toBeGreaterThanOrEqual(1);
      expect(strength).toBeLessThanOrEqual(1);
    }
  });

  it("let a model enlarge its own picture, or draw a larger one from it", () => {
    const own = makeUpscale(small, "subtle", 2, square);
    expect(own).toMatchObject({ seed: 7, size: { width: 512, height: 512 } });
    expect(own).not.toHaveProperty("init");
    complete(own, square);
    const creative = makeUpscale(small, "creative", 2, square);
    expect(creative).toMatchObject({ init: { strength: 0.45 }, size: { width: 512 } });
    complete(creative, square);
    const larger = makeUpscale(wide, "subtle", 2, range);
    expect(larger).toMatchObject({ init: { strength: 0.2 }, size: { width: 1536, height: 1024 } });
    complete(larger, range);
    expect(() => makeUpscale(small, "subtle", 3, square)).toThrow(/3 times/);
  });

  it("change the prompt alone", () => {
    expect(makeRemix(wide, "a wolf")).toEqual({ ...wide.request, prompt: "a wolf", count: 1 });
  });

  it("blend embeddings, where the model has them", () => {
    const images = ["a.png", "b.png"];
    expect(makeBlend(images, range, { prompt: "a" })).toEqual({
      prompt: "a",
      count: 1,
      imagePrompt: { images },
    });
    expect(() => makeBlend(images, { ...range, takes: [] }, { prompt: "a" })).toThrow(/blends no meanings/);
    expect(() => makeBlend([1], range, { prompt: "a" })).toThrow(/two pictures/);
  });
});

it("refuses models that cannot start from an image", () => {
  const plain = { ...range, takes: [] };
  for (const make of [
    () => makeVariation(wide, "subtle", plain),
    () => makeZoom(wide, 2, plain),
    () => makePan(wide, "up", 0.5, plain),
    () => makeUpscale(wide, "creative", 2, plain),
  ])
    expect(make).toThrow(/cannot start from an image/);
});

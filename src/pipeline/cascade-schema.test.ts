import { describe, expect, it } from "vitest";
import { completeRequest } from "./complete-request.js";
import type { ImageRequest } from "./image-request.js";
import type { ImageSizes, RequestContext } from "./request-context.js";

const square = (side: number) => ({ width: side, height: side });
const image = (width: number, height = width) => {
  return { width, height, channels: 3 as const, data: new Uint8Array(3 * width * height) };
};
const sizes = (usual: number, initScale: number): ImageSizes => ({
  usual: square(usual),
  range: { step: 8 * initScale, least: 8 * initScale, most: 64 * initScale },
  initScale,
});
const cascade: RequestContext = {
  defaults: { steps: 100, guidance: 7, sampler: "ddpm" },
  sizes: sizes(64, 4),
  stageSizes: [sizes(16, 1), sizes(64, 4)],
  takes: ["init", "timesteps", "stages", "superResolution"],
};
const enlarger: RequestContext = { ...cascade, stageSizes: [], needsInit: true };
const complete = (request: Partial<ImageRequest>, context = cascade) =>
  completeRequest({ prompt: "a", seed: 1, ...request }, context);

describe("a cascade's request", () => {
  it("draws the size of the stages that are asked for", () => {
    expect(complete({}).size).toEqual(square(64));
    expect(complete({ stages: 2 }).size).toEqual(square(64));
    expect(complete({ stages: 1 }).size).toEqual(square(16));
    expect(complete({ init: { image: image(16, 24) } }).size).toEqual({ width: 64, height: 96 });
    expect(() => complete({ stages: 3 })).toThrow("stages: this model has 2, got 3.");
    expect(() => complete({ stages: 1, size: "256x512" })).toThrow("sides of 8 to 64 pixels");
    expect(() => complete({ size: "72x64" })).toThrow("multiples of 32, got 72x64");
  });

  it("takes training times by name or as a list, and counts the steps by them", () => {
    expect(complete({ timesteps: "fast27" }).steps).toBe(27);
    expect(complete({ timesteps: "999,400,0" })).toMatchObject({ steps: 3, timesteps: [999, 400, 0] });
    expect(complete({ timesteps: complete({ timesteps: "smart50" }).timesteps })).toMatchObject({
      steps: 50,
    });
    expect(() => complete({ timesteps: "fast28" })).toThrow("timesteps: expected fast27");
    expect(() => complete({ timesteps: [5, 5] })).toThrow("timesteps: expected fast27");
    expect(() => complete({ timesteps: "fast27", steps: 3 })).toThrow("steps: expected 27, one for each");
  });

  it("must have an image where the model enlarges one", () => {
    expect(() => complete({}, enlarger)).toThrow(
      "init.image: this model enlarges an image; expected one, got none.",
    );
    const init = { image: image(24, 16) };
    expect(complete({ init }, enlarger)).toMatchObject({
      size: { width: 96, height: 64 },
      init: { strength: 1 },
    });
    expect(() => complete({ init: { ...init, strength: 0.5 } }, enlarger)).toThrow(
      "has no strength; omit it",
    );
    expect(() => complete({ init, size: "64x64" }, enlarger)).toThrow("expected an image of 16x16 pixels");
  });
});

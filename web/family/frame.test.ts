import { describe, expect, it, vi } from "vitest";

// The page's address, which the client of the API reads.
vi.stubGlobal("document", { baseURI: "http://localhost/" });
const { makeFrameJob } = await import("./frame-actions.js");
const { layGrid } = await import("./grid.js");

const image = { id: "a".repeat(64), width: 512, height: 512, seed: 3 };
const settings = { prompt: "a fox", seed: 3, steps: 20, size: { width: 512, height: 512 } };
const model = {
  id: "sd",
  takes: ["init", "inpaint"],
  sizes: { usual: { width: 512, height: 512 }, range: { step: 8, least: 64, most: 2048 } },
};
const source = { image, settings, load: {}, model };

describe("one click", () => {
  it("asks for more around a picture, and for a larger one", () => {
    expect(makeFrameJob({ kind: "zoom", factor: 2 }, source)).toMatchObject({
      model: "sd",
      parent: { image: image.id, action: "extend" },
      request: {
        prompt: "a fox",
        init: { image: image.id },
        inpaint: { extend: { left: 128, bottom: 128 } },
      },
    });
    expect(makeFrameJob({ kind: "pan", to: "right" }, source).request).toMatchObject({
      size: { width: 768 },
    });
    expect(makeFrameJob({ kind: "upscale", way: "creative" }, source)).toMatchObject({
      parent: { action: "enlarge" },
      request: { size: { width: 1024 }, init: { strength: 0.45 } },
    });
    expect(() => makeFrameJob({ kind: "square" }, source)).toThrow(/square already/);
    const none = { ...source, model: { ...model, takes: [] } };
    expect(() => makeFrameJob({ kind: "zoom", factor: 2 }, none)).toThrow(/cannot start from an image/);
  });

  it("lays pictures out in a grid", () => {
    expect(layGrid(4, 100, 50)).toMatchObject({
      width: 224,
      height: 124,
      cells: { length: 4, 3: { x: 116, y: 66 } },
    });
    expect(layGrid(3, 10, 10).cells[2]).toEqual({ x: 8, y: 26 });
  });
});

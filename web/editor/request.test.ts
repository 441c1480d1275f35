import { describe, expect, it } from "vitest";
import { noSides } from "./history.js";
import { completeSides, type EditRequest, getTarget, makeEditJob, readSizes } from "./request.js";

const free = {
  id: "sd",
  takes: ["init", "inpaint"],
  sizes: { usual: { width: 512, height: 512 }, range: { step: 8, least: 64, most: 1024 } },
};
const fixed = {
  id: "embedded",
  takes: ["init", "inpaint", "schedule"],
  sizes: { usual: { width: 256, height: 256 } },
};
const mask = "b".repeat(64);
const edit: EditRequest = {
  image: {
    id: "a".repeat(64),
    width: 512,
    height: 512,
    settings: {
      prompt: "old",
      seed: 3,
      steps: 8,
      size: { width: 512, height: 512 },
      schedule: "karras",
      variation: {},
    },
  },
  prompt: " a hat ",
  negativePrompt: "",
  strength: null,
  feather: null,
  mask,
  sides: noSides,
  count: 4,
};

describe("the editor's job", () => {
  it("redraws what is painted, with the picture's own settings and a new seed", () => {
    expect(makeEditJob(edit, free)).toEqual({
      kind: "draw",
      model: "sd",
      parent: { image: edit.image.id, action: "edit" },
      request: {
        prompt: "a hat",
        steps: 8,
        count: 4,
        size: { width: 512, height: 512 },
        init: { image: edit.image.id, strength: 1 },
        inpaint: { mask },
      },
    });
    expect(makeEditJob(edit, fixed).request).toMatchObject({ schedule: "karras" });
  });

  it("draws the whole picture again where nothing is painted", () => {
    const { request } = makeEditJob({ ...edit, mask: null, feather: 9 }, free);
    expect(request).toMatchObject({ init: { strength: 0.6 } });
    expect(request).not.toHaveProperty("inpaint");
  });

  it("extends the picture by the frame", () => {
    const sides = { ...noSides, right: 128 };
    const { request, parent } = makeEditJob({ ...edit, mask: null, sides, feather: 9, strength: 0.9 }, free);
    expect(parent?.action).toBe("extend");
    expect(request).toMatchObject({
      size: { width: 640, height: 512 },
      init: { strength: 0.9 },
      inpaint: { extend: { left: 0, right: 128, top: 0, bottom: 0 }, feather: 9 },
    });
  });
});

describe("a model of one size", () => {
  const sizes = readSizes(fixed);
  const image = { width: 256, height: 256 };

  it("shows the frame that it will draw, in its own shape", () => {
    expect(completeSides(image, { ...noSides, right: 64 }, sizes)).toEqual({
      left: 0,
      right: 64,
      top: 32,
      bottom: 32,
    });
    expect(completeSides(image, { ...noSides, right: 64, top: 16 }, sizes)).toEqual({
      left: 0,
      right: 64,
      top: 64,
      bottom: 0,
    });
    expect(completeSides(image, noSides, sizes)).toEqual(noSides);
    expect(completeSides({ width: 512, height: 256 }, { ...noSides, right: 64 }, sizes)).toMatchObject({
      top: 160,
      bottom: 160,
    });
  });

  it("shrinks the picture inside its frame", () => {
    const sides = { left: 0, right: 64, top: 32, bottom: 32 };
    expect(getTarget(image, sides, sizes)).toEqual({
      size: { width: 256, height: 256 },
      sides: { left: 0, right: 51, top: 26, bottom: 26 },
    });
  });
});

describe("a model of many sizes", () => {
  it("is asked for the nearest one to the picture's", () => {
    const { size } = getTarget({ width: 1003, height: 50 }, noSides, readSizes(free));
    expect(size).toEqual({ width: 1000, height: 64 });
  });
});

import { describe, expect, it } from "vitest";
import { getWeights, withoutPicture, withPicture, withWeight } from "./pictures.js";

describe("pictures of a request", () => {
  it("share one weight until one is changed", () => {
    const one = withPicture({ images: [] }, "a");
    const two = withPicture(one, "b");
    expect(two).toEqual({ images: ["a", "b"] });
    expect(getWeights(two)).toEqual([0.5, 0.5]);
    expect(withWeight(two, 1, 0.8)).toEqual({ images: ["a", "b"], weights: [0.5, 0.8] });
  });

  it("keep the group's other settings, and are there once", () => {
    const group = { images: ["a", "b"], weights: [0.25, 0.75], noiseLevel: 3 };
    expect(withPicture(group, "c")).toEqual({
      ...group,
      images: ["a", "b", "c"],
      weights: [0.25, 0.75, 0.5],
    });
    expect(withPicture(group, "b")).toBe(group);
    expect(withoutPicture(group, 0)).toEqual({ ...group, images: ["b"], weights: [0.75] });
  });

  it("are gone with the last of them", () => {
    expect(withoutPicture({ images: ["a"], weights: [2] }, 0)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { blendEmbeddings, slerp, turnByDifference, withLength } from "./blend.js";

const vector = (...values: number[]) => Float32Array.from(values);
const close = (actual: Float32Array, ...expected: number[]) =>
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 5);
  });

describe("slerp", () => {
  it("rotates at one speed, and interpolates lengths", () => {
    const [x, y] = [vector(2, 0), vector(0, 4)];
    const half = Math.SQRT1_2;
    close(slerp(x, y, 0.5), 3 * half, 3 * half);
    close(slerp(x, y, 0), 2, 0);
    close(slerp(x, y, 1), 0, 4);
    close(slerp(x, y, 1 / 3), (8 / 3) * Math.cos(Math.PI / 6), (8 / 3) * 0.5);
  });

  it("interpolates what is parallel, opposite or empty", () => {
    close(slerp(vector(1, 1), vector(3, 3), 0.25), 1.5, 1.5);
    close(slerp(vector(1, 0), vector(-1, 0), 0.25), 0.5, 0);
    close(slerp(vector(0, 0), vector(1, 2), 0.5), 0.5, 1);
  });
});

describe("blendEmbeddings", () => {
  const [x, y, z] = [vector(1, 0, 0), vector(0, 1, 0), vector(0, 0, 1)];

  it("sums with weights as they are", () => {
    const parts = [
      { values: x, weight: 0.5 },
      { values: y, weight: -1 },
    ];
    close(blendEmbeddings(parts, "sum"), 0.5, -1, 0);
  });

  it("of one is that one, and of two their interpolation", () => {
    expect(blendEmbeddings([{ values: x, weight: 3 }], "slerp")).toEqual(x);
    const parts = [
      { values: x, weight: 1.5 },
      { values: y, weight: 0.5 },
    ];
    expect(blendEmbeddings(parts, "slerp")).toEqual(slerp(x, y, 0.25));
  });

  it("stays on the sphere, and passes over weights of 0", () => {
    const parts = [x, y, z].map((values) => ({ values, weight: 1 }));
    const blend = blendEmbeddings(parts, "slerp");
    expect(Math.hypot(...blend)).toBeCloseTo(1, 6);
    expect(blend[2]).toBeGreaterThan(0.4);
    const none = [
      { values: x, weight: 0 },
      { values: y, weight: 2 },
      { values: z, weight: 0 },
    ];
    close(blendEmbeddings(none, "slerp"), 0, 1, 0);
  });
});

describe("turnByDifference", () => {
  it("keeps the length, and turns towards what the second text adds", () => {
    const [image, from, to] = [vector(3, 0, 0), vector(0, 5, 0), vector(0, 0, 7)];
    expect(turnByDifference(image, { from, to, weight: 0 })).toEqual(image);
    const half = Math.SQRT1_2;
    close(turnByDifference(image, { from, to, weight: 1 }), 0, -3 * half, 3 * half);
    const turned = turnByDifference(image, { from, to, weight: 0.3 });
    expect(Math.hypot(...turned)).toBeCloseTo(3, 5);
    expect(turned[2]).toBeGreaterThan(0);
  });

  it("leaves the image where the texts are the same", () => {
    const same = vector(1, 2, 2);
    close(withLength(turnByDifference(vector(0, 3, 0), { from: same, to: same, weight: 0.5 }), 3), 0, 3, 0);
  });
});

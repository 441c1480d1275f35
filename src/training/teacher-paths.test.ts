import { describe, expect, it } from "vitest";
import { getFlowSchedule, getStepSchedule } from "../diffusion/index.js";
import { subdivide } from "./teacher-paths.js";

describe("subdivide", () => {
  it("cuts steps into equal parts", () => {
    expect(subdivide([1, 0.5, 0], 2)).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });

  it.each([1, 1.5, 2, 3, 5, 7.3])("falls to exactly 0 through every window's end, at shift %d", (shift) => {
    for (const windows of [1, 2, 4, 8]) {
      for (const parts of [1, 2, 3, 5, 7]) {
        const sigmas = getStepSchedule("simple").getSigmas(windows, getFlowSchedule({ shift }));
        const ends = sigmas.map((sigma) => sigma / (1 + sigma));
        const times = subdivide(ends, parts);
        expect(times.filter((_, i) => i % parts === 0)).toEqual(ends);
        expect(times.at(-1)).toBe(0);
        expect(times.every((time, i) => i === 0 || time < times[i - 1]!)).toBe(true);
      }
    }
  });
});

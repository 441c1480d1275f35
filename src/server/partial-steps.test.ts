import { describe, expect, it } from "vitest";
import { getPartialSteps } from "./partial-steps.js";

describe("getPartialSteps", () => {
  it("spreads them evenly", () => {
    expect(getPartialSteps(20, 3)).toEqual([5, 10, 15]);
    expect(getPartialSteps(10, 1)).toEqual([5]);
    expect(getPartialSteps(10, 0)).toEqual([]);
  });

  it("leaves out the last step, and gives fewer where steps are few", () => {
    expect(getPartialSteps(2, 3)).toEqual([1]);
    expect(getPartialSteps(1, 3)).toEqual([]);
    expect(getPartialSteps(3, 3)).toEqual([1, 2]);
  });
});

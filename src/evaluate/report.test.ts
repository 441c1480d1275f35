import { expect, it } from "vitest";
import { describeSettings } from "./report.js";

it("says by which network and how a model draws", () => {
  const model = { name: "a", version: "1", weights: {}, own: true, steps: 4, guidance: 1, sampler: "euler" };
  expect(describeSettings(model)).toBe("4 steps of euler, guidance 1");
  expect(describeSettings({ ...model, fast: true })).toBe("fast: 4 steps of euler, guidance 1");
});

import { expect, test } from "vitest";
import { addConditionNoise, getConditionShare } from "./condition-noise.js";
import { getInitialNoise } from "./noise.js";

const condition = getInitialNoise([1], 400).map((value) => 3 + 2 * value);
const noise = getInitialNoise([2], 400);
const moments = (values: Float32Array) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)] as const;
};
const correlation = (a: Float32Array, b: Float32Array) => {
  const [[ma, sa], [mb, sb]] = [moments(a), moments(b)];
  return a.reduce((sum, value, i) => sum + (value - ma) * (b[i]! - mb), 0) / a.length / sa / sb;
};

test("the condition's share is annealed over time, as in the paper's equation 5", () => {
  const shares = [1, 0.9, 0.75, 0.6, 0.3, 0].map((time) => getConditionShare(time, { tau1: 0.6, tau2: 0.9 }));
  expect(shares).toEqual([0, 0, expect.closeTo(0.5, 12), 1, 1, 1]);
});

test("follows algorithm 1: mixed, then rescaled to the mean and the deviation before", () => {
  const [mean, std] = moments(condition);
  const mixed = condition.map((value, i) => Math.sqrt(0.3) * value + 0.25 * std * Math.sqrt(0.7) * noise[i]!);
  expect(addConditionNoise(condition, 0.3, { scale: 0.25, mixing: 0 }, noise)).toEqual(mixed);
  const restored = addConditionNoise(condition, 0.3, { scale: 0.25, mixing: 1 }, noise);
  expect(moments(restored)).toEqual([expect.closeTo(mean, 4), expect.closeTo(std, 4)]);
  expect(correlation(restored, mixed)).toBeCloseTo(1, 5);
  const half = addConditionNoise(condition, 0.3, { scale: 0.25, mixing: 0.5 }, noise);
  half.forEach((value, i) => {
    expect(value).toBeCloseTo((restored[i]! + mixed[i]!) / 2, 4);
  });
});

test("all of the condition is no noise, none of it only noise, and padding stays", () => {
  const options = { scale: 1, mixing: 1 };
  expect(addConditionNoise(condition, 1, options, noise)).toBe(condition);
  expect(correlation(addConditionNoise(condition, 0, options, noise), noise)).toBeCloseTo(1, 5);
  const isUsed = (i: number) => i < 100;
  const part = addConditionNoise(condition, 0, options, noise, isUsed);
  expect(part.subarray(100)).toEqual(condition.subarray(100));
  expect(moments(part.subarray(0, 100))[0]).toBeCloseTo(moments(condition.subarray(0, 100))[0], 4);
  expect(addConditionNoise(new Float32Array(4), 0.5, options, noise, () => false)).toEqual(
    new Float32Array(4),
  );
});

import { describe, expect, it } from "vitest";
import { random } from "../random/index.js";
import { frechetDistance, spread, wilson } from "./statistics.js";

describe("the interval of a share", () => {
  it("is Wilson's", () => {
    // Values of statsmodels' proportion_confint(8, 10, method="wilson") and (0, 20).
    const [low, high] = wilson(8, 10);
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
    expect(wilson(0, 20)[0]).toBe(0);
    expect(wilson(0, 20)[1]).toBeCloseTo(0.1611, 4);
  });

  it("is everything where nothing was asked", () => {
    expect(wilson(0, 0)).toEqual([0, 1]);
  });
});

describe("the Fréchet distance", () => {
  const rows = (seed: number, count: number, deviation: readonly number[], shift = 0) =>
    Array.from({ length: count }, (_, i) => {
      const numbers = random(seed, "rows", i).normals(deviation.length);
      return numbers.map((value, j) => value * deviation[j]! + shift);
    });

  it("of a set to itself is nothing, whatever its shape", () => {
    const set = rows(1, 60, [1, 2, 0.5, 0]);
    expect(frechetDistance(set, set)).toBeCloseTo(0, 6);
  });

  it("of a shifted set is the square of the shift", () => {
    const set = rows(2, 60, [1, 1, 3]);
    const moved = set.map((row) => row.map((value) => value + 2));
    expect(frechetDistance(set, moved)).toBeCloseTo(3 * 4, 4);
  });

  it("of a stretched set is the squared difference of deviations", () => {
    const set = rows(3, 80, [1, 2]);
    const stretched = set.map((row) => row.map((value) => value * 3));
    const variance = (column: number) => {
      const values = set.map((row) => row[column]!);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1) };
    };
    // Means move by twice themselves; deviations grow by twice themselves.
    const expected = [0, 1].reduce(
      (sum, i) => sum + (2 * variance(i).mean) ** 2 + 4 * variance(i).variance,
      0,
    );
    expect(frechetDistance(set, stretched)).toBeCloseTo(expected, 3);
  });

  it("does not depend on which comes first", () => {
    const [a, b] = [rows(4, 50, [1, 2, 3]), rows(5, 50, [2, 1, 1], 1)];
    expect(frechetDistance(a, b)).toBeCloseTo(frechetDistance(b, a), 6);
  });
});

it("the spread of rows is their mean distance", () => {
  expect(spread([Float32Array.of(0, 0), Float32Array.of(3, 4), Float32Array.of(0, 0)])).toBeCloseTo(
    10 / 3,
    6,
  );
  expect(spread([Float32Array.of(1)])).toBe(0);
});

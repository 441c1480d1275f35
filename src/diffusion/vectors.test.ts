import { expect, test } from "vitest";
import { NishikiError } from "../errors.js";
import { combine, concatenate, standardDeviation } from "./vectors.js";

const v = (...values: number[]) => Float32Array.from(values);

test("combine is the weighted sum, rounded once", () => {
  expect([...combine([2, v(1, 2)], [-1, v(3, 5)], [0.5, v(2, 4)])]).toEqual([0, 1]);
  // In float32 the large terms would swallow the 1.
  expect([...combine([1, v(1)], [1, v(2 ** 30)], [-1, v(2 ** 30)])]).toEqual([1]);
});

test("combine refuses vectors of different lengths", () => {
  expect(() => combine([1, v(1, 2)], [1, v(1)])).toThrow(NishikiError);
});

test("operands stay as they are", () => {
  const x = v(1, 2);
  expect([...combine([1, x], [10, v(3, 4)])]).toEqual([31, 42]);
  expect([...x]).toEqual([1, 2]);
});

test("concatenate and standardDeviation", () => {
  expect([...concatenate(v(1), v(), v(2, 3))]).toEqual([1, 2, 3]);
  expect(standardDeviation(v(2, 4, 4, 4, 5, 5, 7, 9))).toBe(2);
});

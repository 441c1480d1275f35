import { expect, test } from "vitest";
import { getInitialNoise, getNoiseSource } from "./noise.js";

test("a picture's noise is the same alone and anywhere in a batch", () => {
  const size = 37;
  const batch = getInitialNoise([5, 0, 9], size);
  const steps = getNoiseSource([5, 0, 9], size);
  [5, 0, 9].forEach((seed, i) => {
    const part = (values: Float32Array) => [...values.subarray(i * size, (i + 1) * size)];
    expect(part(batch)).toEqual([...getInitialNoise([seed], size)]);
    expect(part(steps(4))).toEqual([...getNoiseSource([seed], size)(4)]);
  });
});

test("noise depends on the step and not on the order of asking, and is not the initial noise", () => {
  const source = getNoiseSource([1], 8);
  const [third, first] = [source(3), source(1)];
  expect([...getNoiseSource([1], 8)(1)]).toEqual([...first]);
  expect([...source(3)]).toEqual([...third]);
  expect([...first]).not.toEqual([...third]);
  expect([...source(0)]).not.toEqual([...getInitialNoise([1], 8)]);
});

import { expect, test } from "vitest";
import { fused, logOfFraction, sineAndCosine } from "./cephes-float32.js";
import { random } from "./random.js";

const { fround } = Math;

test("a product and a sum are rounded once, also where float64 would round twice", () => {
  // 1 + 2^-24 lies half-way between two float32 numbers; what decides is 2^-60, which float64 does not hold beside it.
  expect(fused(2 ** -30, 2 ** -30, fround(1 + 2 ** -23))).toBe(1 + 2 ** -23);
  const [a, b] = [1 + 2 ** -12, 2 ** -12]; // a·b = 2^-12 + 2^-24
  expect(fused(a, b, 1)).toBe(1 + 2 ** -12);
  expect(fused(a, fround(b * (1 + 2 ** -23)), 1)).toBe(1 + 2 ** -12 + 2 ** -23);
  const half = 2 ** 24 + 2; // its neighbours are two apart
  expect(fused(2 ** -20, 2 ** -20, half)).toBe(half);
  expect(fused(fround(1 + 2 ** -20), fround(1 - 2 ** -20), half)).toBe(half); // 1 - 2^-40: just below half-way
  expect(fused(fround(1 + 2 ** -20), fround(1 + 2 ** -20), half)).toBe(half + 2);
});

test("the logarithm is right to float32's last bit or two over all fractions", () => {
  const values = [1, 2, 3, 2 ** 23, 2 ** 24 - 1, 2 ** 24];
  for (let i = 0; i < 5000; i++) values.push(1 + random(1, "k", i).integer(2 ** 24));
  for (const k of values) {
    const exact = Math.log(k / 2 ** 24);
    expect(Math.abs(logOfFraction(k) - exact)).toBeLessThanOrEqual(2.4e-7 * Math.abs(exact));
  }
});

test("sine and cosine are right to 1.2e-7 around the circle", () => {
  for (let i = 0; i <= 5000; i++) {
    const angle = fround((i / 5000) * 2 * Math.PI);
    const [sine, cosine] = sineAndCosine(angle);
    expect(Math.abs(sine - Math.sin(angle))).toBeLessThan(1.2e-7);
    expect(Math.abs(cosine - Math.cos(angle))).toBeLessThan(1.2e-7);
  }
});

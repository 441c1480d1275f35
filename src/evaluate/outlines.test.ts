// What the measures of looks say of images whose faults are known.
import { describe, expect, it } from "vitest";
import { gradientDistance, psnr } from "./image-measures.js";
import { measureOutlines } from "./outlines.js";

const size = 96;

/** A dark disc on white whose radius may change with the angle, with a soft edge of `softness` pixels. */
function disc({ x = 48, y = 48, softness = 1, waves = 0, depth = 0 } = {}): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const radius = 28 + depth * Math.sin(waves * Math.atan2(row - y, column - x));
      const inside = radius - Math.hypot(column - x, row - y);
      const cover = Math.min(1, Math.max(0, inside / softness + 0.5));
      pixels.fill(Math.round(255 - 215 * cover), (row * size + column) * 3, (row * size + column + 1) * 3);
    }
  }
  return pixels;
}

const scene = disc();

describe("measureOutlines", () => {
  it("finds nothing wrong with the scene itself", () => {
    const { sharpness, wobble, points } = measureOutlines(scene, scene, size);
    expect(sharpness).toBeCloseTo(1, 6);
    expect(wobble).toBe(0);
    expect(points).toBeGreaterThan(100); // of a circumference of 176 pixels
  });

  it("does not take a shift of the whole for a wobble, but a wavy edge", () => {
    const shifted = measureOutlines(disc({ x: 49.5 }), scene, size);
    const wavy = measureOutlines(disc({ waves: 14, depth: 2 }), scene, size);
    expect(shifted.wobble).toBeLessThan(wavy.wobble / 2);
    // A sine of depth 2 has a root mean square of 1.4; neighbours within 10 pixels take some of it away.
    expect(wavy.wobble).toBeGreaterThan(0.7);
    expect(wavy.wobble).toBeLessThan(1.7);
  });

  it("says how much sharpness an edge lost, and finds a lost edge", () => {
    const soft = measureOutlines(disc({ softness: 6 }), scene, size).sharpness;
    const softer = measureOutlines(disc({ softness: 12 }), scene, size).sharpness;
    expect(soft).toBeLessThan(0.7);
    expect(softer).toBeLessThan(soft * 0.7);
    expect(measureOutlines(new Uint8Array(size * size * 3).fill(255), scene, size).sharpness).toBe(0);
  });
});

describe("gradientDistance", () => {
  it("is 0 for equal pictures and grows with what is wrong", () => {
    expect(gradientDistance(scene, scene, size)).toBe(0);
    const little = gradientDistance(disc({ waves: 14, depth: 1 }), scene, size);
    const much = gradientDistance(disc({ waves: 14, depth: 3 }), scene, size);
    expect(little).toBeGreaterThan(0.005);
    expect(much).toBeGreaterThan(little * 1.3);
  });

  it("is the same both ways, as PSNR is", () => {
    const other = disc({ x: 51, softness: 4 });
    expect(gradientDistance(other, scene, size)).toBeCloseTo(gradientDistance(scene, other, size), 12);
    expect(psnr(other, scene)).toBe(psnr(scene, other));
  });
});

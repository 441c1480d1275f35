import { describe, expect, it } from "vitest";
import { makeTorchCuda } from "./torch-cuda.js";

// What torch.randn(3, 4, device="cuda") gives for seed 0, as stable-diffusion-webui publishes it (modules/rng_philox.py),
// which computes in float64; torch prints the same to four places.
const published = [
  -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709,
  -1.07454231, -0.36314407, -1.67105067, 2.26550497,
];

describe("torch's generator of GPUs", () => {
  it("gives the published numbers", () => {
    const found = makeTorchCuda(0).normals(12);
    published.forEach((value, i) => {
      expect(Math.abs(found[i]! - value)).toBeLessThan(1e-6);
    });
  });

  it("goes on with other numbers at the next draw, and for other seeds, also where only high bits differ", () => {
    const generator = makeTorchCuda(0);
    const first = generator.normals(4);
    expect(generator.normals(4)).not.toEqual(first);
    expect(makeTorchCuda(2 ** 32).normals(4)).not.toEqual(first);
    expect(makeTorchCuda(0).normals(2)).toEqual(first.slice(0, 2));
  });

  it("gives standard normals", () => {
    const values = makeTorchCuda(5).normals(20_000);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(square).toBeCloseTo(1, 1);
  });

  it("refuses seeds that are none", () => {
    expect(() => makeTorchCuda(0.5)).toThrow(/^A seed must be a whole number/);
  });
});

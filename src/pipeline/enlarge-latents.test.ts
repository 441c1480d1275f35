import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { enlargeLatents } from "./enlarge-latents.js";
import { enlargeByLanczos, resizeByLanczos } from "./lanczos.js";

// tests/golden/scripts/enlarge_latents.py: [2, 3, 5] → [2, 5, 8]
const golden = JSON.parse(
  readFileSync(new URL("../../tests/golden/enlarge-latents.json", import.meta.url), "utf8"),
) as Record<"values" | Method, number[]>;

const methods = ["latent", "latent-bicubic", "latent-nearest", "latent-nearest-exact"] as const;
type Method = (typeof methods)[number];

describe("enlarging latents", () => {
  it.each(methods)("%s gives PyTorch's numbers", (method) => {
    const [from, to] = [
      { width: 5, height: 3 },
      { width: 8, height: 5 },
    ];
    const enlarged = enlargeLatents(Float32Array.from(golden.values), from, to, method);
    expect(enlarged.length).toBe(golden[method].length);
    // Six digits are printed, and float32 rounds sums of 16 products.
    for (const [i, value] of golden[method].entries())
      expect(Math.abs(enlarged[i]! - value)).toBeLessThan(3e-6);
  });
});

describe("enlarging pixels by Lanczos to any size", () => {
  const image = Float32Array.from({ length: 6 * 4 * 3 }, (_, i) => Math.sin(i));
  const from = { width: 6, height: 4 };

  it("equals the whole-number factor, and keeps an image of the same size", () => {
    const twice = resizeByLanczos(image, from, { width: 12, height: 8 });
    const expected = enlargeByLanczos(image, 6, 4, 2);
    for (const [i, value] of expected.entries()) expect(Math.abs(twice[i]! - value)).toBeLessThan(1e-5);
    const same = resizeByLanczos(image, from, from);
    for (const [i, value] of image.entries()) expect(Math.abs(same[i]! - value)).toBeLessThan(1e-6);
  });

  it("keeps a plain image plain at any factor", () => {
    const plain = resizeByLanczos(new Float32Array(72).fill(0.25), from, { width: 11, height: 7 });
    expect(plain.length).toBe(11 * 7 * 3);
    for (const value of plain) expect(Math.abs(value - 0.25)).toBeLessThan(1e-6);
  });
});

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeTorchCpu } from "./torch-cpu.js";

// tests/golden/scripts/torch_normals.py, torch 2.15.0 (AVX2): SHA-256 of the bytes of all draws, one after another.
const drawn: readonly (readonly [seed: number, counts: readonly number[], digest: string])[] = [
  [0, [16_384, 16_384], "314e575b52e5779b8478bcbf344af70f0453ca8d19810daefef634a731ee32ed"],
  [42, [20, 3, 4, 17, 4096], "655bacebc168610a74cffeaab5ac0c57bd3b681ac2974ff966dbc6993f77d6a5"],
  [1, [15, 15, 40, 1, 16, 1], "950bcfe89753e2a81aae9795ac8857615c1ebb259256aa0b47da62a29c9b3519"],
  [123_456_789, [49_152], "edbfa6cc45235ff257eeda34fff9a6ec4598b5d6c800f26a92748ae72b6ce251"],
  [2 ** 32 + 7, [16_384], "e0236a3fd3aea2d52159dbbb9c363da74ea06cccba20eb26132c4fb0d3d8fa63"],
  [2 ** 53 - 1, [65_536, 31], "015d69553ea334fa3cb091e9b6da0d396bc57dbf47cfffefdc3c0b850bbc7a8c"],
];

describe("torch's generator of the processor", () => {
  it.each(drawn)("gives torch's normals for seed %i to the bit, draw after draw", (seed, counts, digest) => {
    const generator = makeTorchCpu(seed);
    const hash = createHash("sha256");
    for (const count of counts) hash.update(new Uint8Array(generator.normals(count).buffer));
    expect(hash.digest("hex")).toBe(digest);
  });

  it("gives the numbers that torch prints", () => {
    const expected = [-1.1258398, -1.1523602, -0.2505786, -0.4338788, 0.8487104, 0.6920092, -0.3160128];
    const found = makeTorchCpu(0).normals(16);
    expected.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 7);
    });
  });

  it("refuses seeds that are none", () => {
    expect(() => makeTorchCpu(-1)).toThrow(/^A seed must be a whole number/);
  });
});

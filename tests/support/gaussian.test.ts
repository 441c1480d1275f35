import { expect, test } from "vitest";
import { followGaussianFlow, getGaussianDenoiser } from "./gaussian.js";

const world = { mean: [1, -2, 0.5], deviation: [0.5, 2, 0] };

test("the exact path obeys the probability flow dx/dsigma = (x - x̂0)/sigma", async () => {
  const x = Float32Array.of(3, -1, 4);
  for (const sigma of [0.3, 1, 7]) {
    const e = 1e-4 * sigma;
    const up = followGaussianFlow(world, x, sigma, sigma + e);
    const down = followGaussianFlow(world, x, sigma, sigma - e);
    const denoised = await getGaussianDenoiser(world)(x, sigma, [0]);
    x.forEach((value, i) => {
      expect((up[i]! - down[i]!) / (2 * e)).toBeCloseTo((value - denoised[i]!) / sigma, 5);
    });
  }
});

test("the denoiser goes to x without noise and to the mean in nothing but noise", async () => {
  const x = Float32Array.of(3, -1, 0.5);
  expect([...(await getGaussianDenoiser(world)(x, 1e-4, [0]))]).toEqual([
    expect.closeTo(3, 5),
    expect.closeTo(-1, 5),
    expect.closeTo(0.5, 5),
  ]);
  expect([...(await getGaussianDenoiser(world)(x, 1e4, [0]))]).toEqual(
    world.mean.map((m) => expect.closeTo(m, 5)),
  );
});

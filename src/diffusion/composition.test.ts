// Composed guidance against Gaussians: for equal deviations, guidance moves the mean, so the exact path is known.
import { expect, test } from "vitest";
import { followGaussianFlow, getGaussianDenoiser } from "../../tests/support/gaussian.js";
import type { Denoiser } from "./denoisers.js";
import { guide } from "./guidance.js";
import { getInitialNoise } from "./noise.js";
import { samplers } from "./samplers/table.js";
import { combine } from "./vectors.js";

const means: Readonly<Record<string, readonly number[]>> = {
  cat: [2, -1],
  dog: [-1, 0.5],
  none: [0.25, 0.5],
};
const deviation = [0.5, 1.5];

/** One world for each condition, and the sizes of the batches that it was asked for. */
function makeWorlds() {
  const batches: number[] = [];
  const denoise: Denoiser<string> = async (x, sigma, conditions) => {
    batches.push(conditions.length);
    const size = x.length / conditions.length;
    const all = await Promise.all(
      conditions.map((name, i) =>
        getGaussianDenoiser({ mean: means[name]!, deviation })(x.subarray(i * size, (i + 1) * size), sigma, [
          name,
        ]),
      ),
    );
    return Float32Array.from(all.flatMap((part) => [...part]));
  };
  return { denoise, batches };
}

const parts = [
  { condition: ["cat"], weight: 1.25 },
  { condition: ["dog"], weight: -0.5 },
];

test("samples the distribution whose mean is u + scale·Σ weight·(c - u)", async () => {
  const { denoise, batches } = makeWorlds();
  const guided = guide(denoise, { scale: 3, uncond: ["none"], parts });
  const sigmas = Array.from({ length: 201 }, (_, i) => (i === 200 ? 0 : 10 * 0.001 ** (i / 199)));
  const x = combine([10, getInitialNoise([4], 2)]);
  let last = x;
  for await (const state of samplers.heun.sample(guided, x, sigmas, { condition: ["cat"] })) last = state.x;
  const mean = [0, 1].map((d) => {
    const [u, cat, dog] = ["none", "cat", "dog"].map((name) => means[name]![d]!) as [number, number, number];
    return u + 3 * (1.25 * (cat - u) - 0.5 * (dog - u));
  });
  const exact = followGaussianFlow({ mean, deviation }, x, 10, 0);
  expect([...last]).toEqual([...exact].map((value) => expect.closeTo(value, 2)));
  // One call evaluates all conditions.
  expect(new Set(batches)).toEqual(new Set([3]));
});

test("without guidance, it is the mean of what has a positive weight", async () => {
  const { denoise, batches } = makeWorlds();
  const x = getInitialNoise([1], 2);
  const both = [
    { condition: ["cat"], weight: 3 },
    { condition: ["dog"], weight: 1 },
    { condition: ["none"], weight: -2 },
  ];
  const drawn = await guide(denoise, { scale: 1, uncond: ["none"], parts: both })(x, 1, ["cat"]);
  const [cat, dog] = [await denoise(x, 1, ["cat"]), await denoise(x, 1, ["dog"])];
  expect(drawn).toEqual(combine([0.75, cat], [0.25, dog]));
  expect(batches[0]).toBe(2);
  const outside = { low: 2, high: 5 };
  const part = guide(denoise, { scale: 7, uncond: ["none"], parts: both, interval: outside });
  expect(await part(x, 1, ["cat"])).toEqual(drawn);
});

test("one part of weight 1 is plain guidance, to the last bit, with restored contrast too", async () => {
  const { denoise } = makeWorlds();
  const x = getInitialNoise([2], 2);
  for (const rescale of [0, 0.7])
    for (const scale of [0, 0.5, 1, 6]) {
      const options = { scale, uncond: ["none"], rescale };
      const plain = await guide(denoise, options)(x, 2, ["cat"]);
      const composed = guide(denoise, { ...options, parts: [{ condition: ["cat"], weight: 1 }] });
      expect(await composed(x, 2, ["dog"])).toEqual(plain);
    }
  expect(() =>
    guide(denoise, { scale: 2, uncond: ["none"], parts: [{ condition: ["cat"], weight: -1 }] }),
  ).toThrow(/weight above 0/);
});

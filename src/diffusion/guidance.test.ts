import { expect, test } from "vitest";
import { NishikiError } from "../errors.js";
import type { Denoiser } from "./denoisers.js";
import { getStepInterval, guide } from "./guidance.js";
import { getInitialNoise } from "./noise.js";
import { combine, concatenate, standardDeviation } from "./vectors.js";

const size = 64;
const x = getInitialNoise([1, 2], size);
const prompts = [3, 5];
const uncond = [-1, 0.5];

/** A denoiser whose answer to an image is condition·x + condition, and the calls that it got. */
function getRecorded(): { denoise: Denoiser<number>; calls: (readonly number[])[] } {
  const calls: (readonly number[])[] = [];
  const denoise: Denoiser<number> = async (input, _sigma, condition) => {
    calls.push(condition);
    expect(input.length).toBe(condition.length * size);
    return input.map((value, i) => (value + 1) * condition[Math.floor(i / size)]!);
  };
  return { denoise, calls };
}

const plain = (condition: readonly number[]) => getRecorded().denoise(x, 1, condition);

test("is uncond + scale·(positive - uncond), from one call with both", async () => {
  const [positive, opposite] = [await plain(prompts), await plain(uncond)];
  for (const scale of [-2, 0.5, 4, 7.5]) {
    const { denoise, calls } = getRecorded();
    const guided = await guide(denoise, { scale, uncond })(x, 1, prompts);
    expect(guided).toEqual(combine([scale, positive], [1 - scale, opposite]));
    expect(calls).toEqual([[3, 5, -1, 0.5]]);
  }
});

test("scale 1 computes the conditional half alone, scale 0 the unconditional", async () => {
  for (const [scale, condition] of [
    [1, prompts],
    [0, uncond],
  ] as const) {
    const { denoise, calls } = getRecorded();
    expect(await guide(denoise, { scale, uncond })(x, 1, prompts)).toEqual(await plain(condition));
    expect(calls).toEqual([condition]);
  }
});

test("outside the interval only the conditional half runs; its upper end belongs to it", async () => {
  const { denoise, calls } = getRecorded();
  const guided = guide(denoise, { scale: 3, uncond, interval: { low: 0.5, high: 5 } });
  for (const sigma of [5.1, 5, 0.6, 0.5, 0.1]) await guided(x, sigma, prompts);
  expect(calls.map((condition) => condition.length)).toEqual([2, 4, 4, 2, 2]);
  expect(await guided(x, 6, prompts)).toEqual(await plain(prompts));
});

test("an interval of steps is that of their sigmas", async () => {
  const sigmas = [10, 5, 2, 1, 0];
  for (const [first, end, guidedSteps] of [
    [0, 4, [0, 1, 2, 3]],
    [1, 3, [1, 2]],
    [2, 2, []],
  ] as const) {
    const { denoise, calls } = getRecorded();
    const guided = guide(denoise, { scale: 3, uncond, interval: getStepInterval(sigmas, first, end) });
    for (const sigma of sigmas.slice(0, 4)) await guided(x, sigma, prompts);
    expect(calls.flatMap((condition, i) => (condition.length === 4 ? [i] : []))).toEqual(guidedSteps);
  }
  for (const [first, end] of [
    [-1, 2],
    [3, 2],
    [0, 5],
    [0.5, 2],
  ] as const)
    expect(() => getStepInterval(sigmas, first, end)).toThrow(NishikiError);
});

test("rescale 1 gives each picture the contrast of its conditional prediction, rescale 0.5 half of the way", async () => {
  const positive = await plain(prompts);
  const at = async (rescale: number) =>
    guide(getRecorded().denoise, { scale: 6, uncond, rescale })(x, 1, prompts);
  const [none, half, full] = [await at(0), await at(0.5), await at(1)];
  for (const i of [0, 1]) {
    const deviation = (values: Float32Array) => standardDeviation(values.subarray(i * size, (i + 1) * size));
    expect(deviation(none) / deviation(positive)).toBeGreaterThan(1.5);
    expect(deviation(full) / deviation(positive)).toBeCloseTo(1, 5);
    expect(deviation(half)).toBeCloseTo((deviation(none) + deviation(full)) / 2, 4);
  }
});

test("rescaling looks at one picture at a time, and leaves a flat one alone", async () => {
  const options = { scale: 6, rescale: 0.7 };
  const both = await guide(getRecorded().denoise, { ...options, uncond })(x, 1, prompts);
  const alone = await guide(getRecorded().denoise, { ...options, uncond: [0.5] })(x.subarray(size), 1, [5]);
  expect(both.subarray(size)).toEqual(alone);
  const flat: Denoiser<number> = async (input) => input.map(() => 2);
  const grey = await guide(flat, { ...options, uncond: [0] })(x.subarray(size), 1, [1]);
  expect(grey.every((value) => Math.abs(value - 2) < 1e-6)).toBe(true);
});

test("a signal reaches the network", async () => {
  const { signal } = new AbortController();
  let seen: AbortSignal | undefined;
  const denoise: Denoiser<number> = async (input, _sigma, _condition, given) => {
    seen = given;
    return input;
  };
  await guide(denoise, { scale: 2, uncond })(concatenate(x), 1, prompts, signal);
  expect(seen).toBe(signal);
});

test("refuses what cannot be right", async () => {
  const { denoise } = getRecorded();
  for (const bad of [
    { scale: Number.NaN },
    { scale: Number.POSITIVE_INFINITY },
    { scale: 2, rescale: 1.1 },
    { scale: 2, rescale: Number.NaN },
    { scale: 2, interval: { low: 2, high: 1 } },
    { scale: 2, interval: { low: -1, high: 1 } },
  ])
    expect(() => guide(denoise, { uncond, ...bad })).toThrow(NishikiError);
  await expect(guide(denoise, { scale: 2, uncond: [1] })(x, 1, prompts)).rejects.toThrow(
    /1 unconditional.*2 images/,
  );
});

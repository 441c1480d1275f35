import { describe, expect, test } from "vitest";
import { getGaussianDenoiser } from "../../../tests/support/gaussian.js";
import { NishikiError } from "../../errors.js";
import type { Denoiser } from "../denoisers.js";
import { getInitialNoise, getNoiseSource } from "../noise.js";
import { combine } from "../vectors.js";
import type { SamplerState } from "./sampler.js";
import { getSampler, type SamplerInfo, samplers } from "./table.js";

const sigmas = [10, 4, 1.5, 0.4, 0];
const ideal = getGaussianDenoiser({ mean: [1, -1], deviation: [0.5, 2] });

async function run(
  info: SamplerInfo,
  seeds: number[],
  size: number,
  denoise: Denoiser<unknown> = ideal,
  signal?: AbortSignal,
) {
  const x = combine([sigmas[0]!, getInitialNoise(seeds, size)]);
  const states: SamplerState[] = [];
  const options = { condition: seeds, noise: getNoiseSource(seeds, size), signal };
  for await (const state of info.sample(denoise, x, sigmas, options)) states.push(state);
  return states;
}

describe.each(Object.values(samplers))("$name", (info) => {
  test("yields after every step, and ends at sigma 0 on what the network expects", async () => {
    const states = await run(info, [1], 6);
    expect(states.map(({ step, steps, sigma }) => [step, steps, sigma])).toEqual([
      [1, 4, 4],
      [2, 4, 1.5],
      [3, 4, 0.4],
      [4, 4, 0],
    ]);
    // PNDM and LMS extrapolate to the end.
    if (info.name !== "pndm" && info.name !== "lms")
      expect([...states[3]!.x]).toEqual([...states[3]!.denoised].map((value) => expect.closeTo(value, 6)));
    expect(states[2]!.x).not.toEqual(states[3]!.x);
  });

  test("asks the network as often as the table says", async () => {
    let calls = 0;
    await run(info, [1], 6, (...args) => {
      calls++;
      return ideal(...args);
    });
    expect(calls).toBe(info.evaluationsPerStep * 3 + 1 + info.firstEvaluations);
  });

  test("draws each picture of a batch, to the bit, as if it were alone", async () => {
    const batch = await run(info, [7, 0, 3], 10);
    for (const [i, seed] of [7, 0, 3].entries()) {
      const alone = await run(info, [seed], 10);
      expect(alone.map(({ x }) => [...x])).toEqual(
        batch.map(({ x }) => [...x.subarray(10 * i, 10 * i + 10)]),
      );
    }
  });

  test("neither changes what it was given nor what it has yielded", async () => {
    const x = combine([sigmas[0]!, getInitialNoise([1], 6)]);
    const [before, kept]: [number[], { x: Float32Array; copy: number[] }[]] = [[...x], []];
    const options = { condition: [0], noise: getNoiseSource([1], 6) };
    for await (const state of info.sample(ideal, x, sigmas, options))
      kept.push({ x: state.x, copy: [...state.x] });
    expect([...x]).toEqual(before);
    for (const state of kept) expect([...state.x]).toEqual(state.copy);
  });

  test("stops before the next evaluation when the caller cancels", async () => {
    for (let allowed = 0; allowed < 4; allowed++) {
      const controller = new AbortController();
      if (allowed === 0) controller.abort("enough");
      let calls = 0;
      const counting: Denoiser<unknown> = async (...args) => {
        if (++calls === allowed) controller.abort("enough");
        return ideal(...args);
      };
      await expect(run(info, [1], 6, counting, controller.signal)).rejects.toMatchObject({
        name: "NishikiError",
        code: "aborted",
        cause: "enough",
      });
      expect(calls).toBe(allowed);
    }
  });

  test("says so when the network gives nonsense", async () => {
    const broken = run(info, [1], 6, async (x) => x.map(() => Number.NaN));
    await expect(broken).rejects.toThrow(/not finite.*10/);
    await expect(broken).rejects.toThrow(expect.objectContaining({ code: "checkpoint" }));
    await expect(run(info, [1], 6, async (x) => x.subarray(1))).rejects.toThrow(/6 numbers but returned 5/);
  });

  test.each([
    [[]],
    [[1]],
    [[1, 2, 0]],
    [[1, 1, 0]],
    [[1, -1]],
    [[Number.NaN, 0]],
    [[Number.POSITIVE_INFINITY, 1]],
  ])("refuses the sigmas %j", async (bad) => {
    const options = { condition: [0], noise: getNoiseSource([1], 2) };
    await expect(info.sample(ideal, new Float32Array(2), bad, options).next()).rejects.toThrow(
      /strictly decreasing/,
    );
  });

  test("is found by its name, label and aliases", () => {
    const names = [info.name, info.label, ...info.aliases];
    for (const name of names.flatMap((known) => [known, known.toUpperCase()]))
      expect(getSampler(name)).toBe(info);
  });

  test("needs noise exactly if it is stochastic", async () => {
    const first = info.sample(ideal, new Float32Array(2), sigmas, { condition: [0] }).next();
    if (info.stochastic) await expect(first).rejects.toThrow(/options\.noise/);
    else expect((await first).value!.step).toBe(1);
  });
});

test("names of other programs are understood, unknown ones list the choices", () => {
  expect(getSampler("Euler a").name).toBe("euler-ancestral");
  expect(getSampler("euler_ancestral").name).toBe("euler-ancestral");
  expect(getSampler("dpmpp_2m").name).toBe("dpmpp-2m");
  expect(getSampler("DPM++ 2M SDE").name).toBe("dpmpp-2m-sde");
  expect(getSampler("uni_pc").name).toBe("unipc");
  expect(() => getSampler("magic")).toThrow(/Unknown sampler "magic".*euler, euler-ancestral, heun, dpm2, /);
  expect(() => getSampler("")).toThrow(NishikiError);
});

test("options out of range are refused", async () => {
  const start = (name: string, options: object) =>
    getSampler(name)
      .sample(ideal, new Float32Array(2), sigmas, {
        condition: [0],
        noise: getNoiseSource([1], 2),
        ...options,
      })
      .next();
  for (const eta of [-0.1, 1.1, Number.NaN]) {
    await expect(start("euler-ancestral", { eta })).rejects.toThrow(/eta/);
    await expect(start("dpmpp-2m-sde", { eta })).rejects.toThrow(/eta/);
  }
  for (const order of [0, 4, 1.5]) await expect(start("unipc", { order })).rejects.toThrow(/order/);
});

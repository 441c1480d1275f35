// Against torch.quantile and diffusers' DDPMScheduler: versions and the command are in the golden file.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { clipTo, getQuantile, limitDenoiser, thresholdDynamically } from "./thresholding.js";
import { getTrainedLimit } from "./trained-limit.js";
import { readScheduler } from "./trained-scheduler.js";

interface Case {
  readonly count: number;
  readonly scale: number;
  readonly ratio: number;
  readonly most: number;
  readonly quantile: number;
  readonly every: number;
  readonly limited: readonly number[];
}

const golden = JSON.parse(await readFile("tests/golden/thresholding.json", "utf8")) as {
  cases: readonly Case[];
};

/** The numbers of a case, as the script makes them. */
function makePicture({ count, scale }: Case): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const ramp = ((((i * 7919) % count) + 0.5) / count) * 2 - 1;
    return (scale * ramp) / (1.02 - Math.abs(ramp));
  });
}

describe("dynamic thresholding against diffusers", () => {
  it.each(
    golden.cases.map((one) => [`${one.count} numbers at ${one.ratio}, at most ${one.most}`, one] as const),
  )("%s", (_, one) => {
    const picture = makePicture(one);
    const { ratio, most, every, limited } = one;
    const quantile = getQuantile(picture.map(Math.abs), ratio);
    expect(Math.abs(quantile - one.quantile)).toBeLessThanOrEqual(2e-7 * one.quantile);
    const found = thresholdDynamically({ ratio, most })(picture).filter((_, i) => i % every === 0);
    for (const [i, value] of limited.entries()) expect(found[i]).toBeCloseTo(value, 6);
  });

  it("limits each picture by its own values", async () => {
    const [bright, dull] = [golden.cases[0]!, golden.cases[1]!].map(makePicture) as [
      Float32Array,
      Float32Array,
    ];
    const limit = thresholdDynamically({ ratio: 0.95, most: 100 });
    const denoise = limitDenoiser(async () => Float32Array.from([...bright, ...dull]), limit);
    const found = await denoise(new Float32Array(24), 1, ["a", "b"]);
    expect([...found]).toEqual([...limit(bright), ...limit(dull)]);
  });

  it("leaves pictures within [-1, 1] as they are", () => {
    const picture = Float32Array.of(0.3, -1, 0.99, 0);
    expect(thresholdDynamically({ ratio: 0.95, most: 1.5 })(picture)).toEqual(picture);
  });
});

describe("static thresholding", () => {
  it("clips", () => {
    expect([...clipTo(2)(Float32Array.of(-3, -2, 0.5, 7))]).toEqual([-2, -2, 0.5, 2]);
  });

  it("refuses ranges that are none", () => {
    expect(() => clipTo(0)).toThrow("range: expected a number above 0, got 0");
    expect(() => thresholdDynamically({ ratio: 2, most: 1 })).toThrow("ratio: expected a number from 0 to 1");
    expect(() => thresholdDynamically({ ratio: 0.5, most: 0.5 })).toThrow("most: expected a number from 1");
  });
});

describe("a published model's limit", () => {
  const picture = Float32Array.of(4, -0.5, 0.25, 3);
  it.each([
    [
      {
        _class_name: "DDPMScheduler",
        thresholding: true,
        dynamic_thresholding_ratio: 1,
        sample_max_value: 2,
      },
      [1, -0.25, 0.125, 1],
    ],
    [{ _class_name: "DDPMScheduler", thresholding: true }, [1, -0.5, 0.25, 1]],
    [{ _class_name: "DDPMScheduler" }, [1, -0.5, 0.25, 1]],
    [{ _class_name: "DDPMScheduler", clip_sample_range: 3.5 }, [3.5, -0.5, 0.25, 3]],
    [{ _class_name: "DDPMScheduler", clip_sample: false }, undefined],
    [{ _class_name: "EulerDiscreteScheduler" }, undefined],
  ])("%j", (json, expected) => {
    const limit = getTrainedLimit(readScheduler(json, "pixels"));
    expect(limit && [...limit(picture)]).toEqual(expected);
  });
});

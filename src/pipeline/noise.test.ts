import { describe, expect, it } from "vitest";
import { random } from "../random/index.js";
import { makeImageNoise, mixNoise } from "./noise.js";

const shape = [4, 8, 6] as const;
const size = 4 * 8 * 6;
const [one, two] = [1, 2].map((seed) => random(seed).normals(size)) as [Float32Array, Float32Array];

/** Length of column k of channel i. */
function lengthOf(noise: Float32Array, i: number, k: number): number {
  return Math.hypot(...Array.from({ length: 8 }, (_, j) => noise[(i * 8 + j) * 6 + k]!));
}

describe("mixing noise", () => {
  it("gives the first at 0 and the second at 1", () => {
    mixNoise(one, two, 0, shape).forEach((value, i) => {
      expect(value).toBeCloseTo(one[i]!, 6);
    });
    mixNoise(one, two, 1, shape).forEach((value, i) => {
      expect(value).toBeCloseTo(two[i]!, 6);
    });
  });

  it("goes along the arc between two columns of one length", () => {
    const turned = Float32Array.from(two, (value, index) => {
      const [i, k] = [Math.floor(index / 48), index % 6];
      return (value * lengthOf(one, i, k)) / lengthOf(two, i, k);
    });
    const middle = mixNoise(one, turned, 0.4, shape);
    for (let i = 0; i < 4; i++)
      for (let k = 0; k < 6; k++) expect(lengthOf(middle, i, k)).toBeCloseTo(lengthOf(one, i, k), 4);
  });

  it("goes straight between noises that are almost one", () => {
    const near = one.map((value) => value * 1.5);
    mixNoise(one, near, 0.5, shape).forEach((value, i) => {
      expect(value).toBeCloseTo(one[i]! * 1.25, 5);
    });
  });
});

describe("the noise of a picture", () => {
  it("comes one after another from torch's generator", () => {
    const [noise, other] = [3, 3].map((seed) =>
      makeImageNoise("torch-cpu", { seed }).forStage({ name: "base", shape }),
    );
    const first = noise!.initial();
    expect(noise!.steps(0)).not.toEqual(first);
    expect(other!.encoding("image")).toEqual(first);
  });

  it("is addressed by what it is for, so that none shifts another", () => {
    const noise = makeImageNoise("nishiki", { seed: 3 }).forStage({ name: "base", shape });
    const first = noise.initial();
    noise.encoding("image");
    expect(makeImageNoise("nishiki", { seed: 3 }).forStage({ name: "base", shape }).initial()).toEqual(first);
    expect(noise.steps(1)).not.toEqual(noise.steps(0));
    expect(noise.steps(0)).not.toEqual(first);
    expect(noise.encoding("image")).not.toEqual(noise.encoding("masked image"));
  });

  it("differs from stage to stage, and goes on in torch's generator", () => {
    for (const rng of ["nishiki", "torch-cpu"] as const) {
      const noise = makeImageNoise(rng, { seed: 3 });
      const [first, second] = ["prior", "base"].map((name) => noise.forStage({ name, shape }).initial());
      expect(second).not.toEqual(first);
    }
  });

  it("mixes variations of latents of any rank", () => {
    const stage = { name: "prior", shape: [12] };
    const initial = (strength: number) =>
      makeImageNoise("nishiki", { seed: 3, variation: { seed: 4, strength } })
        .forStage(stage)
        .initial();
    expect(initial(0)).toEqual(makeImageNoise("nishiki", { seed: 3 }).forStage(stage).initial());
    expect(initial(0.5)).not.toEqual(initial(0));
    expect(initial(0.5)).toHaveLength(12);
  });
});

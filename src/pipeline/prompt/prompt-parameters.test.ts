import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestContext } from "../request-context.js";
import { parsePromptParameters } from "./prompt-parameters.js";

const large: RequestContext = {
  defaults: { steps: 20, guidance: 7, sampler: "euler" },
  sizes: { usual: { width: 1024, height: 1024 }, range: { step: 8, least: 64, most: 4096 } },
  takes: ["variation", "seamless"],
};
const small: RequestContext = {
  defaults: { steps: 20, guidance: 4.5, sampler: "euler" },
  sizes: { usual: { width: 256, height: 256 } },
  takes: ["variation", "fast"],
};
const read = (prompt: string, context = large) => parsePromptParameters(prompt, context);
const one = (prompt: string, context = large) => {
  const { requests } = read(prompt, context);
  expect(requests.length).toBe(1);
  return requests[0]!;
};

describe("parameters", () => {
  it.each([
    ["a cat --seed 7 --no grass, trees", { prompt: "a cat", seed: 7, negativePrompt: "grass, trees" }],
    ["a cat —no grass –seed 7", { prompt: "a cat", seed: 7, negativePrompt: "grass" }],
    ["a cat --q .5", { prompt: "a cat", steps: 10 }],
    ["a cat --QUALITY 2", { prompt: "a cat", steps: 40 }],
    ["a cat --tile --raw --style raw", { prompt: "a cat", seamless: true }],
    ["a cat --s 100", { prompt: "a cat" }],
    ["a cat --chaos 100", { prompt: "a cat", variation: { strength: 1 } }],
    ["a cat --draft", { prompt: "a cat", steps: 10 }],
  ])("%s", (prompt, expected) => {
    expect(one(prompt)).toEqual(expected);
  });

  it("chooses sizes of the ratio, with the model's number of pixels", () => {
    for (const [ratio, value] of [
      ["16:9", 16 / 9],
      ["3:2", 1.5],
      ["1:1", 1],
      ["2:3", 2 / 3],
      ["9:16", 9 / 16],
    ] as const) {
      const { width, height } = one(`a cat --ar ${ratio}`).size as { width: number; height: number };
      expect([width % 64, height % 64]).toEqual([0, 0]);
      expect(Math.abs(width / height / value - 1)).toBeLessThan(0.06);
      expect(Math.abs((width * height) / 1024 ** 2 - 1)).toBeLessThan(0.07);
    }
    expect(one("a cat --ar 1:1", small)).toEqual({ prompt: "a cat" });
    expect(() => read("a cat --ar 3:2", small)).toThrow(/draws squares only/);
  });

  it("draws more style with less guidance, and says so", () => {
    const scale = (stylize: number) => one(`a cat --stylize ${stylize}`).guidance!;
    expect(scale(0)).toBeGreaterThan(7);
    expect(scale(400)).toBeLessThan(7);
    expect(scale(1000)).toBeGreaterThan(1);
    expect(read("a cat --s 400").notices[0]).toMatch(/guidance scale of/);
    expect(one("a cat --draft", small)).toEqual({ prompt: "a cat", fast: true });
  });

  it("repeats with seeds of their own", () => {
    expect(read("a cat --repeat 3 --seed 10").requests.map(({ seed }) => seed)).toEqual([10, 14, 18]);
    expect(read("a cat --r 2").requests).toEqual([{ prompt: "a cat" }, { prompt: "a cat" }]);
  });

  it("ignores what belongs to the service, once, and refuses what has no counterpart", () => {
    expect(read("a cat --relax").notices).toEqual([expect.stringMatching(/service/)]);
    for (const prompt of [
      "a cat --v 7",
      "a cat --sref 123",
      "a cat --style cute",
      "a::2 b --seed 1",
      "a cat --stop 50",
    ])
      expect(() => read(prompt)).toThrow(/no counterpart here/);
    expect(() => read("a cat --seed 1 --chaso 5")).toThrow(/--chaos/);
    expect(() => read("a cat --seed x")).toThrow(/whole number/);
    expect(() => read("a cat --q 3")).toThrow(/0.25, 0.5, 1, 2 or 4/);
  });
});

it("leaves prose with dashes alone", () => {
  for (const prompt of [
    "a cat -- asleep",
    "a well--known cat",
    "a cat --- b",
    "cat — asleep on a chair",
    "a--seed 7",
    "a::2 b",
  ])
    expect(read(prompt)).toMatchObject({ requests: [{ prompt }], notices: [], hasParameters: false });
});

it("expands permutations, also nested and in parameters", () => {
  const prompts = (text: string) => read(text).requests.map(({ prompt }) => prompt);
  expect(prompts("a {red, green} {cat, dog}")).toEqual([
    "a red cat",
    "a red dog",
    "a green cat",
    "a green dog",
  ]);
  expect(prompts("a {red, {dark, light} blue} cat")).toEqual([
    "a red cat",
    "a dark blue cat",
    "a light blue cat",
  ]);
  expect(read("a cat --seed {1, 2}").requests.map(({ seed }) => seed)).toEqual([1, 2]);
  expect(prompts("a {red\\, dark} cat")).toEqual(["a {red\\, dark} cat"]);
  expect(prompts("a {red} cat")).toEqual(["a {red} cat"]);
  expect(() => prompts("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")).toThrow(/permutations/);
});

it("reads anything or says why not", () => {
  const text = fc.string({
    unit: fc.constantFrom("-", "—", " ", "a", "s", "1", "{", "}", ",", ":", "no", "seed", "\\"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (prompt) => {
      try {
        expect(read(prompt).requests.length).toBeGreaterThan(0);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("usage");
      }
    }),
  );
});

import { expect, it } from "vitest";
import type { AttentionRecord, PromptTokens } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import { Attribution, resizeMap, type WordMap, wordsAt } from "./attribution.js";
import { scoreMap, thresholds } from "./score-attribution.js";

const tokens: PromptTokens = {
  text: "a cat",
  tokens: ["", "a", "ca", "t", ""],
  words: [
    { text: "a", positions: [1] },
    { text: "cat", positions: [2, 3] },
  ],
};

/** A map of 1x2 positions and five tokens. */
const record = (data: readonly number[], conditioning: "cond" | "uncond" = "cond"): AttentionRecord => ({
  time: 1,
  conditioning,
  maps: [{ kind: "attention", layer: "one", height: 1, width: 2, tokens: 5, data: Float32Array.from(data) }],
});

it("averages a word's tokens over the prompt's evaluations alone", () => {
  const attribution = new Attribution();
  attribution.add(record([0.5, 0.1, 0.2, 0.2, 0, 0.5, 0.3, 0.1, 0.1, 0]));
  attribution.add(record([0, 0, 1, 1, 0, 0, 0, 1, 1, 0], "uncond"));
  attribution.add(record([0.5, 0.3, 0.1, 0.1, 0, 0.5, 0.1, 0.2, 0.2, 0]));
  const [a, cat] = attribution.wordMaps(tokens) as [WordMap, WordMap];
  const rounded = ({ data }: WordMap) => Array.from(data, (value) => Number(value.toFixed(6)));
  expect(rounded(a)).toEqual([0.2, 0.2]);
  expect(rounded(cat)).toEqual([0.15, 0.15]);
  expect(a.share).toBeCloseTo(0.4 / 0.7, 6);
});

it("gives the words at a place, strongest first", () => {
  const attribution = new Attribution();
  attribution.add(record([0, 0.9, 0.1, 0.1, 0, 0, 0.1, 0.8, 0.8, 0]));
  const maps = attribution.wordMaps(tokens);
  expect(wordsAt(maps, 0.1, 0.5).map(({ word }) => word)).toEqual(["a", "cat"]);
  expect(wordsAt(maps, 1, 1).map(({ word }) => word)).toEqual(["cat", "a"]);
});

it("needs a recorded drawing", () => {
  expect(() => new Attribution().wordMaps(tokens)).toThrow(/No attention was recorded/);
});

it("resizes within the range of its values, and keeps constants", () => {
  const large = resizeMap([0, 1, 0, 1], { height: 2, width: 2 }, { height: 6, width: 8 });
  expect(Math.min(...large)).toBe(0);
  expect(Math.max(...large)).toBe(1);
  expect([...resizeMap([0.3], { height: 1, width: 1 }, { height: 2, width: 2 })]).toEqual([
    0.3, 0.3, 0.3, 0.3,
  ]);
});

it("scores a map against a mask", () => {
  const mask = Uint8Array.from([255, 0, 0, 0]);
  const { iou, isHit } = scoreMap({ height: 2, width: 2, data: Float32Array.of(1, 0.35, 0, 0) }, mask, 2);
  expect(isHit).toBe(true);
  expect(iou[thresholds.indexOf(0.4)]).toBe(1);
  expect(iou[thresholds.indexOf(0.3)]).toBe(0.5);
  expect(scoreMap({ height: 2, width: 2, data: Float32Array.of(0, 1, 0, 0) }, mask, 2).isHit).toBe(false);
});

/** The horizontal centre of a map's attention, 0 to 1. */
function centreOf({ data, width }: WordMap): number {
  let [sum, moment] = [0, 0];
  data.forEach((value, i) => {
    sum += value;
    moment += value * (((i % width) + 0.5) / width);
  });
  return moment / sum;
}

it("finds the things of a drawing where the prompt puts them", async () => {
  await using pipeline = await loadPipeline({ device: "cpu", threads: 1 });
  const pairs = [
    ["cat", "house"],
    ["apple", "dog"],
    ["tree", "star"],
  ] as const;
  for (const [left, right] of pairs) {
    const attribution = new Attribution();
    let seen: PromptTokens | undefined;
    const probe = {
      onTokens: ({ cond }: { readonly cond: PromptTokens }) => {
        seen = cond;
      },
      onAttention: attribution.add,
    };
    const prompt = `a ${left} to the left of a ${right}`;
    for await (const _ of pipeline.generate({ prompt, seed: 1 }, { probe }));
    const maps = attribution.wordMaps(seen!);
    const find = (word: string) => maps.find((map) => map.word === word)!;
    expect(centreOf(find(left))).toBeLessThan(0.5);
    expect(centreOf(find(right))).toBeGreaterThan(0.5);
  }
});

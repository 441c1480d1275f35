// Plans of everyday prompts, for the embedded model as it is and for one that draws up to six things.
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findPackageRoot } from "../../../../engine/node.js";
import { readKnownWords } from "../node-known-words.js";
import { everydayWords, grounds } from "./everyday-words.js";
import { makePlanner, type Planner } from "./planner.js";
import { firstScenes } from "./scene-plan.js";

let first: Planner;
let many: Planner;

beforeAll(async () => {
  const known = await readKnownWords(join(findPackageRoot()!, "weights", "words.safetensors"));
  first = makePlanner(known);
  const styles = [...firstScenes.styles, "noto", "outlined", "gouache"];
  many = makePlanner(known, { kinds: 6, backgrounds: Object.keys(grounds), styles });
});

const drawn = (planner: Planner, prompt: string) => planner.plan(prompt).prompt;

describe("a plan for the first models", () => {
  it.each([
    ["a mountain lake at sunrise", "a mountain at sunset"],
    ["a coffee shop's logo", "a cup of coffee, flat style"],
    ["three cats and a dog", "a cat and a dog"],
    ["a cozy cabin in the woods in winter", "a hut and a pine tree in the snow"],
    ["a robot riding a bicycle", "a robot above a bicycle"],
    ["a cat wearing a top hat", "a top hat above a cat"],
    ["a whale under the moon", "a moon above a whale"],
    ["a red umbrella on a beach", "a red umbrella by the sea"],
    ["comb, green", "a green comb"],
    [
      "blue cat against a sunset background in style of Pablo Picasso",
      "a blue cat at sunset, cubist painting",
    ],
    ["a guitar on a blue background", "a guitar on a blue background"],
    ["a teapot on yellow dots", "a teapot on yellow dots"],
    ["four bananas", "four bananas"],
    ["a stone castle and a dog house", "a castle and a house"],
    ["a girl who does a drawing of a sweet cat", "a cat"],
    ["two foxes", "two foxes"],
    ["a magical forest with mushrooms and a unicorn", "a mushroom and a unicorn"],
    ["two astronauts on the moon", null],
    ["a city street at night in the rain", "an office building at night"],
    ["some fires", "fire"],
    ["a sloop on a creek", null],
    ["a red sports car on a mountain road", "a red car and a mountain"],
    ["A Photo of a GREY wolf, 4k", "a grey wolf"],
  ])("draws of %j %j", (prompt, expected) => expect(drawn(first, prompt)).toBe(expected));

  it("says what was taken for what, and what is left out", () => {
    const { sentences, changes, leftOut } = first.plan("a photo of a happy dog by a lake with a woman");
    expect(changes).toEqual([{ from: "lake", to: "by the sea" }]);
    expect(leftOut).toEqual(["photo", "happy", "woman"]);
    expect(sentences).toEqual([
      'Drawn as: "a dog by the sea".',
      'Taken for: "lake" as "by the sea".',
      "It makes no photographs: its pictures are drawings.",
      "It draws no people.",
      "Left out: photo, happy, woman.",
    ]);
  });

  it("tells words that may name a thing from others", () => {
    expect(first.plan("a happy cat with a sloop, jumping").unknown).toEqual(["sloop"]);
    expect(first.plan("a treehouse").unknown).toEqual(["treehouse"]);
  });

  it.each([
    ["a portrait of a woman", /no people/],
    ["HELLO", /cannot write/],
    ["freedom", /not ideas/],
    ["an emoji", /Name something/],
    ["qwertz", /Nothing of "qwertz"/],
    ["", /Nothing of/],
  ])("says of %j plainly that it cannot be drawn", (prompt, reason) => {
    const { plan, prompt: said, sentences } = first.plan(prompt);
    expect([plan, said]).toEqual([null, null]);
    expect(sentences.join(" ")).toMatch(reason);
    expect(sentences.join(" ")).toMatch(/It draws 738 things.*Other models draw more/);
  });
});

it.each([
  ["a cozy cabin in the woods in winter", "a hut in the snowy woods"],
  ["three cats and a dog", "three cats and a dog"],
  ["a robot riding a bicycle", "a robot on a bicycle"],
  ["a house behind a dog", "a dog in front of a house"],
  ["a house with a tree, two dogs and a sun", "a house, a tree, two dogs and a sun"],
  ["an oil painting of a fox on the road", "a fox on the road, gouache painting"],
])("a plan for models of many things draws of %j %j", (prompt, expected) =>
  expect(drawn(many, prompt)).toBe(expected),
);

it("reads plans that a person changed, and says what of them is not possible", () => {
  const { plan } = first.plan("a cozy cabin in the woods in winter");
  const changed = { ...plan, things: [{ name: "house", colour: "blue" }], ground: { name: "night sky" } };
  expect(first.say(changed).prompt).toBe("a blue house at night");
  expect(first.say(JSON.parse(JSON.stringify(plan))).plan).toEqual(plan);
  const wrong = (value: unknown) => () => first.say(value);
  expect(wrong({ things: [{ name: "unicorm" }] })).toThrow(/does not draw "unicorm"/);
  expect(wrong({ things: [] })).toThrow(/things/);
  expect(wrong({ things: [{ name: "cat", count: 3 }, { name: "dog" }] })).toThrow(/only by themselves/);
  expect(wrong({ things: [{ name: "cat" }], ground: { name: "forest" } })).toThrow(
    /plan.ground.name: expected one of/,
  );
  expect(wrong({ things: [{ name: "cat" }], style: "gouache" })).toThrow(/plan.style/);
  expect(wrong({ thing: "cat" })).toThrow(/thing/);
});

it("takes no word of long prompts for another one, however they are written", () => {
  const long = `a cat ${"very ".repeat(5000)}big`;
  expect(drawn(first, long)).toBe("a cat");
  for (const words of everydayWords.keys()) expect(words).toBe(words.toLowerCase().trim());
});

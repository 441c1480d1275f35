// Forms that captions of training never had are told; what captions do have is not.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  backgroundNames,
  describeScene,
  sceneMix,
  styleNames,
  vocabulary,
  wholeCatalogue,
} from "../../../data/index.js";
import { embeddedMix } from "../../../evaluate/index.js";
import { embeddedModel } from "../../node.js";
import { captionNames } from "./caption-names.js";
import { readKnownWords } from "./node-known-words.js";
import { describeForms } from "./prompt-forms.js";

const known = await readKnownWords(join(embeddedModel, "words.safetensors"));
const tell = (prompt: string) => describeForms(prompt, prompt, known).join(" ");

it("knows the names that the vocabulary has", () => {
  const theirs = vocabulary.flatMap(({ name, synonyms }) => synonyms.map((other) => [other, name] as const));
  expect([...captionNames].sort()).toEqual([...new Map(theirs)].sort());
});

it("says nothing of captions of training", () => {
  const told = Array.from(
    { length: 3000 },
    (_, i) => describeScene(5, i, embeddedMix, wholeCatalogue).caption,
  )
    .map((caption) => [caption, tell(caption)])
    .filter(([, sentences]) => sentences !== "");
  expect(told).toEqual([]);
});

it("says nothing of captions of scenes with many things, for a model that learned them", () => {
  const styles = Object.fromEntries(styleNames.map((name) => [name, 1]));
  const mix = sceneMix({ ...embeddedMix, backgrounds: backgroundNames, styles, manyThings: 0.6 });
  const told = Array.from({ length: 3000 }, (_, i) => describeScene(6, i, mix, wholeCatalogue).caption)
    .map((caption) => [caption, describeForms(caption, caption, known, 6).join(" ")])
    .filter(([, sentences]) => sentences !== "");
  expect(told).toEqual([]);
  expect(describeForms("three cats and a dog", "three cats and a dog", known, 6)).toEqual([]);
  const seven = "a cat, a dog, a bird, a fish, a car, a tree and a house";
  expect(describeForms(seven, seven, known, 6)[0]).toMatch(/at most six different objects.*names 7/);
});

describe("what no caption had", () => {
  it.each([
    ["three cats and a dog", /not learned "three" of one object beside another \(cat, dog\)/],
    ["a cat with two dogs", /not learned "two" of one object beside another/],
    ["red car and blue car", /two different versions of one object: it draws one "car"/],
    ["a red cat and two green cats", /two different versions of one object: it draws one "cat"/],
    ["a cat, a dog and a bird", /at most two different objects.*names 3: cat, dog, bird/],
    ["oil painting", /individually, but not in combination: "oil painting"/],
    ["an oil painting of a cat", /combination: "oil painting"/],
    ["coffee shop", /combination: "coffee shop"/],
    ["a cat house in the snow", /combination: "cat house"/],
    ["3 cats", /counts in words.*does not know: 3/],
    ["😀", /not read emoji: 😀/],
    ["🐱 on 🌊", /not read emoji: 🐱 🌊/],
    ["!?", /contains no words/],
  ])("%s", (prompt, sentence) => {
    expect(tell(prompt)).toMatch(sentence);
  });
});

it.each([
  "three cats",
  "four red apples on a blue background",
  "a red cat and a blue dog",
  "a cup of coffee next to a wine glass",
  "a cat silhouette",
  "a fox, woodblock print",
  "a stained glass window with a fish",
  "a castle by the sea at sunset",
  "a puppy and a kitten",
  "pixel art of a rocket, 8-bit style",
  "",
])("nothing of %s", (prompt) => {
  expect(tell(prompt)).toBe("");
});

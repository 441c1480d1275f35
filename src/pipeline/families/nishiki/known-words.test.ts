import { describe, expect, it } from "vitest";
import { describeName, type KnownWords, meanState, understand } from "./known-words.js";

const vectors: Record<string, readonly number[]> = {
  cat: [1, 0, 0, 0],
  apple: [0, 1, 0, 0],
  grapes: [0, 0, 1, 0],
  feline: [0.9, 0.3, 0, 0.3],
  felines: [0.9, 0.3, 0, 0.3],
  pome: [0.1, 0.95, 0, 0.3],
  raisins: [0, 0.2, 0.9, 0.3],
  "house feline": [0.9, 0.2, 0, 0.2],
  woman: [0.8, 0, 0, 0.6],
  person: [0.6, 0, 0, 0.8],
  felix: [0.9, 0.3, 0, 0.3],
  nonsense: [0.3, 0.3, 0.3, 0.85],
  rembrandt: [0.9, 0.3, 0, 0.3],
  shiny: [0.9, 0.3, 0, 0.3],
  sitting: [0.9, 0.3, 0, 0.3],
};

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

const words =
  "a an the of in style drawing by two and left to cat cats apple apples grapes red flat sunset orange blue lemon with on background plain".split(
    " ",
  );
const names = [
  { name: "cat", plural: "cats", article: "a" },
  { name: "apple", plural: "apples", article: "an" },
  { name: "grapes", plural: null, article: null },
] as const;
const known: KnownWords = {
  words: new Set(words),
  nouns: new Set(["cat", "cats", "apple", "apples", "grapes", "with"]),
  colours: new Set(["red", "orange", "blue"]),
  names,
  vectors: Float32Array.from(names.flatMap(({ name }) => [...unit(vectors[name]!)])),
  others: unit(vectors.person!),
};

const asked: string[] = [];
async function embed(text: string): Promise<Float32Array> {
  asked.push(text);
  const [, word] = /^a picture of an? (.+)$/.exec(text)!;
  return unit(vectors[word!] ?? [0, 0, 0, 1]);
}

describe("understand", () => {
  it.each([
    ["a feline", "a cat"],
    ["feline", "cat"],
    ["Feline, flat style", "cat, flat style"],
    ["a red feline and an apple", "a red cat and an apple"],
    ["an apple and a feline in a sunset", "an apple and a cat in a sunset"],
    ["a pome", "an apple"],
    ["a drawing of a feline", "a drawing of a cat"],
    ["a drawing of feline", "a drawing of cat"],
    ["two felines", "two cats"],
    ["two red felines", "two red cats"],
    ["a raisins", "grapes"],
    ["a feline with an apple", "a cat with an apple"],
    ["a house feline in flat style", "a cat in flat style"],
    ["a house-feline", "a house-feline"],
  ])("%s → %s", async (prompt, wanted) => {
    vectors["house-feline"] = [0, 0, 0, 1];
    expect((await understand(prompt, known, embed)).prompt).toBe(wanted);
  });

  it.each([
    ["a crimson cat", "a red cat"],
    ["Crimson cat", "red cat"],
    ["an amber cat", "an orange cat"],
    ["a copper apple", "an orange apple"],
    ["a crimson apple", "a red apple"],
    ["an azure apple and two ruby cats", "a blue apple and two red cats"],
    ["two crimson felines", "two red cats"],
    ["a navy blue feline in flat style", "a blue cat in flat style"],
    ["a dark-blue cat", "a blue cat"],
    ["a lemon-coloured cat", "an orange cat"],
    ["a cat, crimson", "a cat, red"],
    ["a cat, ruby, flat style", "a cat, red, flat style"],
    ["a cat on an amber background", "a cat on an orange background"],
    ["a cat, navy background", "a cat, blue background"],
    ["a cat on plain navy", "a cat on plain blue"],
    ["a ruby ruby cat", "a red cat"],
  ])("colours: %s → %s", async (prompt, wanted) => {
    expect((await understand(prompt, known, embed)).prompt).toBe(wanted);
  });

  it("says which colour it put for which", async () => {
    const { replaced, unknown } = await understand(
      "a sky blue feline, shiny, and a crimson cat",
      known,
      embed,
    );
    expect(unknown).toEqual(["shiny"]);
    expect(replaced).toEqual([
      { from: "sky blue", to: "blue" },
      { from: "feline", to: "cat" },
      { from: "crimson", to: "red" },
    ]);
  });

  it.each([
    ["a cat in the style of Rembrandt", "Rembrandt"],
    ["a cat by Rembrandt", "Rembrandt"],
    ["a shiny cat", "shiny"],
    ["a cat sitting", "sitting"],
    ["a cat, shiny", "shiny"],
    ["a ruby", "ruby"],
    ["a ruby and a cat", "ruby"],
    ["a ruby with a cat", "ruby"],
    ["a cat and a ruby, flat style", "ruby"],
    ["a ruby nonsense", "ruby nonsense"],
    ["a drawing of a Ruby cat", "Ruby"],
    ["a lemon cat", undefined],
    ["a nonsense", "nonsense"],
    ["a woman", "woman"],
    ["a drawing of Felix", "Felix"],
    ["a of", undefined],
    ["a cat 42", undefined],
  ])("leaves %s as it is", async (prompt, unknown) => {
    const found = await understand(prompt, known, embed);
    expect(found).toEqual({ prompt, replaced: [], unknown: unknown === undefined ? [] : [unknown] });
  });

  it("asks for nothing where every word is known, and says what it replaced", async () => {
    asked.length = 0;
    expect(await understand("two red cats", known, embed)).toEqual({
      prompt: "two red cats",
      replaced: [],
      unknown: [],
    });
    expect(asked).toEqual([]);
    const { replaced } = await understand("a pome and a feline", known, embed);
    expect(replaced).toEqual([
      { from: "pome", to: "apple" },
      { from: "feline", to: "cat" },
    ]);
  });
});

describe("meanState", () => {
  it("is the direction of the mean over what is no padding", () => {
    const states = Float32Array.of(3, 0, 0, 8, 100, 100);
    const mean = meanState(states, Float32Array.of(1, 1, 0));
    expect(mean[0]).toBeCloseTo(3 / Math.hypot(3, 8), 6);
    expect(mean[1]).toBeCloseTo(8 / Math.hypot(3, 8), 6);
  });
});

it("describes names with the article that they sound with", () => {
  expect([describeName("cat"), describeName("apple")]).toEqual([
    "a picture of a cat",
    "a picture of an apple",
  ]);
});

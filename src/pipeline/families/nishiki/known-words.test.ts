import { describe, expect, it } from "vitest";
import {
  describeName,
  describeWords,
  type KnownWords,
  keepKnown,
  meanState,
  understand,
} from "./known-words.js";
import { nameFor } from "./other-names.js";

const vectors: Record<string, readonly number[]> = {
  cat: [1, 0, 0, 0],
  airplane: [0, 1, 0, 0],
  jeans: [0, 0, 1, 0],
  feline: [0.9, 0.3, 0, 0.3],
  felines: [0.9, 0.3, 0, 0.3],
  jet: [0.1, 0.95, 0, 0.3],
  trousers: [0, 0.2, 0.9, 0.3],
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
  "a an the of in style drawing by two and left to cat cats airplane airplanes jeans red flat sunset orange blue lemon with on background plain".split(
    " ",
  );
const names = [
  { name: "cat", plural: "cats", article: "a" },
  { name: "airplane", plural: "airplanes", article: "an" },
  { name: "jeans", plural: null, article: null },
] as const;
const known: KnownWords = {
  words: new Set(words),
  nouns: new Set(["cat", "cats", "airplane", "airplanes", "jeans", "with"]),
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
    ["a red feline and an airplane", "a red cat and an airplane"],
    ["an airplane and a feline in a sunset", "an airplane and a cat in a sunset"],
    ["a jet", "an airplane"],
    ["a drawing of a feline", "a drawing of a cat"],
    ["a drawing of feline", "a drawing of cat"],
    ["two felines", "two cats"],
    ["two red felines", "two red cats"],
    ["a trousers", "jeans"],
    ["a feline with an airplane", "a cat with an airplane"],
    ["a house feline in flat style", "a house cat in flat style"],
    ["a house-feline", "a house-feline"],
  ])("%s → %s", async (prompt, wanted) => {
    vectors["house-feline"] = [0, 0, 0, 1];
    expect((await understand(prompt, known, embed)).prompt).toBe(wanted);
  });

  it.each([
    ["a crimson cat", "a red cat"],
    ["Crimson cat", "red cat"],
    ["an amber cat", "an orange cat"],
    ["a copper airplane", "an orange airplane"],
    ["a crimson airplane", "a red airplane"],
    ["an azure airplane and two ruby cats", "a blue airplane and two red cats"],
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
    expect(unknown).toEqual([{ words: "shiny", nearest: [] }]);
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
    const left = unknown === undefined ? [] : [{ words: unknown, nearest: [] }];
    expect(found).toEqual({ prompt, replaced: [], unknown: left });
  });

  it("asks for nothing where every word is known, and says what it replaced", async () => {
    asked.length = 0;
    expect(await understand("two red cats", known, embed)).toEqual({
      prompt: "two red cats",
      replaced: [],
      unknown: [],
    });
    expect(asked).toEqual([]);
    const { replaced } = await understand("a jet and a feline", known, embed);
    expect(replaced).toEqual([
      { from: "jet", to: "airplane" },
      { from: "feline", to: "cat" },
    ]);
  });
});

describe("what the model cannot draw", () => {
  it("stays as it is, and what comes nearest is suggested and not drawn", async () => {
    vectors.lake = [0.7, 0.6, 0, 0.1];
    const understood = await understand("a lake and a jet by Rembrandt", known, embed);
    expect(understood.prompt).toBe("a lake and an airplane by Rembrandt");
    expect(understood.unknown).toEqual([
      { words: "lake", nearest: ["cat", "airplane"] },
      { words: "Rembrandt", nearest: [] },
    ]);
    expect(describeWords(understood)).toEqual([
      'The model does not know the word "jet"; it draws "airplane".',
      'The model cannot draw "lake". The closest objects that it can draw: "cat", "airplane".',
      "The model does not know these words: Rembrandt.",
    ]);
  });

  it("is looked for in the first 256 words, and told once and in short", async () => {
    const prompt = "a jet ".repeat(16_000);
    const understood = await understand(prompt, known, embed);
    expect(understood.replaced.length).toBe(128);
    expect(understood.prompt.endsWith("a jet ")).toBe(true);
    expect(describeWords(understood)).toEqual([
      'The model does not know the word "jet"; it draws "airplane".',
    ]);
    const strange = await understand(`${"qzx\u001b ".repeat(9)}${"w".repeat(99_000)}`, known, embed);
    const [sentence, ...rest] = describeWords(strange);
    expect(rest).toEqual([]);
    expect(sentence!.length).toBeLessThan(400);
    expect((await keepKnown("qzx,".repeat(9999), known, embed)).leftOut.length).toBe(256);
  });

  it("is left out of negative prompts part by part", async () => {
    expect(await keepKnown("blurry", known, embed)).toEqual({ kept: "", leftOut: ["blurry"] });
    expect(await keepKnown("blurry, a crimson feline , lake,", known, embed)).toEqual({
      kept: "a red cat",
      leftOut: ["blurry", "lake"],
    });
  });
});

describe("nameFor", () => {
  it.each([
    ["feline", "cat"],
    ["felines", "cat"],
    ["daisies", "flower"],
    ["calves", "cow"],
    ["wrenches", undefined],
    ["peaches", undefined],
    ["lake", undefined],
    ["ocean", undefined],
    ["logo", undefined],
    ["ham", undefined],
    ["constructor", undefined],
  ])("%s → %s", (word, name) => expect(nameFor(word)).toBe(name));
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
  expect([describeName("cat"), describeName("airplane")]).toEqual([
    "a picture of a cat",
    "a picture of an airplane",
  ]);
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { makeTokenizer } from "./index.js";

const json: unknown = JSON.parse(readFileSync("weights/tokenizer.json", "utf8"));
// Made with the Rust `tokenizers` library; versions and command are in the file. See tests/golden/scripts/minilm.py.
const golden: { cases: { text: string; ids: number[] }[] } = JSON.parse(
  readFileSync("tests/golden/minilm-tokens.json", "utf8"),
);
const tokenizer = makeTokenizer(json);

describe("ids", () => {
  it.each(golden.cases)("equal the reference for $text", ({ text, ids }) => {
    expect(tokenizer.encode(text).ids).toEqual(ids);
  });

  it("of an empty text are the two ends", () => {
    expect(tokenizer.encode("")).toEqual({
      ids: [101, 102],
      tokens: ["[CLS]", "[SEP]"],
      words: [],
      dropped: [],
    });
  });
});

describe("words", () => {
  it("know their tokens", () => {
    const { tokens, words, dropped } = tokenizer.encode("cactus and keyboard, style by Hiroshige");
    const spelled = words.map(({ text, start, end }) => [text, tokens.slice(start, end).join(" ")]);
    expect(spelled).toEqual([
      ["cactus", "cactus"],
      ["and", "and"],
      ["keyboard,", "keyboard ,"],
      ["style", "style"],
      ["by", "by"],
      ["Hiroshige", "hiroshi ##ge"],
    ]);
    expect(dropped).toEqual([]);
  });

  it("cover every token between the ends exactly once, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const { ids, words } = tokenizer.encode(text);
        const covered = words.flatMap(({ start, end }) =>
          Array.from({ length: end - start }, (_, i) => start + i),
        );
        expect(covered).toEqual(Array.from({ length: ids.length - 2 }, (_, i) => i + 1));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("too long a text", () => {
  const short = makeTokenizer(json, { maxTokens: 8 });

  it("keeps what fits, keeps the ends, and lists the words that did not fit", () => {
    const { ids, tokens, words, dropped } = short.encode("blue cat against a sunset background in style");
    expect(tokens).toEqual(["[CLS]", "blue", "cat", "against", "a", "sunset", "background", "[SEP]"]);
    expect(ids).toHaveLength(8);
    expect(words.map(({ text }) => text)).toEqual(["blue", "cat", "against", "a", "sunset", "background"]);
    expect(dropped).toEqual(["in", "style"]);
  });

  it("lists a word of which only a part fitted", () => {
    const { tokens, words, dropped } = short.encode("one two three four five Hiroshige six");
    expect(tokens.at(-2)).toBe("hiroshi");
    expect(words.at(-1)).toEqual({ text: "Hiroshige", start: 6, end: 7 });
    expect(dropped).toEqual(["Hiroshige", "six"]);
  });

  it("drops nothing when it just fits", () => {
    expect(short.encode("one two three four five six").dropped).toEqual([]);
  });

  it("keeps as many tokens as the position table has rows by default", () => {
    const { ids, dropped } = tokenizer.encode("cat ".repeat(600));
    expect(ids).toHaveLength(512);
    expect(dropped).toHaveLength(90);
  });
});

describe("batches", () => {
  it("fill short rows and mask them", () => {
    const { ids, mask, shape } = tokenizer.encodeBatch(["cat", "a blue cat"]);
    expect(shape).toEqual([2, 5]);
    expect([...ids]).toEqual([101, 4937, 102, 0, 0, 101, 1037, 2630, 4937, 102]);
    expect([...mask]).toEqual([1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
  });

  it("have the length asked for", () => {
    expect(tokenizer.encodeBatch(["cat"], { length: 16 }).shape).toEqual([1, 16]);
    expect(tokenizer.encodeBatch([]).shape).toEqual([0, 0]);
  });

  it.each([2, 2.5, 513, Number.NaN])("refuse rows of %s tokens", (length) => {
    expect(() => tokenizer.encodeBatch(["cat"], { length })).toThrow(/whole number from 3 to 512/);
  });
});

describe("wrong use", () => {
  it.each([0, 2, -1, 3.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses maxTokens %s", (maxTokens) => {
    expect(() => makeTokenizer(json, { maxTokens })).toThrow(/at least 3/);
  });

  it.each([null, 1, "text", [], {}, { model: {} }, { model: { type: "Nonesuch", vocab: {} } }])(
    "refuses %j as a tokenizer",
    (bad) => {
      expect(() => makeTokenizer(bad)).toThrow(NishikiError);
      expect(() => makeTokenizer(bad)).toThrow(/tokenizer\.json/);
    },
  );

  it("refuses an unknown padding token and a prompt that is no text", () => {
    expect(() => makeTokenizer(json, { padToken: "<pad>" })).toThrow(/<pad>/);
    expect(() => tokenizer.encode(undefined as unknown as string)).toThrow(/must be a text, got undefined/);
  });
});

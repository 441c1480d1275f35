import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getPartWeights, splitComposition } from "./composition.js";

const parts = (prompt: string) => splitComposition(prompt).map(({ text, weight }) => [text, weight]);

describe("parts joined by AND", () => {
  it.each([
    [
      "a cat AND a dog :1.2",
      [
        ["a cat", 1],
        ["a dog", 1.2],
      ],
    ],
    [
      "a forest:0.5 AND fog : -0.5 AND mist",
      [
        ["a forest", 0.5],
        ["fog", -0.5],
        ["mist", 1],
      ],
    ],
    [
      "猫 AND 犬 :2",
      [
        ["猫", 1],
        ["犬", 2],
      ],
    ],
    [
      "(a cat:1.3) AND [a:b:0.5]",
      [
        ["(a cat:1.3)", 1],
        ["[a:b:0.5]", 1],
      ],
    ],
    [
      "a clock at 12:30 AND a cat",
      [
        ["a clock at 12:30", 1],
        ["a cat", 1],
      ],
    ],
    ["AND a (cat AND", [["a (cat", 1]]],
    ["a cat AND:0.5 AND", [["a cat", 1]]],
    ["AND", [["AND", 1]]],
    [
      "a (b AND c",
      [
        ["a (b", 1],
        ["c", 1],
      ],
    ],
  ])("%s", (prompt, expected) => {
    expect(parts(prompt)).toEqual(expected);
  });

  it.each([
    "a cat :1.2",
    "BLACK AND WHITE CAT",
    "a (cat AND a dog:1.2)",
    "sand ANDES",
    "a cat and a dog",
    "",
  ])("none: %s", (prompt) => {
    expect(parts(prompt)).toEqual([[prompt, 1]]);
    expect(getPartWeights(prompt)).toBeUndefined();
  });

  it("refuses too many parts, weights beyond reason, and nothing to draw", () => {
    expect(() => splitComposition("a AND ".repeat(12).concat("a"))).toThrow(/at most 12/);
    expect(() => splitComposition("a :1000 AND b")).toThrow(/weight 1000/);
    expect(() => splitComposition("a :-1 AND b :0")).toThrow(/nothing to draw/);
  });

  it("reads anything in time that grows with the prompt alone", () => {
    for (const text of ["a AND (", "[", ")", "\\", "a :1 ", "AND"]) {
      try {
        splitComposition(`x ${text.repeat(100_000 / text.length)}`);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("usage");
      }
    }
    const text = fc.string({ unit: fc.constantFrom("AND", " ", "a", "(", "]", "[", ")", ":", "1", "\\") });
    fc.assert(
      fc.property(text, (prompt) => {
        try {
          expect(splitComposition(prompt).length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as { code?: string }).code).toBe("usage");
        }
      }),
    );
  });
});

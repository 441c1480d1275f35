import { describe, expect, it } from "vitest";
import { findUnsupportedSyntax, findUnusedWords } from "./unsupported-syntax.js";

describe("syntax of other programs", () => {
  it.each([
    ["a cat <lora:style:0.8>", "<lora:style:0.8>", /--lora style\.safetensors:0\.8\.$/],
    ["a cat <lyco:style>", "<lyco:style>", /--lora style\.safetensors\.$/],
    ["<hypernet:x:1> cat", "<hypernet:x:1>", /not supported/],
    ["a cat AND a dog", "AND", /write "and"/],
    ["a {red|blue} cat", "{red|blue}", /write each prompt out\.$/],
    ["a __colour__ cat", "__colour__", /write the words out\.$/],
  ])("in %j gets one notice from every model", (prompt, found, remedy) => {
    for (const dialect of ["weights", "words"] as const) {
      const notices = findUnsupportedSyntax(prompt, dialect);
      expect(notices).toHaveLength(1);
      expect(notices[0]).toContain(`${JSON.stringify(found)} in the prompt is read as plain words. `);
      expect(notices[0]).toMatch(remedy);
    }
  });

  it.each(["a (cat:1.3)", "a ((cat))", "a (cat : .5)", "a cat BREAK a dog"])(
    "in %j gets a notice only from a model without weights",
    (prompt) => {
      expect(findUnsupportedSyntax(prompt, "weights")).toEqual([]);
      expect(findUnsupportedSyntax(prompt, "words", "negative prompt")).toEqual([
        expect.stringMatching(/ in the negative prompt is read as plain words\. This model /),
      ]);
    },
  );

  it.each([
    "a cat (black)",
    "a clock: 12 o'clock",
    "a cat and a dog",
    "CATS AND DOGS",
    "\\[a:b:0.5\\]",
    "snake__case",
    "a | b",
    "a [cat]",
    "<toy>",
    "AND",
    "",
  ])("is not seen in %j", (prompt) => {
    expect(findUnsupportedSyntax(prompt, "weights")).toEqual([]);
    expect(findUnsupportedSyntax(prompt, "words")).toEqual([]);
  });

  it("is searched for in time that grows with the prompt alone", () => {
    for (const sign of ["[", "(", "{", "__a", "<lora:", "[a|", "x ", "a AND"])
      expect(findUnsupportedSyntax(sign.repeat(20_000), "words").length).toBeLessThan(8);
  });
});

describe("a learned word", () => {
  const learned = [{ word: "<Cat-Toy>", name: "cat-toy.safetensors" }];
  it("is missed where no prompt has it, in whatever case", () => {
    expect(findUnusedWords(learned, ["a cat-toy cat", ""])).toEqual([
      'The embedding "cat-toy.safetensors" has no effect: no prompt contains its word "<Cat-Toy>". Add the word to a prompt.',
    ]);
    expect(findUnusedWords(learned, ["", "a <cat-toy>"])).toEqual([]);
  });
});

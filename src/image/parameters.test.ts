import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatParameters, parseParameters } from "./parameters.js";

describe("the parameters text", () => {
  it("is written as other programs write it", () => {
    const text = formatParameters({
      prompt: "blue cat,\nsunset",
      negativePrompt: "blurry",
      fields: {
        Steps: 20,
        Sampler: "Euler a",
        "CFG scale": 7,
        Seed: 0,
        Size: "256x256",
        "Model hash": undefined,
        Model: 'a, "b": c',
        Note: "",
      },
    });
    expect(text).toBe(
      "blue cat,\nsunset\nNegative prompt: blurry\n" +
        'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 0, Size: 256x256, Model: "a, \\"b\\": c"',
    );
    expect(formatParameters({ prompt: "x", fields: { Steps: 1 } })).toBe("x\nSteps: 1");
  });

  it("is read as other programs wrote it", () => {
    const webui =
      "masterpiece, (cat:1.2), <lora:x:0.8>\nsecond line\nNegative prompt: lowres, bad: hands\nworse\n" +
      "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 4294967295, Size: 512x768, " +
      'Model hash: abc123, Model: v1-5, Lora hashes: "x: 123, y: 456", ADetailer prompt: "a\\nb", Version: v1.10.1';
    expect(parseParameters(webui)).toEqual({
      prompt: "masterpiece, (cat:1.2), <lora:x:0.8>\nsecond line",
      negativePrompt: "lowres, bad: hands\nworse",
      fields: {
        Steps: "28",
        Sampler: "DPM++ 2M",
        "Schedule type": "Karras",
        "CFG scale": "5.5",
        Seed: "4294967295",
        Size: "512x768",
        "Model hash": "abc123",
        Model: "v1-5",
        "Lora hashes": "x: 123, y: 456",
        "ADetailer prompt": "a\nb",
        Version: "v1.10.1",
      },
    });
  });

  it("is read with JSON that a site left unquoted", () => {
    const resources = '[{"type":"checkpoint","name":"a, b]"},{"weight":1}]';
    const { fields } = parseParameters(
      `cat\nSteps: 20, Civitai resources: ${resources}, Civitai metadata: {}, Seed: 1`,
    );
    expect(fields).toEqual({
      Steps: "20",
      "Civitai resources": resources,
      "Civitai metadata": "{}",
      Seed: "1",
    });
  });

  it.each([
    ["", "", "", {}],
    ["only a prompt", "only a prompt", "", {}],
    ["a: b, c: d", "a: b, c: d", "", {}],
    ["Negative prompt: x\nSteps: 4", "", "x", { Steps: "4" }],
    ["cat\r\nSteps: 4, Seed: 1\r\n", "cat", "", { Steps: "4", Seed: "1" }],
    ["cat\nSteps: 4, , Seed: 1, trailing words", "cat", "", { Steps: "4", Seed: "1" }],
    ['cat\nSteps: 4, Model: "broken, Seed: 1', "cat", "", { Steps: "4", Model: '"broken', Seed: "1" }],
    ["cat\nSteps: 4, Note: {a, Seed: 1", "cat", "", { Steps: "4", Note: "{a", Seed: "1" }],
  ])("%j", (text, prompt, negativePrompt, fields) => {
    expect(parseParameters(text)).toEqual({ prompt, negativePrompt, fields });
  });

  it("refuses a name that readers would not recognise", () => {
    for (const name of ["a:b", "", "x", "a,b", "é é"]) {
      expect(() => formatParameters({ prompt: "", fields: { [name]: "1" } })).toThrow(
        /cannot name a parameter/,
      );
    }
  });

  // What the format cannot hold is left out here, and said at the head of parameters.ts.
  const codePoint = fc.oneof(fc.integer({ min: 1, max: 0xff }), fc.integer({ min: 0xe000, max: 0x10ffff }));
  const anyText = fc.array(codePoint).map((points) => String.fromCodePoint(...points));
  const line = anyText
    .map((text) => text.replace(/[\r\n]/g, " ").trim())
    .filter((text) => !text.startsWith("Negative prompt:"));
  const prompt = fc.array(line, { maxLength: 3 }).map((lines) => lines.join("\n").trim());
  const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_ \-/]{0,12}[A-Za-z0-9_]$/);
  const value = fc.oneof(
    anyText.filter((text) => text !== ""),
    fc.stringMatching(/^[",:\\\n[\]{} a]{1,9}$/),
    fc.double({ noNaN: true }).map(String),
  );

  it("survives writing and reading", () => {
    fc.assert(
      fc.property(prompt, prompt, fc.dictionary(name, value, { minKeys: 3, maxKeys: 8 }), (a, b, fields) => {
        const back = parseParameters(formatParameters({ prompt: a, negativePrompt: b, fields }));
        expect(back).toEqual({ prompt: a, negativePrompt: b, fields });
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("reads any text without failing", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "Steps: 1, ",
        "Negative prompt:",
        "\n",
        '"',
        ": ",
        ", ",
        "[",
        "{",
        "}",
        "]",
        "\\",
        "a b",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(parseParameters(pieces.join("")).prompt).toBeTypeOf("string");
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("reads a megabyte of anything in linear time", () => {
    for (const unit of ["a ", "a, ", '"', "[", "a: [", 'a: "x', " ", "a: b, "]) {
      expect(parseParameters(`cat\n${unit.repeat(100_000)}`).prompt).toBeTypeOf("string");
    }
  });
});

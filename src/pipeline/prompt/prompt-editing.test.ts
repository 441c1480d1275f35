import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getScheduledPart, getStepAt, schedulePrompt } from "./prompt-editing.js";

const schedule = (prompt: string, steps = 10) =>
  schedulePrompt(prompt, steps).map(({ until, value }) => [until, value]);

// What stable-diffusion-webui makes of such prompts.
describe("schedulePrompt", () => {
  it.each([
    ["sea", [[10, "sea"]]],
    [
      "a [fox:3]",
      [
        [3, "a "],
        [10, "a fox"],
      ],
    ],
    [
      "a [fox: 3 ]",
      [
        [3, "a "],
        [10, "a fox"],
      ],
    ],
    [
      "a [cat:dog:0.4] here",
      [
        [4, "a cat here"],
        [10, "a dog here"],
      ],
    ],
    [
      "a [cat::.5] here",
      [
        [5, "a cat here"],
        [10, "a  here"],
      ],
    ],
    [
      "[(blue:1.3) cat:red cat:2]",
      [
        [2, "(blue:1.3) cat"],
        [10, "red cat"],
      ],
    ],
    [
      "x[b:[c:d:2]:1]y",
      [
        [1, "xby"],
        [2, "xcy"],
        [10, "xdy"],
      ],
    ],
    ["a [cat:dog:99]", [[10, "a cat"]]],
    ["a [cat:dog:0]", [[10, "a dog"]]],
    ["a [cat:dog:1.0]", [[10, "a cat"]]],
  ])("%s", (prompt, expected) => {
    expect(schedule(prompt)).toEqual(expected);
  });

  it("alternates step by step, with nothing as an option", () => {
    expect(schedule("[cow|horse] in a field", 3)).toEqual([
      [1, "cow in a field"],
      [2, "horse in a field"],
      [3, "cow in a field"],
    ]);
    expect(schedule("[fe|]male", 2)).toEqual([
      [1, "female"],
      [2, "male"],
    ]);
    expect(schedule("[a|[b|c]]", 4)).toEqual([
      [1, "a"],
      [2, "c"],
      [3, "a"],
      [4, "c"],
    ]);
  });

  it("leaves other brackets to the syntax of weights", () => {
    for (const prompt of [
      "a [quiet] sea",
      "a [unbalanced",
      "((a][:b",
      "\\[cat:dog:3\\]",
      "[a:b:c:3]",
      "[cat:dog]",
      "12:30",
    ])
      expect(schedule(prompt)).toEqual([[10, prompt]]);
    expect(schedule("a [[[b]]:2]")).toEqual([
      [2, "a "],
      [10, "a [[b]]"],
    ]);
    expect(schedule("((a][:b:c [d:3]")).toEqual([
      [3, "((a][:b:c "],
      [10, "((a][:b:c d"],
    ]);
  });

  it("bounds what a prompt can cost", () => {
    expect(() => schedulePrompt(`${"[".repeat(60)}a${"|b]".repeat(60)}`, 10)).toThrow(/within each other/);
    const long = schedulePrompt("[a|b]", 1000);
    expect(long.length).toBe(1000);
    expect(schedule("[".repeat(100_000)).length).toBe(1);
  });

  it("covers every step, whatever the prompt", () => {
    const text = fc.string({
      unit: fc.constantFrom("[", "]", ":", "|", "(", ")", "a", " ", "1", ".", "\\"),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 30 }), (prompt, steps) => {
        const parts = schedulePrompt(prompt, steps);
        expect(parts.at(-1)!.until).toBe(steps);
        parts.forEach(({ until }, i) => {
          expect(until).toBeGreaterThan(parts[i - 1]?.until ?? 0);
        });
        expect(getScheduledPart(parts, 0)).toBe(parts[0]!.value);
        expect(getScheduledPart(parts, steps - 1)).toBe(parts.at(-1)!.value);
      }),
    );
  });
});

it("finds the step of a noise level, also of one between two steps", () => {
  const sigmas = [8, 4, 2, 1, 0];
  expect(sigmas.slice(0, -1).map((sigma) => getStepAt(sigmas, sigma))).toEqual([0, 1, 2, 3]);
  expect([7.9, 4.1, 3, 1.5, 0.5, 0, 9].map((sigma) => getStepAt(sigmas, sigma))).toEqual([
    0, 0, 1, 2, 3, 3, 0,
  ]);
  expect(getStepAt(sigmas, 4 * (1 + 1e-9))).toBe(1);
  expect(getStepAt(sigmas, 4 * (1 - 1e-9))).toBe(1);
});

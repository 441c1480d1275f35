import { describe, expect, it } from "vitest";
import { random } from "../random/index.js";
import { phraseCaption } from "./captions.js";
import type { SceneContent } from "./scene-types.js";

describe("phraseCaption", () => {
  it("finds a thing's words behind a style's prefix that has the same word", () => {
    const content: SceneContent = {
      things: [{ name: "pencil", colour: null, count: 1 }],
      layout: "single",
      background: null,
      style: "pencil",
    };
    const captions = Array.from({ length: 200 }, (_, i) => phraseCaption(content, random(1, "caption", i)));
    const prefixed = captions.filter(({ text }) => /^a pencil \w+ of (a )?pencil$/.test(text));
    expect(prefixed.length).toBeGreaterThan(10);
    for (const { text, phrases } of prefixed) expect(phrases[0]![1]).toBe(text.length);
    for (const { text, phrases } of captions) expect(text.slice(...phrases[0]!)).toMatch(/^(a )?pencil$/);
  });
});

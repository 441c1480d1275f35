import { expect, it } from "vitest";
import { backgroundNames } from "./backgrounds.js";
import { captionWords } from "./caption-words.js";
import { describeScene, sceneMix, wholeCatalogue } from "./describe-scene.js";

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

it("holds every word of a mix's captions, and nothing of things that it does not show", () => {
  const mix = sceneMix({
    things: ["cat", "grapes", "hourglass", "fish", "bicycle", "house", "moon"],
    twoThings: 0.4,
    counts: 0.2,
    small: 0.1,
    manyThings: 0.3,
    backgrounds: backgroundNames,
  });
  const { texts, names } = captionWords(mix);
  const words = new Set(texts.flatMap(wordsOf));
  const missing = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const { caption } = describeScene(5, i, mix, wholeCatalogue);
    for (const word of wordsOf(caption)) if (!words.has(word)) missing.add(word);
  }
  expect([...missing]).toEqual([]);
  expect(words.has("apple")).toBe(false);
  expect(names).toContainEqual({ name: "hourglass", plural: "hourglasses", article: "an" });
  expect(names).toContainEqual({ name: "grapes", plural: null, article: null });
});

// Where the pipeline takes the things of a prompt to lie is where training's scenes of that caption have
// them.
import { expect, it } from "vitest";
import { drawPlacement, placementChannels } from "../models/index.js";
import { type KnownWords, placeThings, wordsOf } from "../pipeline/index.js";
import { captionWords } from "./caption-words.js";
import { describeScene, sceneMix, wholeCatalogue } from "./describe-scene.js";
import { vocabulary } from "./vocabulary.js";

const mix = sceneMix({
  things: vocabulary.map(({ name }) => name),
  twoThings: 0.5,
  counts: 0.2,
  small: 0.2,
  positionJitter: 0,
  sizeJitter: 0,
});
const { texts, nouns, colours, names } = captionWords(mix);
const each = (list: readonly string[]) => new Set(list.flatMap(wordsOf));
const known: KnownWords = {
  words: each(texts),
  nouns: each(nouns),
  colours: each(colours),
  names,
  vectors: new Float32Array(),
  others: new Float32Array(),
};

it("agrees with composed scenes, of every layout", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 400; index++) {
    const { caption, content, placements } = describeScene(9, index, mix, wholeCatalogue);
    const two = content.things.length === 2;
    const boxes = placements.map(({ x, y, size }, i) => ({
      x,
      y,
      size,
      which: two ? (i === 0 ? 1 : -1) : 0,
    }));
    const map = (placed: typeof boxes) => {
      const out = new Float32Array(16 * 16 * placementChannels);
      drawPlacement(placed, 16, out);
      return out;
    };
    const placed = placeThings(caption, known);
    expect(placed, caption).toBeDefined();
    expect(map([...placed!]), caption).toEqual(map(boxes));
    seen.add(content.layout);
  }
  expect([...seen].sort()).toEqual(["above", "count", "left", "pair", "single", "small"]);
});

it.each(["three cats and a dog", "a cat, a dog and a house", "sunset", "a lake"])(
  "leaves open where the things of %s lie",
  (prompt) => expect(placeThings(prompt, known)).toBeUndefined(),
);

// Which tokens name which thing, found by the real tokenizer in the captions of composed scenes.
import { expect, it } from "vitest";
import { describeScene, sceneMix, wholeCatalogue } from "../../data/describe-scene.js";
import { backgroundNames, styleNames, vocabulary } from "../../data/index.js";
import { readTokenizer } from "../frozen.js";
import { placesOf, spotsOf } from "./encode-scenes.js";
import { mostSpots, placeNumbers, spotNumbers } from "./encoded-scenes.js";

it("finds the tokens of both things, and none where there is one", async () => {
  const tokenizer = await readTokenizer(32);
  const mix = sceneMix({ things: vocabulary.map(({ name }) => name), twoThings: 0.7, rarer: 0.6 });
  const scenes = Array.from({ length: 300 }, (_, i) => ({
    ...describeScene(4, i, mix, wholeCatalogue),
    pixels: new Uint8Array(),
  }));
  const places = placesOf(scenes, tokenizer);
  const spell = (tokens: readonly string[]) => tokens.join(" ").replaceAll(" ##", "");
  // As the tokenizer spells a text: "t-rex" is three tokens.
  const spelling = (text: string) => spell(tokenizer.encode(text).tokens.slice(1, -1));
  let found = 0;
  for (const [i, { caption, content, phrases }] of scenes.entries()) {
    const [direction, ...bounds] = places.subarray(i * placeNumbers, (i + 1) * placeNumbers);
    if (content.things.length === 1) {
      expect([direction, ...bounds]).toEqual([0, 0, 0, 0, 0]);
      continue;
    }
    found++;
    expect(direction).toBe(content.layout === "above" ? 2 : 1);
    const { tokens } = tokenizer.encode(caption);
    content.things.forEach(({ name }, which) => {
      const said = spell(tokens.slice(bounds[which * 2], bounds[which * 2 + 1]));
      expect(said, caption).toBe(spelling(caption.slice(...phrases[which]!)));
      const { synonyms } = vocabulary.find((thing) => thing.name === name)!;
      expect(
        [name, ...synonyms].some((word) => said.endsWith(spelling(word))),
        `${caption}: ${said}`,
      ).toBe(true);
    });
  }
  expect(found).toBeGreaterThan(150);
});

it("finds the tokens of each of many things, in captions that are never too long", async () => {
  const tokenizer = await readTokenizer(32);
  const mix = sceneMix({
    things: vocabulary.map(({ name }) => name),
    rarer: 0.6,
    backgrounds: backgroundNames,
    styles: Object.fromEntries(styleNames.map((name) => [name, 1])),
    manyThings: 1,
    twoThings: 0,
    counts: 0,
  });
  const scenes = Array.from({ length: 1500 }, (_, i) => ({
    ...describeScene(4, i, mix, wholeCatalogue),
    pixels: new Uint8Array(),
  }));
  const spots = spotsOf(scenes.slice(0, 100), tokenizer)!;
  for (const [i, { caption, content, placements }] of scenes.entries()) {
    const { tokens, dropped } = tokenizer.encode(caption);
    expect(dropped, caption).toEqual([]);
    if (i >= 100) continue;
    for (const [j, { thing, size }] of placements.entries()) {
      const spot = spots.subarray((i * mostSpots + j) * spotNumbers, (i * mostSpots + j + 1) * spotNumbers);
      const which = content.things.findIndex(({ name }) => name === thing);
      const phrase = caption.slice(...scenes[i]!.phrases[which]!);
      expect(tokens.slice(spot[0], spot[1])).toEqual(tokenizer.encode(phrase).tokens.slice(1, -1));
      expect(spot[4]).toBeCloseTo(size, 6);
    }
  }
  expect(spotsOf([{ caption: "a cat", pixels: new Uint8Array() }], tokenizer)).toBeUndefined();
});

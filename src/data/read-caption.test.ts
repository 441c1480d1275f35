import { expect, it } from "vitest";
import { describeScene, readCaption, sceneMix, styleNames, vocabulary, wholeCatalogue } from "./index.js";

it("reads what the compositor wrote", () => {
  const mix = sceneMix({
    things: vocabulary.map(({ name }) => name),
    styles: Object.fromEntries(styleNames.map((name) => [name, 1])),
  });
  const scenes = Array.from({ length: 1500 }, (_, i) => describeScene(5, i, mix, wholeCatalogue));
  const right = scenes.filter(({ caption, content }) => {
    const read = readCaption(caption);
    return JSON.stringify(read) === JSON.stringify(content);
  });
  // Synonyms that several things share, and "a red coral" beside "red", remain ambiguous.
  expect(right.length / scenes.length).toBeGreaterThan(0.9);
});

it("reads what people write", () => {
  expect(readCaption("Blue cat against a sunset background!")).toEqual({
    things: [{ name: "cat", colour: "blue", count: 1 }],
    layout: "single",
    background: { name: "sunset", colour: null },
    style: "3d",
  });
  expect(readCaption("two gray dogs, style by Hiroshige")).toMatchObject({
    things: [{ name: "dog", colour: "grey", count: 2 }],
    layout: "count",
    style: "woodblock",
  });
  expect(readCaption("a cat under a red house")!.things.map(({ name }) => name)).toEqual(["house", "cat"]);
  expect(readCaption("freedom")).toBeUndefined();
});

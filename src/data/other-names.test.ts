// The embedded model's table of other names against its vocabulary: they must fit, and neither knows of the
// other.
import { expect, it } from "vitest";
import { otherNames } from "../pipeline/index.js";
import { vocabulary } from "./vocabulary.js";

it("leads to things that there are, from words that captions do not have for them already", () => {
  const names = new Set(vocabulary.map(({ name }) => name));
  expect([...otherNames.values()].filter((name) => !names.has(name))).toEqual([]);
  const known = new Set(vocabulary.flatMap(({ name, plural, synonyms }) => [name, plural, ...synonyms]));
  expect([...otherNames.keys()].filter((word) => known.has(word))).toEqual([]);
  expect(otherNames.size).toBeGreaterThan(400);
});

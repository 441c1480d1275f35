// The embedded model's table of other names against its vocabulary: they must fit, and neither knows of the
// other.
import { expect, it } from "vitest";
import { firstScenes, otherNames, tableNames } from "../pipeline/index.js";
import { backgroundNames, firstBackgrounds } from "./backgrounds.js";
import { styleNames } from "./styles.js";
import { vocabulary } from "./vocabulary.js";

it("leads to things that there are, from words that captions do not have for them already", () => {
  const names = new Set(vocabulary.map(({ name }) => name));
  expect([...otherNames.values()].filter((name) => !names.has(name))).toEqual([]);
  const known = new Set(vocabulary.flatMap(({ name, plural, synonyms }) => [name, plural, ...synonyms]));
  expect([...otherNames.keys()].filter((word) => known.has(word))).toEqual([]);
  expect(otherNames.size).toBeGreaterThan(400);
});

it("plans things, places and styles that there are", () => {
  const names: readonly string[] = vocabulary.map(({ name }) => name);
  expect(tableNames("thing").filter((name) => !names.includes(name))).toEqual([]);
  expect(
    tableNames("ground").filter((name) => !(backgroundNames as readonly string[]).includes(name)),
  ).toEqual([]);
  expect(tableNames("style").filter((name) => !(styleNames as readonly string[]).includes(name))).toEqual([]);
  expect(firstScenes.backgrounds).toEqual(firstBackgrounds);
});

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  backgroundNames,
  colourNames,
  describeScene,
  firstBackgrounds,
  isHeldOutPair,
  labelsOf,
  pairsOf,
  type SceneRecipe,
  sceneMix,
  styleNames,
  thingNamed,
  vocabulary,
  wholeCatalogue,
} from "./index.js";
import { roleOf } from "./scene-roles.js";

const mix = sceneMix({
  things: vocabulary.map(({ name }) => name),
  rarer: 0.5,
  colours: colourNames,
  backgrounds: backgroundNames,
  styles: Object.fromEntries(styleNames.map((name) => [name, 1])),
  twoThings: 0,
  counts: 0,
  manyThings: 1,
  positionJitter: 0.01,
  sizeJitter: 0.02,
});
const recipes = Array.from({ length: 1500 }, (_, i) => describeScene(9, i, mix, wholeCatalogue));
const total = ({ content }: SceneRecipe) => content.things.reduce((sum, { count }) => sum + count, 0);

describe("scenes of many things", () => {
  it("have two to six things of different names, several kinds of layout, and a caption for each", () => {
    for (const recipe of recipes) {
      const { content, caption, phrases, placements } = recipe;
      expect(total(recipe)).toBeGreaterThanOrEqual(2);
      expect(total(recipe)).toBeLessThanOrEqual(6);
      expect(placements).toHaveLength(total(recipe));
      expect(new Set(content.things.map(({ name }) => name)).size).toBe(content.things.length);
      content.things.forEach(({ name, colour, count }, i) => {
        const said = caption.slice(...phrases[i]!);
        const { plural, synonyms } = thingNamed(name);
        const names = count > 1 ? [plural!] : [name, ...synonyms];
        expect(
          names.some((each) => said.endsWith(each)),
          `${caption}: ${said}`,
        ).toBe(true);
        if (count > 1) expect(said).toMatch(/^(two|three|four) /);
        if (colour !== null) expect(said.replace("gray", "grey")).toContain(colour);
      });
    }
    const layouts = new Set(recipes.map(({ content }) => content.layout));
    expect(layouts).toEqual(new Set(["group", "landscape", "on", "front"]));
    expect(recipes.filter(({ content }) => content.things.length > 3).length).toBeGreaterThan(100);
  });

  it("show no held-out pair, of any two of their things", () => {
    const seen = new Set(recipes.flatMap(({ content }) => pairsOf(content)));
    expect([...seen].filter(isHeldOutPair)).toEqual([]);
  });

  it("lie inside of the image, what is far off above what is near, the sky on top", () => {
    for (const { content, placements } of recipes) {
      for (const { x, y, size } of placements) {
        expect(Math.max(x, y) + size / 2).toBeLessThan(1.06);
        expect(Math.min(x, y) - size / 2).toBeGreaterThan(-0.06);
      }
      if (content.layout !== "landscape") continue;
      for (const { thing, y, size } of placements) {
        if (roleOf(thing) === "sky") expect(y).toBeLessThan(0.25);
        if (roleOf(thing) === "near") expect(y + size / 2).toBeGreaterThan(0.85);
      }
    }
  });

  it("answer no question on a first and a second thing, but those on the whole", () => {
    const landscape = recipes.find(({ content }) => content.layout === "landscape")!;
    const labels = labelsOf(landscape.content);
    expect([labels.thing, labels.secondThing, labels.count, labels.layout]).toEqual([null, null, null, null]);
    expect(labels.style).toBe(landscape.content.style);
  });

  it("are the same for the same seed, on every machine", () => {
    const hash = createHash("sha256");
    for (const { caption, placements } of recipes.slice(0, 200)) {
      const places = placements.map(({ thing, set, x, y, size }) => [
        thing,
        set,
        x.toFixed(6),
        y.toFixed(6),
        size.toFixed(6),
      ]);
      hash.update(JSON.stringify([caption, places]));
    }
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"cae058c6791d0ed6"`);
  });

  it("leave mixes without them as they were", () => {
    const plain = sceneMix({ things: mix.things });
    expect(plain.backgrounds).toEqual(firstBackgrounds);
    expect(firstBackgrounds).toHaveLength(11);
    const layouts = new Set(
      Array.from({ length: 500 }, (_, i) => describeScene(1, i, plain, wholeCatalogue).content.layout),
    );
    expect([...layouts].sort()).toEqual(["above", "count", "left", "pair", "single", "small"]);
  });
});

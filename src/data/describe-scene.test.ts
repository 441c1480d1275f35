import emojis from "emojibase-data/en/compact.json" with { type: "json" };
import { describe, expect, it } from "vitest";
import {
  backgroundPhrases,
  colourNames,
  commonThings,
  describeContent,
  describeScene,
  furtherThings,
  isHeldOut,
  isHeldOutPair,
  pairsOf,
  type SceneContent,
  type SceneRecipe,
  sceneMix,
  styleNamed,
  styleNames,
  vocabulary,
  wholeCatalogue,
} from "./index.js";

const mix = sceneMix();

function first(count: number, from = 0, options = mix): SceneRecipe[] {
  return Array.from({ length: count }, (_, index) =>
    describeScene(11, from + index, options, wholeCatalogue),
  );
}

/**
 * The words of a caption that name something: everything else in it must come from the style or the
 * background.
 */
function checkCaption({ caption, content }: SceneRecipe): void {
  const padded = ` ${caption.replaceAll(",", " ,")} `;
  for (const { name, colour, count } of content.things) {
    const entry = vocabulary.find((thing) => thing.name === name)!;
    const names = count > 1 ? [entry.plural!] : [name, ...entry.synonyms];
    expect(
      names.some((word) => padded.includes(` ${word} `)),
      `${caption}: ${name}`,
    ).toBe(true);
    if (colour !== null) expect(padded.replace(" gray ", " grey "), caption).toContain(` ${colour} `);
    if (count > 1) expect(padded, caption).toContain(` ${["two", "three", "four"][count - 2]} `);
    else expect(/ (two|three|four) /.test(padded), caption).toBe(false);
  }
  const said = content.background === null ? [] : backgroundPhrases(content.background);
  if (content.background !== null)
    expect(
      said.some((phrase) => caption.includes(phrase)),
      caption,
    ).toBe(true);
  const style = styleNamed(content.style);
  const styled = [...style.suffixes, ...style.prefixes].some((phrase) => caption.includes(phrase));
  if (content.style !== "3d") expect(styled, caption).toBe(true);
  const colours = colourNames.filter((colour) => padded.includes(` ${colour} `));
  const meant = [...content.things.map((thing) => thing.colour), content.background?.colour];
  // "a green meadow" is the one background whose own name has a colour.
  const unmeant = colours.filter((colour) => !meant.includes(colour) && !/green meadow/.test(caption));
  expect(unmeant, caption).toEqual([]);
}

describe("describeScene", () => {
  it("says of a pair first what stands left", () => {
    let pairs = 0;
    for (const { caption, content, phrases } of first(1500)) {
      if (content.layout !== "pair") continue;
      pairs++;
      const [left, right] = phrases as [readonly [number, number], readonly [number, number]];
      expect(left[1], caption).toBeLessThan(right[0]);
    }
    expect(pairs).toBeGreaterThan(50);
  });

  it("writes captions that say what is there, and nothing else", () => {
    for (const recipe of first(2500)) checkCaption(recipe);
  });

  it("says a and an as they are spoken, for every thing", () => {
    const mix = sceneMix({ things: vocabulary.map(({ name }) => name), rarer: 0.8, twoThings: 0 });
    const captions = Array.from(
      { length: 12_000 },
      (_, i) => describeScene(2, i, mix, wholeCatalogue).caption,
    );
    const wrong = /\ba (?!uni|uku|ufo|one)(?:[aeiou]|hour|x-)|\ban (?!hour|x-)[^aeiou]/;
    expect(captions.filter((caption) => wrong.test(caption))).toEqual([]);
    expect(captions.some((caption) => /\ban hourglass/.test(caption))).toBe(true);
  });

  it("says which of two things is left or above", () => {
    for (const { caption, content } of first(3000)) {
      if (content.layout !== "left" && content.layout !== "above") continue;
      const [one, two] = content.things.map(({ name }) => {
        const entry = vocabulary.find((thing) => thing.name === name)!;
        return Math.max(
          ...[name, ...entry.synonyms].map((word) => caption.search(new RegExp(`\\b${word}\\b`))),
        );
      });
      const firstIsNamedFirst = / left of | above | over /.test(caption);
      if (one !== two) expect(one! < two!, caption).toBe(firstIsNamedFirst);
    }
  });

  it("never shows a held-out pair in the first 20,000 scenes, and shows many others", () => {
    const seen = new Set<string>();
    for (const { content } of first(20_000)) for (const pair of pairsOf(content)) seen.add(pair);
    expect([...seen].filter(isHeldOutPair)).toEqual([]);
    expect(seen.size).toBeGreaterThan(4000);
  });

  it("holds out about one pair in thirty-one of each kind, always the same", () => {
    const names = vocabulary.map((thing) => thing.name);
    const pairs = names.flatMap((name) => colourNames.map((colour) => `colour:${colour}|${name}`));
    const held = pairs.filter(isHeldOutPair);
    expect(held.length / pairs.length).toBeGreaterThan(0.022);
    expect(held.length / pairs.length).toBeLessThan(0.045);
    expect(held.slice(0, 5)).toMatchInlineSnapshot(`
      [
        "colour:brown|cat",
        "colour:yellow|tiger",
        "colour:turquoise|lion",
        "colour:orange|cow",
        "colour:turquoise|pig",
      ]
    `);
  });

  it("describes a held-out scene on request", () => {
    const colour = colourNames.find((name) => isHeldOutPair(`colour:${name}|apple`)) ?? "red";
    const thing = vocabulary.find((entry) => isHeldOutPair(`colour:${colour}|${entry.name}`))!;
    const content: SceneContent = {
      things: [{ name: thing.name, colour, count: 1 }],
      layout: "single",
      background: null,
      style: "flat",
    };
    expect(isHeldOut(content)).toBe(true);
    const recipe = describeContent(content, 5, mix, wholeCatalogue);
    expect(recipe.content).toEqual(content);
    checkCaption(recipe);
    expect(describeContent(content, 5, mix, wholeCatalogue)).toEqual(recipe);
  });

  it("gives no thing a colour that its background hides", () => {
    const hidden = { "night sky": "black", space: "black", snow: "white" } as Record<string, string>;
    const everyColour = sceneMix({ colours: colourNames, recoloured: 1, withBackground: 1 });
    for (let index = 0; index < 4000; index++) {
      const { content } = describeScene(3, index, everyColour, wholeCatalogue);
      const { name, colour } = content.background!;
      for (const thing of content.things) expect(thing.colour).not.toBe(colour ?? hidden[name]);
    }
  });

  it("mixes scenes as asked", () => {
    const recipes = first(6000);
    const share = (test: (content: SceneContent) => boolean): number =>
      recipes.filter(({ content }) => test(content)).length / recipes.length;
    expect(share((content) => content.things.length === 2)).toBeCloseTo(0.18, 1);
    expect(share((content) => content.background !== null)).toBeCloseTo(0.55, 1);
    expect(share((content) => content.style === "3d")).toBeCloseTo(0.34, 1);
    expect(share((content) => content.things[0]!.colour !== null)).toBeCloseTo(0.4, 1);
    const only = sceneMix({
      styles: { cubist: 1 },
      twoThings: 0,
      counts: 0,
      small: 0,
      withBackground: 0,
      recoloured: 0,
    });
    for (const { content } of first(200, 0, only)) {
      expect(content).toMatchObject({ layout: "single", background: null, style: "cubist" });
      expect(content.things).toHaveLength(1);
    }
  });

  it("keeps single things large and in the middle, and groups inside of the picture", () => {
    for (const { content, placements } of first(2000)) {
      for (const { x, y, size } of placements) {
        expect(Math.max(x, y) + size / 2).toBeLessThan(1.04);
        expect(Math.min(x, y) - size / 2).toBeGreaterThan(-0.04);
        if (content.layout === "single") expect(Math.abs(size - 0.76)).toBeLessThanOrEqual(0.76 * 0.08);
      }
    }
  });
});

describe("vocabulary", () => {
  const words = new Map(
    emojis.map((emoji) => [emoji.hexcode.toLowerCase(), `${emoji.label} ${emoji.tags?.join(" ")}`]),
  );

  it("names each thing by a word that Unicode gives its emoji too", () => {
    const unmatched = vocabulary.filter(({ name, codePoint, synonyms }) => {
      const known = words.get(codePoint)?.toLowerCase() ?? "";
      return ![name, ...synonyms].some((word) =>
        word.split(/[ -]/).some((part) => known.includes(part.replace(/s$/, ""))),
      );
    });
    expect(unmatched.map((thing) => `${thing.name}: ${words.get(thing.codePoint)}`)).toEqual([]);
  });

  it("has no name, synonym or drawing twice", () => {
    const names = vocabulary.flatMap((thing) => [thing.name, ...thing.synonyms]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(new Set(vocabulary.map((thing) => thing.codePoint)).size).toBe(vocabulary.length);
    expect([commonThings.length, furtherThings.length, styleNames.length]).toEqual([197, 72, 17]);
  });
});

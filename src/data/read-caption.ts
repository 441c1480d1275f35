// What a caption says, as the content of a scene: the inverse of captions.ts, for captions that people write too.
import { backgroundNames, backgroundPhrases, isColoured } from "./backgrounds.js";
import { type ColourName, colourNames } from "./colours.js";
import type { SceneBackground, SceneContent, SceneLayout, SceneThing } from "./scene-types.js";
import { defaultStyle, type StyleName, styleNamed, styleNames } from "./styles.js";
import { vocabulary } from "./vocabulary.js";

const counts: Readonly<Record<string, number>> = { two: 2, three: 3, four: 4 };

interface Named {
  readonly phrase: string;
}

const longestFirst = <T extends Named>(all: readonly T[]): readonly T[] =>
  [...all].sort((a, b) => b.phrase.length - a.phrase.length);

const stylePhrases = longestFirst(
  styleNames.flatMap((style) => {
    const { suffixes, prefixes } = styleNamed(style);
    return [...suffixes, ...prefixes].map((phrase) => ({ phrase: phrase.toLowerCase(), style }));
  }),
);

const everyBackground = longestFirst(
  backgroundNames.flatMap((name) => {
    const colours: readonly (ColourName | null)[] = isColoured(name) ? colourNames : [null];
    return colours.flatMap((colour) =>
      backgroundPhrases({ name, colour }).map((phrase) => ({ phrase, background: { name, colour } })),
    );
  }),
);

const thingPhrases = longestFirst(
  vocabulary.flatMap(({ name, plural, synonyms }) =>
    [name, ...synonyms, ...(plural === null ? [] : [plural])].map((phrase) => ({ phrase, name })),
  ),
);

/** Words and commas with single spaces between, and one at each end. */
const normalize = (text: string) =>
  ` ${text
    .toLowerCase()
    .replaceAll("gray", "grey")
    .replaceAll(",", " , ")
    .replace(/[^a-z0-9, -]+/g, " ")
    .replace(/\s+/g, " ")
    .trim()} `;

/** Takes the longest phrase that a text has out of it. */
function take<T extends Named>(
  text: string,
  all: readonly T[],
): { readonly found?: T; readonly rest: string } {
  for (const one of all) {
    const phrase = normalize(one.phrase);
    const at = text.indexOf(phrase);
    if (at >= 0) return { found: one, rest: `${text.slice(0, at)} | ${text.slice(at + phrase.length)}` };
  }
  return { rest: text };
}

interface PlacedThing extends SceneThing {
  readonly at: number;
}

/** The things in a text, in its order. What was found is blanked out, so that positions stay. */
function readThings(text: string): PlacedThing[] {
  let rest = text;
  const found: PlacedThing[] = [];
  for (const { phrase, name } of thingPhrases) {
    for (let at = rest.indexOf(` ${phrase} `); at >= 0; at = rest.indexOf(` ${phrase} `)) {
      const before = text.slice(0, at).split(" ").slice(-3);
      const after = /^ , ([a-z]+) /.exec(text.slice(at + 1 + phrase.length));
      const isColour = (word: string | undefined): word is ColourName =>
        (colourNames as readonly (string | undefined)[]).includes(word);
      const colour = [...before].reverse().find(isColour) ?? (isColour(after?.[1]) ? after[1] : null);
      const count = before.map((word) => counts[word]).find((value) => value !== undefined) ?? 1;
      found.push({ name, colour, count, at });
      rest = rest.slice(0, at + 1) + "|".repeat(phrase.length) + rest.slice(at + 1 + phrase.length);
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

function findLayout(between: string, things: readonly SceneThing[], text: string): SceneLayout {
  const [first] = things;
  if (things.length === 1)
    return first!.count > 1 ? "count" : / (small|little|tiny) /.test(text) ? "small" : "single";
  if (/ (above|over|below|under) /.test(between)) return "above";
  return / (left|right) of /.test(between) ? "left" : "pair";
}

/**
 * Reads what a caption shows.
 * @returns Undefined if it names nothing from the vocabulary, or more than two things.
 */
export function readCaption(caption: string): SceneContent | undefined {
  const styled = take(normalize(caption), stylePhrases);
  const placed = take(styled.rest, everyBackground);
  const things = readThings(placed.rest);
  const [first, second] = things;
  if (!first || things.length > 2) return undefined;
  const between = second ? placed.rest.slice(first.at, second.at + 1) : "";
  const layout = findLayout(between, things, placed.rest);
  const isReversed = / (below|under|right of) /.test(between);
  const strip = ({ at: _, ...thing }: PlacedThing): SceneThing => thing;
  const style: StyleName = styled.found?.style ?? defaultStyle;
  const background: SceneBackground | null = placed.found?.background ?? null;
  const named = things.map(strip);
  return { things: isReversed ? named.reverse() : named, layout, background, style };
}

// Writes the captions of scenes: exactly what is visible, in varied wording.

import type { Random } from "../random/index.js";
import { backgroundPhrases } from "./backgrounds.js";
import { type Pieces, sayMany } from "./many-captions.js";
import { type SceneContent, type SceneLayout, type SceneThing, showsMany } from "./scene-types.js";
import { defaultStyle, styleNamed } from "./styles.js";
import { thingNamed } from "./vocabulary.js";

export { isShort } from "./many-captions.js";

const numbers = ["zero", "one", "two", "three", "four"] as const;

/** A caption, with the phrase for each thing. */
export interface Caption {
  readonly text: string;
  /** Start and end of the phrase for each thing, in characters, in the order of the content's things. */
  readonly phrases: readonly Phrase[];
}

export type Phrase = readonly [from: number, to: number];

/**
 * Writes one of a content's captions. Different random streams give different wordings.
 */
export function writeCaption(content: SceneContent, random: Random): string {
  return phraseCaption(content, random).text;
}

/** {@link writeCaption}, with the positions of its phrases. */
export function phraseCaption(content: SceneContent, random: Random): Caption {
  const { text: things, phrases } = sayThings(content, random);
  const scene = join(things, sayBackground(content, random));
  const { text, offset: before } = withStyle(scene, content, random);
  return { text, phrases: phrases.map(([from, to]): Phrase => [from + before, to + before]) };
}

function join(first: string, second: string): string {
  return second === "" || second.startsWith(",") ? `${first}${second}` : `${first} ${second}`;
}

/**
 * @returns the caption, and the offset of the scene in it: a prefix may contain the scene's words ("a pencil
 * sketch of a pencil")
 */
function withStyle(scene: string, content: SceneContent, random: Random): { text: string; offset: number } {
  const style = styleNamed(content.style);
  if (style.name === defaultStyle && random.uniform() < 0.65) return { text: scene, offset: 0 };
  if (random.uniform() < 0.25) {
    const prefix = `${random.pick(style.prefixes)} `;
    return { text: prefix + scene, offset: prefix.length };
  }
  // "a cat in flat style" reads on without a comma, "a cat, flat style" does not.
  const suffix = random.pick(style.suffixes);
  const comma = random.uniform() < 0.7 || !/^(in|by|as|drawn) /.test(suffix);
  return { text: `${scene}${comma ? "," : ""} ${suffix}`, offset: 0 };
}

function sayBackground(content: SceneContent, random: Random): string {
  return content.background === null ? "" : random.pick(backgroundPhrases(content.background));
}

function sayThings(content: SceneContent, random: Random): Caption {
  const [first, second] = content.things;
  if (first === undefined) return { text: "", phrases: [] };
  if (showsMany(content.layout)) return sayPieces(sayMany(content, random), content, random);
  if (second === undefined) {
    const text = sayOne(first, content, random);
    return { text, phrases: [[0, text.length]] };
  }
  // One style of articles for both: "a cat and a dog" or "cat and dog".
  const articles = random.uniform() < 0.65;
  const one = noun(first, articles, random);
  const two = noun(second, articles, random);
  // Only the order says which thing of a pair is on the left: the first.
  const inOrder = content.layout === "pair" || random.uniform() < 0.5;
  const between = random.pick(relations[content.layout]![inOrder ? 0 : 1]);
  const [before, after] = inOrder ? [one, two] : [two, one];
  const text = `${before} ${between} ${after}`;
  const phrases: Phrase[] = [
    [0, before.length],
    [text.length - after.length, text.length],
  ];
  return { text, phrases: inOrder ? phrases : phrases.reverse() };
}

/** Puts the words for things into pieces of text. A comma stands at the word before it. */
function sayPieces(pieces: Pieces, content: SceneContent, random: Random): Caption {
  const articles = random.uniform() < 0.8;
  const phrases: Phrase[] = [];
  let text = "";
  for (const piece of pieces) {
    const words = typeof piece === "string" ? piece : noun(content.things[piece]!, articles, random);
    if (text !== "" && words !== ",") text += " ";
    if (typeof piece === "number") phrases[piece] = [text.length, text.length + words.length];
    text += words;
  }
  return { text, phrases };
}

const joined = ["and", "and", "next to"];
/**
 * Phrases between two things, if the caption names the image's first thing first, and if second.
 */
const relations: Readonly<Partial<Record<SceneLayout, readonly [readonly string[], readonly string[]]>>> = {
  left: [
    ["to the left of", "left of"],
    ["to the right of", "right of"],
  ],
  above: [
    ["above", "over"],
    ["below", "under"],
  ],
  pair: [joined, joined],
  single: [joined, joined],
  small: [joined, joined],
  count: [joined, joined],
};

function sayOne(thing: SceneThing, content: SceneContent, random: Random): string {
  const size = content.layout === "small" ? random.pick(["small", "little", "tiny"]) : null;
  const choice = random.uniform();
  if (
    size === null &&
    thing.count === 1 &&
    thing.colour !== null &&
    choice < 0.12 &&
    content.background === null
  ) {
    return `${nameOf(thing, random)}, ${spelling(thing.colour, random)}`;
  }
  return noun(thing, choice < 0.7, random, size);
}

/** "a blue cat", "blue cat", "two blue cats". */
function noun(thing: SceneThing, article: boolean, random: Random, size: string | null = null): string {
  const words = [size, thing.colour === null ? null : spelling(thing.colour, random), nameOf(thing, random)]
    .filter((word) => word !== null)
    .join(" ");
  if (thing.count > 1) return `${numbers[thing.count]} ${words}`;
  if (!article || thingNamed(thing.name).plural === null) return words;
  return `${articleOf(words)} ${words}`;
}

/** The article by sound, for the words of the vocabulary. */
export function articleOf(words: string): "a" | "an" {
  return /^([aeiou]|hour|x-)/.test(words) && !/^(uni|uku|ufo|one)/.test(words) ? "an" : "a";
}

function nameOf(thing: SceneThing, random: Random): string {
  const { name, plural, synonyms } = thingNamed(thing.name);
  if (thing.count > 1 && plural !== null) return plural;
  return synonyms.length > 0 && random.uniform() < 0.15 ? random.pick(synonyms) : name;
}

function spelling(colour: string, random: Random): string {
  return colour === "grey" && random.uniform() < 0.5 ? "gray" : colour;
}

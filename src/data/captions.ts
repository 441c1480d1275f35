// Writes the caption of a scene: exactly what is there, in varied wording.

import type { Random } from "../random/index.js";
import { backgroundPhrases } from "./backgrounds.js";
import type { SceneContent, SceneThing } from "./scene-types.js";
import { defaultStyle, styleNamed } from "./styles.js";
import { thingNamed } from "./vocabulary.js";

const numbers = ["zero", "one", "two", "three", "four"] as const;

/** One of the captions that are true of a content. Different streams of random numbers give different wordings. */
export function writeCaption(content: SceneContent, random: Random): string {
  const scene = join(sayThings(content, random), sayBackground(content, random));
  return withStyle(scene, content, random);
}

function join(first: string, second: string): string {
  return second === "" || second.startsWith(",") ? `${first}${second}` : `${first} ${second}`;
}

function withStyle(scene: string, content: SceneContent, random: Random): string {
  const style = styleNamed(content.style);
  if (style.name === defaultStyle && random.uniform() < 0.65) return scene;
  if (random.uniform() < 0.25) return `${random.pick(style.prefixes)} ${scene}`;
  // "a cat in flat style" reads on without a comma, "a cat, flat style" does not.
  const suffix = random.pick(style.suffixes);
  const comma = random.uniform() < 0.7 || !/^(in|by|as|drawn) /.test(suffix);
  return `${scene}${comma ? "," : ""} ${suffix}`;
}

function sayBackground(content: SceneContent, random: Random): string {
  return content.background === null ? "" : random.pick(backgroundPhrases(content.background));
}

function sayThings(content: SceneContent, random: Random): string {
  const [first, second] = content.things;
  if (first === undefined) return "";
  if (second === undefined) return sayOne(first, content, random);
  // One style of articles for both: "a cat and a dog" or "cat and dog".
  const articles = random.uniform() < 0.65;
  const one = noun(first, articles, random);
  const two = noun(second, articles, random);
  switch (content.layout) {
    case "left":
      return random.uniform() < 0.5
        ? `${one} ${random.pick(["to the left of", "left of"])} ${two}`
        : `${two} ${random.pick(["to the right of", "right of"])} ${one}`;
    case "above":
      return random.uniform() < 0.5
        ? `${one} ${random.pick(["above", "over"])} ${two}`
        : `${two} ${random.pick(["below", "under"])} ${one}`;
    default:
      // Which of a pair stands left is said neither way round.
      return random.uniform() < 0.5
        ? `${one} ${random.pick(["and", "and", "next to"])} ${two}`
        : `${two} ${random.pick(["and", "and", "next to"])} ${one}`;
  }
}

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

/** By sound, as far as the vocabulary needs it. */
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

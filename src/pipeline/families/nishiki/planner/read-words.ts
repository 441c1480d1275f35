// Reads a prompt word by word: things, colours, numbers, places, styles, how things lie, and what cannot be drawn.
import { captionNames } from "../caption-names.js";
import { findColour } from "../colour-words.js";
import { type KnownName, type KnownWords, splitWords, type Token } from "../known-words.js";
import { nameFor, otherNames } from "../other-names.js";
import { touches } from "../prompt-forms.js";
import { everydayWords, type Reading } from "./everyday-words.js";

/** Some words of a prompt, and what they were read as. */
export interface ReadWords {
  readonly text: string;
  /** The best first; none for words that are not known. */
  readonly readings: readonly (Reading | ColourReading | NamedThing)[];
  /** Whether a comma stands before. */
  readonly afterComma: boolean;
  /** Whether the next words stand beside it with nothing between. */
  readonly touchesNext: boolean;
}

export interface ColourReading {
  readonly kind: "colour";
  readonly name: string;
}

/** A thing that a prompt names itself. */
export interface NamedThing {
  readonly kind: "named";
  readonly name: string;
  readonly isPlural: boolean;
}

const mostWords = 4;
/** After these, a thing that is also a place is the place: "on the beach", "in the mountains". */
const placing = new Set(["on", "at", "by", "in"]);

/** Names of things in small letters, and whether they are plurals. */
function namesOf({ names }: KnownWords): ReadonlyMap<string, NamedThing> {
  const all = new Map<string, NamedThing>();
  const add = (words: string, { name }: KnownName, isPlural: boolean) =>
    all.set(words.toLowerCase().replaceAll("-", " "), { kind: "named", name, isPlural });
  const byName = new Map(names.map((each) => [each.name, each]));
  for (const [other, name] of captionNames) {
    const found = byName.get(name);
    if (!found) continue;
    add(other, found, false);
    if (found.plural !== null) add(`${other}s`, found, true);
  }
  for (const each of names) {
    if (each.plural !== null) add(each.plural, each, each.plural !== each.name);
    add(each.name, each, false);
  }
  return all;
}

export function readWords(prompt: string, known: KnownWords): ReadWords[] {
  const tokens = splitWords(prompt);
  const names = namesOf(known);
  const read: ReadWords[] = [];
  for (let first = 0; first < tokens.length; ) {
    const { length, readings } = readAt(prompt, tokens, first, names, known);
    const { start } = tokens[first]!;
    const before = tokens[first - 1];
    read.push({
      text: prompt.slice(start, tokens[first + length - 1]!.end),
      readings,
      afterComma: before !== undefined && prompt.slice(before.end, start).includes(","),
      touchesNext: touches(prompt, tokens, first + length - 1),
    });
    first += length;
  }
  return read;
}

/** The longest known words from a token on. */
function readAt(
  prompt: string,
  tokens: readonly Token[],
  first: number,
  names: ReadonlyMap<string, NamedThing>,
  known: KnownWords,
): { readonly length: number; readonly readings: ReadWords["readings"] } {
  let most = 1;
  while (most < mostWords && touches(prompt, tokens, first + most - 1)) most++;
  for (let length = most; length > 0; length--) {
    const words = tokens.slice(first, first + length).map(({ word }) => word);
    const text = words.join(" ");
    const everyday = findEveryday(text);
    // "Fires" and "t-shirts" have no plural of their own in captions.
    const own = names.get(text) ?? (text.endsWith("s") ? names.get(text.slice(0, -1)) : undefined);
    const name = own ?? (everyday ? undefined : findOther(text, known));
    const isPlace = everyday?.[0]?.kind === "ground" && placing.has(wordBefore(tokens, first) ?? "");
    if (name && !isPlace) return { length, readings: [name, ...(everyday ?? [])] };
    if (length === 1 && known.colours.has(text))
      return { length, readings: [{ kind: "colour", name: text === "gray" ? "grey" : text }] };
    const colour = findColour(words, known);
    if (colour && colour.length >= length && !everyday)
      return { length: colour.length, readings: [{ kind: "colour", name: colour.colour }] };
    if (everyday) return { length, readings: everyday };
  }
  return { length: 1, readings: [] };
}

/** The word before, articles apart. */
function wordBefore(tokens: readonly Token[], first: number): string | undefined {
  const before = tokens[first - 1]?.word;
  return before === "the" || before === "a" || before === "an" ? tokens[first - 2]?.word : before;
}

/** The readings of words, and of people in the plural: "astronauts". */
function findEveryday(text: string): readonly Reading[] | undefined {
  const found = everydayWords.get(text);
  if (found || !text.endsWith("s")) return found;
  const singular = everydayWords.get(text.slice(0, -1));
  return singular?.[0]?.kind === "cannot" ? singular : undefined;
}

/** The thing that words are another name or a kind of. */
function findOther(text: string, known: KnownWords): NamedThing | undefined {
  const other = nameFor(text);
  const found = other === undefined ? undefined : known.names.find(({ name }) => name === other);
  return (
    found && { kind: "named", name: found.name, isPlural: found.plural !== null && !otherNames.has(text) }
  );
}

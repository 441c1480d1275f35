// What a prompt asks for in a form that no caption of training had, though the model knows every word of it:
// more things than its scenes showed, several of one beside another, one thing twice, a phrase made of single words
// ("coffee shop"), numerals, emoji. The model draws something; these sentences say what it cannot have
// understood.
import { captionNames, captionStyles } from "./caption-names.js";
import { type KnownWords, splitWords, type Token } from "./known-words.js";

/** Words that stand between things or before them, and are no things where they stand. */
const between = new Set(
  (
    "a an the one two three four some and or with of on in at by as against above below over under to next near left right front " +
    "behind small little tiny plain drawn style picture pictures background backgrounds"
  ).split(" "),
);
/** What is behind the things. */
const grounds = new Set(
  "sunset night desert sky starry sea meadow grassy snow snowy beach sand sandy landscape space".split(" "),
);
const counts = new Set(["two", "three", "four"]);
/** Places whose names are also those of things, as captions of scenes with many things name them. */
const places =
  /\b(in the mountains|in front of mountains|(in|against) a mountain (landscape|background)|at a mountain lake|in a flower garden)\b/g;

/** Some side-by-side words of a prompt that are one for the model, or that are none. */
export interface Segment {
  readonly text: string;
  /** First and last token. */
  readonly first: number;
  readonly last: number;
  /**
   * The thing that is named; undefined for a word that is only part of names ("coffee" of "cup of coffee").
   */
  readonly thing: string | undefined;
}

/** Every name of a thing, in small letters: singular, plural, and other names in captions. */
function namesOf({ names }: KnownWords): Map<string, string> {
  const all = new Map<string, string>();
  for (const { name, plural } of names) {
    all.set(name.toLowerCase(), name);
    if (plural !== null) all.set(plural.toLowerCase(), name);
  }
  for (const [other, name] of captionNames) {
    if (!all.has(name)) continue;
    all.set(other, name);
    all.set(`${other}s`, name);
  }
  return all;
}

const longestName = 4;

/** Whether a token and the next stand side by side, with an apostrophe or a hyphen between them at most. */
export function touches(prompt: string, tokens: readonly Token[], at: number): boolean {
  const [one, next] = [tokens[at], tokens[at + 1]];
  return one !== undefined && next !== undefined && /^[\s'’-]+$/.test(prompt.slice(one.end, next.start));
}

/** The things that a prompt names, and words that are only part of names, in order. */
export function findSegments(prompt: string, tokens: readonly Token[], known: KnownWords): Segment[] {
  const names = namesOf(known);
  const segments: Segment[] = [];
  for (let first = 0; first < tokens.length; ) {
    let last = first;
    while (last < first + longestName - 1 && touches(prompt, tokens, last)) last++;
    const textTo = (end: number) => prompt.slice(tokens[first]!.start, tokens[end]!.end).toLowerCase();
    const isPhrase = (text: string) => names.has(text) || captionStyles.has(text);
    while (last > first && !isPhrase(textTo(last))) last--;
    const { word } = tokens[first]!;
    const isSmall = last === first && (between.has(word) || grounds.has(word) || known.colours.has(word));
    if (!isSmall && !captionStyles.has(textTo(last)) && (last > first || known.nouns.has(word))) {
      segments.push({ text: textTo(last), first, last, thing: names.get(textTo(last)) });
    }
    first = last + 1;
  }
  return segments;
}

/**
 * Words side by side that no caption had side by side, such as "oil painting", "coffee shop" and "cat house".
 */
function findPhrases(
  prompt: string,
  tokens: readonly Token[],
  segments: readonly Segment[],
  known: KnownWords,
): string[] {
  const phrases: string[] = [];
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1];
    const joinsNext = next?.first === segment.last + 1 && touches(prompt, tokens, segment.last);
    const after = tokens[segment.last + 1];
    // A word for a style may follow a thing ("cat silhouette"), but not a word that is no thing by itself.
    const joinsOther =
      !joinsNext &&
      segment.thing === undefined &&
      after !== undefined &&
      touches(prompt, tokens, segment.last) &&
      known.words.has(after.word) &&
      !between.has(after.word) &&
      !known.colours.has(after.word);
    if (joinsNext) phrases.push(prompt.slice(tokens[segment.first]!.start, tokens[next.last]!.end));
    else if (joinsOther) phrases.push(prompt.slice(tokens[segment.first]!.start, after.end));
  }
  return phrases;
}

const numberWords = ["no", "one", "two", "three", "four", "five", "six"];

function describeThings(tokens: readonly Token[], segments: readonly Segment[], kinds: number): string[] {
  const named = segments.flatMap(({ thing }) => thing ?? []);
  const different = [...new Set(named)];
  const repeated = different.filter((name) => named.indexOf(name) !== named.lastIndexOf(name));
  const isNamed = (at: number) => segments.some(({ first, last }) => first <= at && at <= last);
  const count = tokens.find(({ word }, at) => counts.has(word) && !isNamed(at));
  const sentences: string[] = [];
  if (different.length > kinds) {
    sentences.push(
      `The model draws at most ${numberWords[kinds] ?? kinds} different objects in an image; this prompt names ${different.length}: ${different.join(", ")}.`,
    );
  } else if (count && kinds === 2 && different.length === 2) {
    sentences.push(
      `The model draws several of one object only by themselves: it has not learned "${count.word}" of one object beside another (${different.join(", ")}).`,
    );
  }
  for (const name of repeated) {
    sentences.push(
      `The model has not learned two different versions of one object: it draws one "${name}", or several alike.`,
    );
  }
  return sentences;
}

/** Symbols that the text encoder has no token for. */
function findSymbols(prompt: string): string[] {
  return [
    ...new Set(
      prompt.match(
        /\p{Extended_Pictographic}(?:\u200d\p{Extended_Pictographic}|[\ufe0f\u{1f3fb}-\u{1f3ff}])*/gu,
      ) ?? [],
    ),
  ];
}

/** Numbers written in figures: captions count in words. "8" is part of "8-bit". */
function findNumerals(prompt: string, tokens: readonly Token[]): string[] {
  return tokens
    .filter(({ word, end }) => /^\p{N}+$/u.test(word) && prompt[end] !== "-")
    .map(({ word }) => word);
}

/**
 * Sentences on what a prompt asks for in a form that the model was never shown.
 * @param prompt As the person wrote it.
 * @param understood The prompt with known words in the place of others.
 * @param kinds The most different things that its training scenes showed.
 */
export function describeForms(prompt: string, understood: string, known: KnownWords, kinds = 2): string[] {
  // Commas keep the positions, and join no words.
  const named = kinds > 2 ? understood.replace(places, (place) => ",".repeat(place.length)) : understood;
  const tokens = splitWords(named);
  const segments = findSegments(named, tokens, known);
  const phrases = findPhrases(named, tokens, segments, known);
  const symbols = findSymbols(prompt);
  const numerals = findNumerals(understood, tokens);
  const sentences = describeThings(tokens, segments, kinds);
  if (phrases.length > 0) {
    const list = phrases.map((phrase) => `"${phrase}"`).join(", ");
    sentences.push(`The model knows these words individually, but not in combination: ${list}.`);
  }
  if (numerals.length > 0) {
    sentences.push(
      `The model counts in words from one to four ("three cats") and does not know: ${numerals.join(", ")}.`,
    );
  }
  if (symbols.length > 0) sentences.push(`The model does not read emoji: ${symbols.join(" ")}`);
  if (splitWords(understood).length === 0 && symbols.length === 0 && prompt.trim() !== "") {
    sentences.push("The prompt contains no words.");
  }
  return sentences;
}

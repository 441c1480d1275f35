// Words that a model has never been shown. A denoiser that was trained on a few thousand words draws anything for all others, since what
// lies between the captions of its training was never trained. So a word that is another name or a kind of something it draws becomes
// that name (other-names.ts), and that is said. For the others the text encoder names what comes nearest, as a suggestion only: it
// takes an ocean for a beach. It does not know colours apart: those are compared as colours (colour-words.ts).
import { listSome, quote, showText } from "../../../errors.js";
import { findColour } from "./colour-words.js";
import { nameFor } from "./other-names.js";

/** Something that the model has learned to draw. */
export interface KnownName {
  readonly name: string;
  /** Null where it is not counted. */
  readonly plural: string | null;
  /** Null where it takes none. */
  readonly article: "a" | "an" | null;
}

/** What a model's captions were made of. */
export interface KnownWords {
  /** Every word of them, in small letters. */
  readonly words: ReadonlySet<string>;
  /** Those that stand in names of things. */
  readonly nouns: ReadonlySet<string>;
  readonly colours: ReadonlySet<string>;
  readonly names: readonly KnownName[];
  /** What `describeName` of each name gives, unit vectors `[names, width]`. */
  readonly vectors: Float32Array;
  /** The same of what no name stands for, such as people: a word that is nearer to one of these is left as it is. */
  readonly others: Float32Array;
}

/** A text as one unit vector. */
export type Embed = (text: string) => Promise<Float32Array>;

export interface Understood {
  readonly prompt: string;
  readonly replaced: readonly { readonly from: string; readonly to: string }[];
  /** Words that were never shown and are left as they are. */
  readonly unknown: readonly UnknownWords[];
}

export interface UnknownWords {
  readonly words: string;
  /** Where they stand for a thing: the names that the text encoder takes to be nearest, the nearest first. */
  readonly nearest: readonly string[];
}

/** Cosines below this are no likeness, not even to suggest. */
const alike = 0.5;
const mostSuggested = 3;

const mostWords = 3;
const numbers = new Set(["two", "three", "four"]);
/** What a thing's name may follow. */
const leading = new Set(
  "a an the one two three four some and or with above below over under to near small little tiny".split(" "),
);
/** Words in names of things ("bunch of grapes") that are no things themselves. */
const small = new Set([...leading, ..."of on picture pictures".split(" ")]);
/** Words for what is behind the things that take a colour. */
const grounds = new Set(
  "background backgrounds backdrop stripes dots checks sky sea meadow landscape sand".split(" "),
);
/** "in the style of Rembrandt" names nothing that could be drawn. */
const manners = new Set(["style", "manner", "spirit", "way"]);

/** The text whose vector stands for a name. */
export function describeName(name: string): string {
  return `a picture of ${articleOf(name)} ${name}`;
}

function articleOf(word: string): "a" | "an" {
  return /^[aeiou]/i.test(word) ? "an" : "a";
}

/** A word of a prompt, or a colour phrase, which counts as the known colour's name and is written in its place. */
export interface Token {
  readonly word: string;
  readonly isColourPhrase?: boolean;
  readonly start: number;
  readonly end: number;
}

/** Words of a prompt that are looked at: several times as many as any text encoder of such a model reads. */
const MAX_WORDS = 256;

/** The first 256 words of a text, in small letters, and where they stand. */
export function splitWords(text: string): Token[] {
  const tokens: Token[] = [];
  for (const { 0: found, index } of text.matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu)) {
    if (tokens.length === MAX_WORDS) break;
    tokens.push({ word: found.toLowerCase(), start: index, end: index + found.length });
  }
  return tokens;
}

/** Words of a text, in small letters, as prompts are compared with them. */
export function wordsOf(text: string): string[] {
  return splitWords(text).map(({ word }) => word);
}

/**
 * Puts known names in the place of other names for them that stand where a thing's name would, and the nearest known colour in
 * the place of a colour phrase that stands where a colour would.
 */
export async function understand(prompt: string, known: KnownWords, embed: Embed): Promise<Understood> {
  const tokens = joinColours(prompt, known);
  const replaced: { from: string; to: string }[] = [];
  const unknown: UnknownWords[] = [];
  let text = "";
  let done = 0;
  for (let first = 0; first < tokens.length; first++) {
    const { word, isColourPhrase } = tokens[first]!;
    if (!isColourPhrase && !isUnknown(tokens[first]!, known)) continue;
    const { from, last, found, mayName } = isColourPhrase
      ? {
          from: first,
          last: first,
          found: { name: word, article: articleOf(word), plural: null },
          mayName: true,
        }
      : findName(prompt, tokens, first, known);
    const run = prompt.slice(tokens[from]!.start, tokens[last]!.end);
    if (found) {
      if (from > first) {
        const words = prompt.slice(tokens[first]!.start, tokens[from - 1]!.end);
        unknown.push({ words, nearest: [] });
      }
      const before = tokens[from - 1];
      const { name, article, plural } = found;
      const counted = before && known.colours.has(before.word) ? tokens[from - 2] : before;
      const to = counted && numbers.has(counted.word) ? (plural ?? name) : name;
      const hasArticle = before?.word === "a" || before?.word === "an";
      text += prompt.slice(done, hasArticle ? before.start : tokens[from]!.start);
      text += hasArticle && article ? `${article} ${to}` : to;
      done = tokens[last]!.end;
      replaced.push({ from: run, to });
    } else {
      unknown.push({
        words: run,
        nearest: mayName ? await findNearest(run.toLowerCase(), known, embed) : [],
      });
    }
    first = last;
  }
  return { prompt: text + prompt.slice(done), replaced, unknown };
}

/** What a person should know of how a prompt was understood, a sentence each. */
export function describeWords({ replaced, unknown }: Understood): string[] {
  const sentences = new Set(
    replaced.map(({ from, to }) => `The model does not know the word ${quote(from)}; it draws "${to}".`),
  );
  const likened = unknown.filter(({ nearest }) => nearest.length > 0);
  const others = unknown.filter(({ nearest }) => nearest.length === 0).map(({ words }) => showText(words));
  return [
    ...sentences,
    ...likened.map(({ words, nearest }) => {
      const names = nearest.map((name) => `"${name}"`).join(", ");
      return `The model cannot draw ${quote(words)}. The closest objects that it can draw: ${names}.`;
    }),
    ...(others.length > 0
      ? [`The model does not know these words: ${listSome([...new Set(others)], 20)}.`]
      : []),
  ];
}

/**
 * A negative prompt without what the model does not know: of "blurry", which means nothing to it, the denoiser would make anything.
 * @returns The parts between commas that are known, and the others
 */
export async function keepKnown(
  negative: string,
  known: KnownWords,
  embed: Embed,
): Promise<{ readonly kept: string; readonly leftOut: readonly string[] }> {
  const kept: string[] = [];
  const leftOut: string[] = [];
  for (const part of negative.split(",", MAX_WORDS).map((each) => each.trim())) {
    if (part === "") continue;
    const { prompt, unknown } = await understand(part, known, embed);
    if (unknown.length > 0) leftOut.push(part);
    else kept.push(prompt);
  }
  return { kept: kept.join(", "), leftOut };
}

function isThing(word: string, { nouns }: KnownWords): boolean {
  return nouns.has(word) && !small.has(word);
}

function isUnknown({ word }: Token, { words }: KnownWords): boolean {
  return !words.has(word) && !/^\p{N}+$/u.test(word);
}

interface FoundName {
  /** The unknown words: where they end, and where those that are a name begin. */
  readonly from: number;
  readonly last: number;
  /** The known name that they stand for. */
  readonly found: KnownName | undefined;
  /** Whether they stand where a thing's name does. */
  readonly mayName: boolean;
}

/** The unknown words that begin at a token, and the known name that they, or the last of them ("spooky mansion"), stand for. */
function findName(prompt: string, tokens: readonly Token[], first: number, known: KnownWords): FoundName {
  const goesOn = (at: number) => {
    const next = tokens[at + 1];
    return next && !next.isColourPhrase && isUnknown(next, known) && touch(prompt, tokens, at);
  };
  let last = first;
  while (goesOn(last)) last++;
  const may = last - first < mostWords && mayName(prompt, tokens, first, last, known);
  for (let from = first; may && from <= last; from++) {
    // "house-feline" is one word.
    if (from > first && prompt.slice(tokens[from - 1]!.end, tokens[from]!.start).includes("-")) continue;
    const words = prompt.slice(tokens[from]!.start, tokens[last]!.end).toLowerCase();
    const name = nameFor(words);
    const found = known.names.find((each) => each.name === name);
    if (found) return { from, last, found, mayName: true };
  }
  return { from: first, last, found: undefined, mayName: may };
}

/** The tokens of a prompt, each colour phrase as one. */
function joinColours(prompt: string, known: KnownWords): Token[] {
  const tokens = splitWords(prompt);
  const joined: Token[] = [];
  for (let first = 0; first < tokens.length; ) {
    const { word, start } = tokens[first]!;
    const phrase = findColour(wordsFrom(prompt, tokens, first), known);
    const after = first + (phrase?.length ?? 1);
    const token = { word: phrase?.colour ?? word, isColourPhrase: true, start, end: tokens[after - 1]!.end };
    // As if it were one: what follows it is then read as after a colour.
    const all = [...joined, token, ...tokens.slice(after)];
    const isColour =
      phrase &&
      !tokens.slice(Math.max(1, first), after).some((each) => isCapital(prompt, each)) &&
      (phrase.sure || standsForColour(prompt, all, joined.length, known));
    joined.push(isColour ? token : tokens[first]!);
    first = isColour ? after : first + 1;
  }
  return joined;
}

/** The words that stand side by side from a token on. */
function wordsFrom(prompt: string, tokens: readonly Token[], first: number): string[] {
  let last = first;
  while (touch(prompt, tokens, last)) last++;
  return tokens.slice(first, last + 1).map(({ word }) => word);
}

/**
 * Whether a word that may be a colour or a thing ("ruby") is a colour where it stands: before a thing, known or not, or what is behind
 * the things; after a thing and a comma, with nothing more said; after "plain".
 */
function standsForColour(prompt: string, tokens: readonly Token[], at: number, known: KnownWords): boolean {
  const takesColour = ({ word }: Token) => grounds.has(word) || isThing(word, known);
  const before = tokens[at - 1];
  const next = tokens[at + 1];
  if (next && touch(prompt, tokens, at)) {
    if (takesColour(next)) return true;
    if (!isUnknown(next, known)) return false;
    return findName(prompt, tokens, at + 1, known).found !== undefined;
  }
  if (!before) return false;
  if (before.word === "plain" && touch(prompt, tokens, at - 1)) return true;
  const comma = /^\s*,\s*$/.test(prompt.slice(before.end, tokens[at]!.start));
  return comma && takesColour(before);
}

/** Whether a token and the next stand side by side, with nothing said between them. */
function touch(prompt: string, tokens: readonly Token[], at: number): boolean {
  const [one, next] = [tokens[at], tokens[at + 1]];
  return one !== undefined && next !== undefined && /^[\s-]+$/.test(prompt.slice(one.end, next.start));
}

function isCapital(prompt: string, { start }: Token): boolean {
  return /^\p{Lu}/u.test(prompt.slice(start));
}

/**
 * Whether words stand where a thing's name does: not before another name ("golden cat"), nor after one ("cat sitting"), and not
 * with a capital letter in the middle of a prompt, which begins a name of its own.
 */
function mayName(
  prompt: string,
  tokens: readonly Token[],
  first: number,
  last: number,
  known: KnownWords,
): boolean {
  if (tokens.slice(first, last + 1).some(({ word }) => word.length < 3)) return false;
  const next = tokens[last + 1]?.word;
  if (next !== undefined && touch(prompt, tokens, last) && (isThing(next, known) || known.colours.has(next)))
    return false;
  if (first === 0) return true;
  if (isCapital(prompt, tokens[first]!)) return false;
  if (!touch(prompt, tokens, first - 1)) return false;
  const before = tokens[first - 1]!.word;
  if (before === "of") return !manners.has(tokens[first - 2]?.word ?? "");
  return leading.has(before) || known.colours.has(before);
}

/** Names that a text encoder likens to some words, the nearest first; none where they are nearer to what no name stands for. */
export async function findNearest(
  words: string,
  { names, vectors, others }: KnownWords,
  embed: Embed,
): Promise<readonly string[]> {
  const vector = await embed(describeName(words));
  const width = vector.length;
  const cosine = (rows: Float32Array, i: number) => {
    let sum = 0;
    for (const [j, value] of vector.entries()) sum += value * rows[i * width + j]!;
    return sum;
  };
  let least = alike;
  for (let i = 0; i < others.length / width; i++) least = Math.max(least, cosine(others, i));
  const likened = names.map(({ name }, i) => ({ name, likeness: cosine(vectors, i) }));
  return likened
    .filter(({ likeness }) => likeness > least)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, mostSuggested)
    .map(({ name }) => name);
}

/** The mean of a text's token states `[tokens, width]`, as a unit vector. */
export function meanState(states: Float32Array, mask: Float32Array): Float32Array {
  const width = states.length / mask.length;
  const sum = new Float32Array(width);
  for (const [token, counts] of mask.entries()) {
    if (counts > 0) for (let j = 0; j < width; j++) sum[j]! += states[token * width + j]!;
  }
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => value / length);
}

// Words that a model has never been shown. A text encoder knows that a feline is a cat; a denoiser that was trained on a few
// thousand words does not, for what lies between the captions of its training was never trained. So the text encoder is asked for the name
// that it takes to be nearest, and that is drawn, and said.

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
  readonly unknown: readonly string[];
}

/**
 * Cosines below this are no likeness. Of 116 other names for the embedded model's things, 67 have the right name nearest, all of
 * them above it.
 */
const alike = 0.6;

const mostWords = 3;
const numbers = new Set(["two", "three", "four"]);
/** What a thing's name may follow. */
const leading = new Set(
  "a an the one two three four some and or with above below over under to near small little tiny".split(" "),
);
/** "in the style of Rembrandt" names nothing that could be drawn. */
const manners = new Set(["style", "manner", "spirit", "way"]);

/** The text whose vector stands for a name. */
export function describeName(name: string): string {
  return `a picture of ${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

interface Token {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

function split(text: string): Token[] {
  return [...text.matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu)].map(({ 0: found, index }) => {
    return { word: found.toLowerCase(), start: index, end: index + found.length };
  });
}

/** Words of a text, in small letters, as prompts are compared with them. */
export function wordsOf(text: string): string[] {
  return split(text).map(({ word }) => word);
}

/** Puts the nearest known name in the place of every unknown one that stands where a thing's name would. */
export async function understand(prompt: string, known: KnownWords, embed: Embed): Promise<Understood> {
  const tokens = split(prompt);
  const isUnknown = ({ word }: Token) => !known.words.has(word) && !/^\p{N}+$/u.test(word);
  const replaced: { from: string; to: string }[] = [];
  const unknown: string[] = [];
  let text = "";
  let done = 0;
  for (let first = 0; first < tokens.length; first++) {
    if (!isUnknown(tokens[first]!)) continue;
    let last = first;
    while (last + 1 < tokens.length && isUnknown(tokens[last + 1]!) && touch(prompt, tokens, last)) last++;
    const run = prompt.slice(tokens[first]!.start, tokens[last]!.end);
    const found =
      last - first < mostWords && mayName(prompt, tokens, first, last, known)
        ? await nearest(run.toLowerCase(), known, embed)
        : undefined;
    if (found) {
      const before = tokens[first - 1];
      const { name, article, plural } = found;
      const to = before && numbers.has(before.word) ? (plural ?? name) : name;
      const hasArticle = before?.word === "a" || before?.word === "an";
      text += prompt.slice(done, hasArticle ? before.start : tokens[first]!.start);
      text += hasArticle && article ? `${article} ${to}` : to;
      done = tokens[last]!.end;
      replaced.push({ from: run, to });
    } else {
      unknown.push(run);
    }
    first = last;
  }
  return { prompt: text + prompt.slice(done), replaced, unknown };
}

/** Whether a token and the next stand side by side, with nothing said between them. */
function touch(prompt: string, tokens: readonly Token[], at: number): boolean {
  const [one, next] = [tokens[at], tokens[at + 1]];
  return one !== undefined && next !== undefined && /^[\s-]+$/.test(prompt.slice(one.end, next.start));
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
  { nouns, colours }: KnownWords,
): boolean {
  if (tokens.slice(first, last + 1).some(({ word }) => word.length < 3)) return false;
  const next = tokens[last + 1]?.word;
  if (next !== undefined && touch(prompt, tokens, last) && (nouns.has(next) || colours.has(next)))
    return false;
  if (first === 0) return true;
  if (/^\p{Lu}/u.test(prompt.slice(tokens[first]!.start))) return false;
  if (!touch(prompt, tokens, first - 1)) return false;
  const before = tokens[first - 1]!.word;
  if (before === "of") return !manners.has(tokens[first - 2]?.word ?? "");
  return leading.has(before) || colours.has(before);
}

async function nearest(
  words: string,
  { names, vectors, others }: KnownWords,
  embed: Embed,
): Promise<KnownName | undefined> {
  const wanted = await embed(describeName(words));
  const width = wanted.length;
  const cosine = (rows: Float32Array, i: number) => {
    let sum = 0;
    for (const [j, value] of wanted.entries()) sum += value * rows[i * width + j]!;
    return sum;
  };
  let best = alike;
  for (let i = 0; i < others.length / width; i++) best = Math.max(best, cosine(others, i));
  let found: KnownName | undefined;
  for (const [i, name] of names.entries()) {
    const own = cosine(vectors, i);
    if (own > best) [best, found] = [own, name];
  }
  return found;
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

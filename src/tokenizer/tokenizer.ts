// Converts text to token ids: a thin layer over @huggingface/tokenizers that tracks the word of each token
// and reports words that did not fit instead of dropping them silently.

import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { NishikiError } from "../errors.js";

/**
 * The part of the library in use. Its type declarations do not resolve in an ES module and would become
 * `any`.
 */
interface Library {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[]; tokens: string[] };
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  normalizer: ((text: string) => string) | null;
}

/** A word of the prompt and the tokens that spell it: `ids[start]` to `ids[end - 1]`. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A tokenized text, with the tokens that the encoder expects at its ends ([CLS] and [SEP] for BERT). */
export interface Encoding {
  readonly ids: number[];
  readonly tokens: string[];
  /**
   * The words whose tokens are in `ids`, in order; the last one may be partial if it is also in `dropped`.
   */
  readonly words: Word[];
  /** The words that did not fit, wholly or in part. Empty if everything fit. */
  readonly dropped: string[];
}

/** Several texts as one rectangle, row by row; short rows are padded with `padId` where `mask` is 0. */
export interface EncodedBatch {
  readonly ids: Int32Array; // [batch, tokens]
  readonly mask: Float32Array; // [batch, tokens], 1 where there is a token
  readonly shape: readonly [batch: number, tokens: number];
  readonly encodings: Encoding[];
}

export interface TokenizerConfig {
  /** The most tokens of a text, including those at its ends. BERT's position table has 512 rows. */
  readonly maxTokens?: number;
  /** The padding token of a batch. */
  readonly padToken?: string;
}

export interface Tokenizer {
  readonly maxTokens: number;
  readonly padId: number;
  /** Encodes a text; leaves out words beyond `maxTokens` and lists them in `dropped`. */
  encode(text: string): Encoding;
  /** Encodes several texts, padded to the longest or to `length` (at most `maxTokens`). */
  encodeBatch(texts: readonly string[], options?: { length?: number }): EncodedBatch;
}

/**
 * Makes a tokenizer from the parsed content of a published `tokenizer.json`. Ignores the file's truncation
 * and padding. Throws `checkpoint` if the file is not a tokenizer, `usage` if `maxTokens` leaves no room for
 * text.
 */
export function makeTokenizer(tokenizerJson: unknown, config: TokenizerConfig = {}): Tokenizer {
  const { maxTokens = 512, padToken = "[PAD]" } = config;
  const library = openLibrary(tokenizerJson);
  const { before, after } = findEnds(library);
  const room = maxTokens - before.length - after.length;
  if (!Number.isInteger(maxTokens) || room < 1) {
    throw new NishikiError(
      "usage",
      `maxTokens must be a whole number of at least ${before.length + after.length + 1}, got ${maxTokens}.`,
    );
  }
  const padId = library.token_to_id(padToken);
  if (padId === undefined) {
    throw new NishikiError("checkpoint", `The tokenizer has no token "${padToken}" to pad short rows with.`);
  }
  const encode = (text: string) => encodeText(library, text, before, after, room);
  const encodeBatch = (texts: readonly string[], options: { length?: number } = {}) =>
    padRows(texts.map(encode), padId, options.length, maxTokens);
  return { maxTokens, padId, encode, encodeBatch };
}

/** Opens the parsed content of a `tokenizer.json`. Throws `checkpoint`. */
export function openLibrary(tokenizerJson: unknown): Library {
  try {
    const library: Library = new LibraryTokenizer(tokenizerJson as object, {});
    library.encode("a");
    return library;
  } catch (cause) {
    throw new NishikiError(
      "checkpoint",
      `Not a supported tokenizer: ${cause instanceof Error ? cause.message : cause}. Expected the content of a tokenizer.json as transformers and tokenizers write it.`,
      { cause },
    );
  }
}

/** Finds the tokens that the tokenizer puts before and after every text, by encoding one. */
function findEnds(library: Library): { before: number[]; after: number[] } {
  const bare = library.encode("a", { add_special_tokens: false }).ids;
  const full = library.encode("a").ids;
  const start = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id));
  return { before: full.slice(0, start), after: full.slice(start + bare.length) };
}

// CJK characters beyond U+FFFF. BERT treats each as a word; the library reads UTF-16 surrogates and does not
// recognise them, so they get spaces here. The ranges are the reference tokenizer's, including its gap after
// U+2B81F.
const rareIdeograph =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

function bareTokens(library: Library, text: string): { ids: number[]; tokens: string[] } {
  return library.encode(text.replace(rareIdeograph, " $& "), { add_special_tokens: false });
}

function encodeText(
  library: Library,
  text: string,
  before: number[],
  after: number[],
  room: number,
): Encoding {
  if (typeof text !== "string") {
    throw new NishikiError("usage", `A prompt must be a text, got ${text === null ? "null" : typeof text}.`);
  }
  const { ids, tokens } = bareTokens(library, text);
  const name = (id: number) => library.id_to_token(id) ?? `#${id}`;
  const words = splitWords(library, text, ids, tokens).map(({ text, start, end }) => ({
    text,
    start: start + before.length,
    end: end + before.length,
  }));
  const limit = before.length + Math.min(ids.length, room);
  return {
    ids: [...before, ...ids.slice(0, room), ...after],
    tokens: [...before.map(name), ...tokens.slice(0, room), ...after.map(name)],
    words: words
      .filter((word) => word.start < limit)
      .map((word) => ({ ...word, end: Math.min(word.end, limit) })),
    dropped: words.filter((word) => word.end > limit).map((word) => word.text),
  };
}

/**
 * Maps tokens to words. A tokenizer that splits at white space gives the same tokens word by word as for the
 * whole text; otherwise (a joiner removed between two words), each token counts as a word.
 */
function splitWords(library: Library, text: string, ids: number[], tokens: string[]): Word[] {
  const words: Word[] = [];
  const byWord: number[] = [];
  for (const word of text.match(/\S+/gu) ?? []) {
    const start = byWord.length;
    byWord.push(...bareTokens(library, word).ids);
    if (byWord.length > start) words.push({ text: word, start, end: byWord.length });
  }
  if (byWord.length === ids.length && byWord.every((id, i) => id === ids[i])) return words;
  return tokens.map((token, i) => ({ text: token, start: i, end: i + 1 }));
}

function padRows(
  encodings: Encoding[],
  padId: number,
  length: number | undefined,
  maxTokens: number,
): EncodedBatch {
  const longest = Math.max(0, ...encodings.map(({ ids }) => ids.length));
  const columns = length ?? longest;
  if (!Number.isInteger(columns) || columns < longest || columns > maxTokens) {
    throw new NishikiError(
      "usage",
      `A batch of texts of up to ${longest} tokens cannot have rows of ${columns}: give a whole number from ${longest} to ${maxTokens}, or make the tokenizer with a smaller maxTokens.`,
    );
  }
  const ids = new Int32Array(encodings.length * columns).fill(padId);
  const mask = new Float32Array(encodings.length * columns);
  for (const [row, encoding] of encodings.entries()) {
    ids.set(encoding.ids, row * columns);
    mask.fill(1, row * columns, row * columns + encoding.ids.length);
  }
  return { ids, mask, shape: [encodings.length, columns], encodings };
}

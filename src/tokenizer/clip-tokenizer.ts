// CLIP's tokenizer: byte-pair encoding of lower-case words (Sennrich et al. 2016, arXiv:1508.07909; the
// vocabulary of Radford et al. 2021). It assembles the same parts as transformers in
// models/clip/tokenization_clip.py.
import { NishikiError, quote } from "../errors.js";
import { openLibrary } from "./tokenizer.js";

export interface ClipTokenizer {
  readonly start: number;
  readonly end: number;
  /** The padding token: the end of text, or "!" in 2.x and in XL's second encoder. */
  readonly pad: number;
  /** Rows of the vocabulary; ids from here on are learned tokens. */
  readonly rows: number;
  /** Encodes a text of any length, without the tokens at its ends. */
  encode(text: string): readonly number[];
  /** What each token of a text spells; "�" for a token that ends within a character. Names of learned tokens stand once. */
  pieces(text: string): readonly string[];
  /**
   * Adds learned tokens: wherever one of the names occurs in a text, it becomes one id per vector. Ignores
   * case, as the reference does.
   * @param from The first id, by default `rows`; ids are assigned in order.
   * @throws NishikiError "usage" for a name that is empty or already a token, or has no vectors.
   */
  withTokens(learned: ReadonlyMap<string, number>, from?: number): ClipTokenizer;
}

/** A token that is matched in a text before words are split. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Whether to match in the lower-cased text rather than in the original. */
  readonly normalized: boolean;
}

/** The content of `vocab.json` and `merges.txt`, and the padding token. */
export interface ClipTokenizerFiles {
  readonly vocabulary: Readonly<Record<string, number>>;
  /** "i n", "t h", … in the order in which they apply. */
  readonly merges: readonly string[];
  /** Default: the end of text. */
  readonly padToken?: string;
  /** In addition to the two ends of a text and the padding, which always are such tokens. */
  readonly added?: readonly AddedToken[];
}

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";

/**
 * The printable stand-ins of all bytes, in the order of CLIP's ids: printable bytes first, then the others.
 */
function byteCharacters(): string[] {
  return listBytes().map(([, character]) => character);
}

/** Each byte with its stand-in, in that order. */
function listBytes(): (readonly [byte: number, character: string])[] {
  const range = (from: string, to: string) =>
    Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, i) => from.charCodeAt(0) + i);
  const kept = [...range("!", "~"), ...range("¡", "¬"), ...range("®", "ÿ")];
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !kept.includes(byte));
  return [
    ...kept.map((byte) => [byte, String.fromCharCode(byte)] as const),
    ...others.map((byte, i) => [byte, String.fromCharCode(256 + i)] as const),
  ];
}

const bytesOf = new Map(listBytes().map(([byte, character]) => [character, byte]));

/** The text that a token of the vocabulary spells. */
function spell(token: string): string {
  const characters = Array.from(token.replace(/<\/w>$/, ""));
  const bytes = characters.map((character) => bytesOf.get(character));
  if (!bytes.every((byte) => byte !== undefined)) return token;
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Builds the vocabulary from a list of merges: bytes, bytes that end a word, merges, and the two ends. */
export function clipVocabulary(merges: readonly string[], padToken?: string): ClipTokenizerFiles {
  const bytes = byteCharacters();
  const pieces = [
    ...bytes,
    ...bytes.map((piece) => `${piece}</w>`),
    ...merges.map((merge) => merge.replace(" ", "")),
  ];
  const vocabulary = Object.fromEntries([...pieces, startToken, endToken].map((piece, id) => [piece, id]));
  return { vocabulary, merges, ...(padToken !== undefined && { padToken }) };
}

/** Reads the lines of a `merges.txt` in any line-ending style, without the version line. */
export function parseMerges(text: string): string[] {
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#version"));
}

/** Makes a CLIP tokenizer. @throws NishikiError "checkpoint" if the vocabulary is not CLIP's. */
export function makeClipTokenizer(files: ClipTokenizerFiles): ClipTokenizer {
  const { vocabulary, padToken = endToken, added = [] } = files;
  const addedTokens = new Map(added.map((token) => [token.content, token]));
  const getId = (token: string) => {
    const id = vocabulary[token] ?? addedTokens.get(token)?.id;
    if (Number.isSafeInteger(id)) return id!;
    throw new NishikiError(
      "checkpoint",
      `The vocabulary is not that of a CLIP tokenizer: it has no "${token}".`,
    );
  };
  // The reference matches special tokens anywhere: "!" becomes 0 if it is the padding.
  for (const content of [startToken, endToken, padToken])
    if (!addedTokens.has(content))
      addedTokens.set(content, { content, id: getId(content), normalized: false });
  const [start, end, pad] = [startToken, endToken, padToken].map(getId) as [number, number, number];
  const ids = [...Object.values(vocabulary), ...[...addedTokens.values()].map((token) => token.id)];
  const rows = 1 + ids.reduce((most, id) => Math.max(most, id), 0);
  const plain = { start, end, pad, rows };
  return withAdded(plain, files, [...addedTokens.values()], findSeries(added));
}

/**
 * Words of several vectors saved as separate tokens: "<toy>" expands to "<toy>", "<toy>_1", "<toy>_2", … as
 * in diffusers.
 */
function findSeries(added: readonly AddedToken[]): Map<number, readonly number[]> {
  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  const series = new Map<number, readonly number[]>();
  for (const { content, id } of added) {
    const ids = [id];
    for (
      let next = addedIds.get(`${content}_1`);
      next !== undefined;
      next = addedIds.get(`${content}_${ids.length}`)
    )
      ids.push(next);
    if (ids.length > 1) series.set(id, ids);
  }
  return series;
}

/** Inserts the rest of a series after its first token, unless the text already contains it. */
function expandSeries(ids: readonly number[], series: ReadonlyMap<number, readonly number[]>): number[] {
  return ids.flatMap((id, at) => {
    const all = series.get(id);
    return all && ids[at + 1] !== all[1] ? all : [id];
  });
}

/** @param series The ids that stand for a token, by the first of them. */
function withAdded(
  plain: Pick<ClipTokenizer, "start" | "end" | "pad" | "rows">,
  files: ClipTokenizerFiles,
  added: readonly AddedToken[],
  series: ReadonlyMap<number, readonly number[]>,
): ClipTokenizer {
  const library = openLibrary(tokenizerJson(files.vocabulary, files.merges, added));
  const encode = (text: string) =>
    expandSeries(library.encode(text, { add_special_tokens: false }).ids, series);
  const pieces = (text: string) => library.encode(text, { add_special_tokens: false }).tokens.map(spell);
  const withTokens = (learned: ReadonlyMap<string, number>, from = plain.rows) => {
    const taught = new Map(series);
    const tokens: AddedToken[] = [];
    let id = from;
    for (const [content, count] of learned) {
      checkLearned(content, count, [...added, ...tokens]);
      tokens.push({ content, id, normalized: true });
      const first = id;
      taught.set(
        id,
        Array.from({ length: count }, (_, i) => first + i),
      );
      id += count;
    }
    return withAdded(plain, files, [...added, ...tokens], taught);
  };
  return { ...plain, encode, pieces, withTokens };
}

function checkLearned(name: string, vectors: number, others: readonly AddedToken[]): void {
  const refuse = (reason: string): never => {
    throw new NishikiError("usage", `The learned token ${quote(name)} ${reason}.`);
  };
  if (name.trim() === "") refuse("has no name; give it one that can stand in a prompt");
  if (!Number.isSafeInteger(vectors) || vectors < 1)
    refuse(`has ${vectors} vectors; expected a whole number from 1`);
  if (others.some(({ content }) => content.toLowerCase() === name.toLowerCase()))
    refuse("appears twice, or is already a token of the tokenizer; give it another name");
}

/** The tokenizer in the library's format, a `tokenizer.json`. */
function tokenizerJson(
  vocabulary: Readonly<Record<string, number>>,
  merges: readonly string[],
  added: readonly AddedToken[],
): object {
  const plain = { special: false, single_word: false, lstrip: false, rstrip: false };
  const words =
    "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
  return {
    version: "1.0",
    added_tokens: added.map((token) => ({ ...plain, ...token })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: words }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: null,
    model: {
      type: "BPE",
      unk_token: endToken,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: vocabulary,
      merges,
    },
  };
}

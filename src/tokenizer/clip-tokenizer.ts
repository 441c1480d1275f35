// CLIP's tokenizer: byte-pair encoding of lower-case words (Sennrich et al. 2016, arXiv:1508.07909; the vocabulary of Radford
// et al. 2021). Its parts are those that transformers puts together in models/clip/tokenization_clip.py.
import { NishikiError } from "../errors.js";
import { openLibrary } from "./tokenizer.js";

export interface ClipTokenizer {
  readonly start: number;
  readonly end: number;
  /** What fills a text up to the encoder's length: the end of text, or "!" in 2.x and in XL's second encoder. */
  readonly pad: number;
  /** Rows of the vocabulary; ids from here on are learned tokens. */
  readonly rows: number;
  /** Ids without those at a text's ends, however many. */
  encode(text: string): readonly number[];
  /**
   * The same with learned tokens: wherever one of the names stands in a text, it becomes as many ids as it has vectors.
   * Ids are given in order, from `rows` on. Case matters, as in the reference.
   */
  withTokens(learned: ReadonlyMap<string, number>): ClipTokenizer;
}

/** The content of `vocab.json` and `merges.txt`, and the token that fills short texts. */
export interface ClipTokenizerFiles {
  readonly vocabulary: Readonly<Record<string, number>>;
  /** "i n", "t h", … in the order in which they are applied. */
  readonly merges: readonly string[];
  /** Default the end of text. */
  readonly padToken?: string;
}

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";

/** The printable stand-ins of all bytes, in the order of CLIP's ids: printable bytes as they are, then the others. */
function byteCharacters(): string[] {
  const range = (from: string, to: string) =>
    Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, i) => from.charCodeAt(0) + i);
  const kept = [...range("!", "~"), ...range("¡", "¬"), ...range("®", "ÿ")];
  const others = 256 - kept.length;
  return [...kept, ...Array.from({ length: others }, (_, i) => 256 + i)].map((code) =>
    String.fromCharCode(code),
  );
}

/** The vocabulary that a list of merges stands for: bytes, bytes that end a word, merges, and the two ends. */
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

/** Lines of a `merges.txt`, without its first line, which says the version. */
export function parseMerges(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#version"));
}

/** @throws NishikiError "checkpoint" where the vocabulary is not CLIP's. */
export function makeClipTokenizer({
  vocabulary,
  merges,
  padToken = endToken,
}: ClipTokenizerFiles): ClipTokenizer {
  const idOf = (token: string) => {
    const id = vocabulary[token];
    if (Number.isSafeInteger(id)) return id!;
    throw new NishikiError(
      "checkpoint",
      `The vocabulary is not that of a CLIP tokenizer: it has no "${token}".`,
    );
  };
  const [start, end, pad] = [startToken, endToken, padToken].map(idOf) as [number, number, number];
  const library = openLibrary(tokenizerJson(vocabulary, merges));
  const encode = (text: string) => library.encode(text, { add_special_tokens: false }).ids;
  const rows = 1 + Object.values(vocabulary).reduce((most, id) => Math.max(most, id), 0);
  return withLearned({ start, end, pad, rows, encode }, new Map());
}

function withLearned(
  plain: Omit<ClipTokenizer, "withTokens">,
  learned: ReadonlyMap<string, number>,
): ClipTokenizer {
  const withTokens = (more: ReadonlyMap<string, number>) => withLearned(plain, more);
  if (learned.size === 0) return { ...plain, withTokens };
  const first = new Map<string, number>();
  let next = plain.rows;
  for (const [name, vectors] of learned) {
    first.set(name, next);
    next += vectors;
  }
  // The longest name first: "<cat-toy-2>" must not be read as another token and a rest.
  const names = [...learned.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(
    `(${names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|")})`,
  );
  const encode = (text: string) =>
    text.split(pattern).flatMap((part) => {
      const id = first.get(part);
      return id === undefined
        ? plain.encode(part)
        : Array.from({ length: learned.get(part)! }, (_, i) => id + i);
    });
  return { ...plain, encode, withTokens };
}

/** The tokenizer in the form that the library reads, a `tokenizer.json`. */
function tokenizerJson(vocabulary: Readonly<Record<string, number>>, merges: readonly string[]): object {
  const special = (content: string) => ({
    id: vocabulary[content],
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  const words =
    "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
  return {
    version: "1.0",
    added_tokens: [special(startToken), special(endToken)],
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

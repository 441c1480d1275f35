// T5's tokenizer: a Unigram model of pieces of words (Kudo 2018, arXiv:1804.10959), after SentencePiece's normalisation. Ids are
// those of transformers (models/t5/tokenization_t5.py).
import { NishikiError } from "../errors.js";
import { type Normalize, readCharsmap } from "./charsmap.js";
import type { SentencePieceModel } from "./sentencepiece.js";
import { openLibrary } from "./tokenizer.js";

export interface T5Tokenizer {
  /** The token that ends every text. */
  readonly end: number;
  /** The token that pads short texts. */
  readonly pad: number;
  /** Rows of the vocabulary: one more than the largest id. */
  readonly rows: number;
  /** Encodes a text of any length, without the token at its end. */
  encode(text: string): readonly number[];
}

/** Texts as one rectangle of ids, each with its end token, cut to its length. */
export interface T5Batch {
  /** i32 `[texts, tokens]` */
  readonly ids: Int32Array;
  /** 1 for tokens, 0 for padding: `[texts, tokens]`. */
  readonly mask: Float32Array;
  /** Tokens of each text, with the end, before it was cut. */
  readonly lengths: readonly number[];
}

type Json = Readonly<Record<string, unknown>>;

const asRecord = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};

function refuse(reason: string): never {
  throw new NishikiError("checkpoint", `This is not the tokenizer of a T5 encoder: ${reason}.`);
}

/** Pads or cuts each text to `tokens` ids; a text that is cut keeps its end token. */
export function encodeT5(tokenizer: T5Tokenizer, texts: readonly string[], tokens: number): T5Batch {
  const ids = new Int32Array(texts.length * tokens).fill(tokenizer.pad);
  const mask = new Float32Array(texts.length * tokens);
  const lengths = texts.map((text, row) => {
    const all = tokenizer.encode(text);
    const cut = [...all.slice(0, tokens - 1), tokenizer.end];
    ids.set(cut, row * tokens);
    mask.fill(1, row * tokens, row * tokens + cut.length);
    return all.length + 1;
  });
  return { ids, mask, lengths };
}

/** Makes the tokenizer from the parsed content of a `tokenizer.json`. @throws NishikiError "checkpoint" */
export function makeT5Tokenizer(tokenizerJson: unknown): T5Tokenizer {
  const json = asRecord(tokenizerJson);
  const model = asRecord(json.model);
  if (!Array.isArray(model.vocab) || (model.type !== undefined && model.type !== "Unigram"))
    refuse(`its model is ${String(model.type ?? "of another kind")}, expected Unigram`);
  const { rest, charsmap } = takeCharsmap(json.normalizer);
  const added = (Array.isArray(json.added_tokens) ? json.added_tokens : []).map(asRecord);
  const library = openLibrary({ ...json, normalizer: rest });
  const normalize = charsmap && readCharsmap(charsmap);
  const others = library.normalizer as Normalize | null;
  library.normalizer = (text: string) => {
    const normal = normalize ? normalize(text) : text;
    // White space in Unicode's and Rust's sense, but not in JavaScript's.
    const spaced = normal.replaceAll("\u0085", " ");
    return others ? others(spaced) : spaced;
  };
  const getId = (token: string) => library.token_to_id(token) ?? refuse(`it has no token "${token}"`);
  const ids = added.flatMap(({ id }) => (typeof id === "number" ? [id] : []));
  return {
    end: getId("</s>"),
    pad: getId("<pad>"),
    rows: Math.max(model.vocab.length, ...ids.map((id) => id + 1)),
    encode: (text) => library.encode(text, { add_special_tokens: false }).ids,
  };
}

/** The compiled table of a normaliser, which comes first where it is one of several, and the normalisers after it. */
function takeCharsmap(normalizer: unknown): { rest: Json | null; charsmap?: Uint8Array } {
  const { type, normalizers, precompiled_charsmap: text } = asRecord(normalizer);
  if (type === "Precompiled") {
    if (typeof text !== "string" || text === "") return { rest: null };
    return { rest: null, charsmap: Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) };
  }
  if (type !== "Sequence" || !Array.isArray(normalizers))
    return { rest: normalizer ? asRecord(normalizer) : null };
  const first = takeCharsmap(normalizers[0]);
  if (!first.charsmap) return { rest: asRecord(normalizer) };
  return { ...first, rest: { type: "Sequence", normalizers: normalizers.slice(1) } };
}

/** Tokens for gaps in a text, which T5 was pre-trained to fill; transformers adds them to SentencePiece's. */
export const extraTokens = 100;

/**
 * Makes the tokenizer from SentencePiece's model, as transformers does.
 * @param extra How many tokens for gaps follow the pieces: "<extra_id_99>" first.
 * @throws NishikiError "checkpoint"
 */
export function makeT5TokenizerOfPieces(
  { pieces, type, charsmap }: SentencePieceModel,
  extra: number = extraTokens,
): T5Tokenizer {
  if (type !== "unigram") refuse(`its SentencePiece model is ${type}, expected unigram`);
  const unknown = pieces.findIndex(({ kind }) => kind === "unknown");
  if (unknown < 0) refuse("its SentencePiece model has no unknown token");
  const gaps = Array.from({ length: extra }, (_, i) => `<extra_id_${extra - 1 - i}>`);
  const vocab = [...pieces.map(({ text, score }) => [text, score]), ...gaps.map((text) => [text, 0])];
  const special = ["<pad>", "</s>", pieces[unknown]!.text, ...gaps];
  const ids = new Map(vocab.map(([text], id) => [text, id]));
  const form = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const splitters = [
    { type: "WhitespaceSplit" },
    { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
  ];
  return makeT5Tokenizer({
    version: "1.0",
    added_tokens: special.flatMap((content) => {
      const id = ids.get(content);
      return id === undefined ? [] : [{ id, content, ...form }];
    }),
    normalizer:
      charsmap.length === 0 ? null : { type: "Precompiled", precompiled_charsmap: toBase64(charsmap) },
    pre_tokenizer: { type: "Sequence", pretokenizers: splitters },
    post_processor: null,
    decoder: null,
    model: { type: "Unigram", unk_id: unknown, vocab, byte_fallback: false },
  });
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

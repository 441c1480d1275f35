// Against transformers and sentencepiece: versions and the command are in the golden file.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadT5Folder } from "./node-t5.js";
import { readSentencePiece } from "./sentencepiece.js";
import { encodeT5, makeT5Tokenizer, makeT5TokenizerOfPieces, type T5Tokenizer } from "./t5-tokenizer.js";

interface Case {
  readonly text: string;
  readonly sentencepiece: readonly number[];
  readonly transformers: readonly number[];
}

const golden = JSON.parse(await readFile("tests/golden/t5-tokens.json", "utf8")) as {
  cases: readonly Case[];
};
const bytes = gunzipSync(await readFile("tests/golden/t5-spiece.model.gz"));
const show = ({ text }: Case) => JSON.stringify(text.slice(0, 40));

describe("T5's tokenizer", () => {
  let folder: string;
  let tokenizer: T5Tokenizer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-t5-"));
    await writeFile(join(folder, "spiece.model"), bytes);
    tokenizer = await loadT5Folder(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(golden.cases.map((one) => [show(one), one] as const))(
    "encodes %s as transformers does",
    (_, one) => {
      expect([...tokenizer.encode(one.text), tokenizer.end]).toEqual(one.transformers);
    },
  );

  // They differ in special tokens, which are no text for sentencepiece, in U+0085, and in marks after "①".
  it("encodes texts without special tokens as sentencepiece does", () => {
    const other = golden.cases.filter(({ text, sentencepiece }) => {
      return `${tokenizer.encode(text)}` !== `${sentencepiece}`;
    });
    expect(other.map(({ text }) => /<\/?\w+>|＜|\u0085|①\u0301/.test(text))).toEqual(other.map(() => true));
    expect(other.length).toBeLessThan(6);
  });

  it("has the rows and the special ids of transformers", () => {
    const { end, pad, rows } = tokenizer;
    expect({ end, pad, rows }).toEqual({ end: 1, pad: 0, rows: 520 });
  });

  it("pads short texts and cuts long ones before their end token", () => {
    const { ids, mask, lengths } = encodeT5(tokenizer, ["a blue cat", "the cat ".repeat(40)], 8);
    const short = tokenizer.encode("a blue cat");
    expect(lengths).toEqual([short.length + 1, tokenizer.encode("the cat ".repeat(40)).length + 1]);
    const padding = 8 - short.length - 1;
    expect([...ids.slice(0, 8)]).toEqual([...short, 1, ...Array<number>(padding).fill(0)]);
    expect([...mask.slice(0, 8)]).toEqual([
      ...Array<number>(8 - padding).fill(1),
      ...Array<number>(padding).fill(0),
    ]);
    expect(ids[15]).toBe(1);
    expect([...mask.slice(8)]).toEqual(Array(8).fill(1));
  });
});

describe("a tokenizer.json", () => {
  // As transformers 4 wrote T5's: several normalisers, and white space handled by one step.
  const model = readSentencePiece(bytes, "spiece.model");
  const vocab = model.pieces.map(({ text, score }) => [text, score]);
  const special = ["<pad>", "</s>", "<unk>"].map((content, id) => {
    return {
      id,
      content,
      special: true,
      normalized: false,
      lstrip: false,
      rstrip: false,
      single_word: false,
    };
  });
  const charsmap = Buffer.from(model.charsmap).toString("base64");
  const json = {
    version: "1.0",
    added_tokens: special,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Precompiled", precompiled_charsmap: charsmap },
        { type: "Strip", strip_left: false, strip_right: true },
        { type: "Replace", pattern: { Regex: " {2,}" }, content: "▁" },
      ],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", add_prefix_space: true },
    post_processor: null,
    decoder: null,
    model: { type: "Unigram", unk_id: 2, vocab },
  };

  it("gives the ids of the published vocabulary", () => {
    const tokenizer = makeT5Tokenizer(json);
    expect(tokenizer).toMatchObject({ end: 1, pad: 0, rows: 420 });
    const plain = golden.cases.filter(
      ({ text }) => /^[\w ,.;:'’éïａ-ｚＡ-Ｚ１-３½Ⅷ①②]*$/u.test(text) && text.trim() !== "",
    );
    expect(plain.length).toBeGreaterThan(4);
    for (const { text, sentencepiece } of plain)
      expect([text, tokenizer.encode(text)]).toEqual([text, sentencepiece]);
  });
});

describe("broken tokenizers", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-t5-broken-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const expectError = async (file: string, content: Uint8Array | string, message: RegExp) => {
    await writeFile(join(folder, file), content);
    await expect(loadT5Folder(folder)).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(message),
    });
    await rm(join(folder, file));
  };

  it("are refused with the reason", async () => {
    await expect(loadT5Folder(folder)).rejects.toThrow(
      `${folder} holds no T5 tokenizer: expected tokenizer.json or spiece.model.`,
    );
    await expectError(
      "spiece.model",
      "a pointer file",
      /spiece.model cannot be used: it is not a SentencePiece/,
    );
    await expectError("spiece.model", bytes.subarray(0, 5000), /not a SentencePiece model, or is damaged/);
    await expectError("tokenizer.json", "{", /tokenizer.json cannot be used. It is not valid JSON/);
    await expectError(
      "tokenizer.json",
      JSON.stringify({ model: { type: "BPE", vocab: {}, merges: [] } }),
      /its model is BPE, expected Unigram/,
    );
  });

  it("may lack T5's special tokens, or be of another kind", () => {
    const model = readSentencePiece(bytes, "spiece.model");
    const withoutPad = model.pieces.map((piece) =>
      piece.text === "<pad>" ? { ...piece, text: "<s>" } : piece,
    );
    expect(() => makeT5TokenizerOfPieces({ ...model, pieces: withoutPad })).toThrow(
      'it has no token "<pad>"',
    );
    expect(() => makeT5TokenizerOfPieces({ ...model, type: "bpe" })).toThrow("is bpe, expected unigram");
    expect(() => makeT5TokenizerOfPieces({ ...model, charsmap: new Uint8Array(9) })).toThrow("is damaged");
  });
});

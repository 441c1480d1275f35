import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ClipTokenizer, clipVocabulary, makeClipTokenizer, parseMerges } from "./clip-tokenizer.js";
import { loadClipFolder, loadEmbeddedClip } from "./node-clip.js";

const merges = parseMerges(gunzipSync(readFileSync("weights/clip-merges.txt.gz")).toString("utf8"));
const tokenizer = makeClipTokenizer(clipVocabulary(merges));
// By transformers; versions and command are in the file. See tests/golden/scripts/clip_tokens.py.
type Rows = readonly (readonly [string, readonly number[]])[];
const golden: {
  readonly texts: Rows;
  readonly padded: Rows;
  readonly learned: { readonly names: readonly string[]; readonly texts: Rows };
} = JSON.parse(readFileSync("tests/golden/clip-tokens.json", "utf8"));

/** Texts whose ids are not those of the reference. */
const wrongOf = ({ encode }: ClipTokenizer, rows: Rows) =>
  rows
    .map(([text, ids]) => ({ text, ids, found: encode(text) }))
    .filter(({ ids, found }) => found.join() !== ids.join());

describe("CLIP's tokens", () => {
  it("equal the reference for awkward texts", () => {
    expect(wrongOf(tokenizer, golden.texts)).toEqual([]);
    expect(golden.texts.length).toBeGreaterThan(190);
  });

  it("are 0 for every exclamation mark where that is the padding", () => {
    const padding = makeClipTokenizer(clipVocabulary(merges, "!"));
    expect(padding.encode("wow!")).toEqual([2781, 0]);
    expect(wrongOf(padding, golden.padded)).toEqual([]);
  });

  it("equal the reference for texts with learned tokens", () => {
    const names = new Map(golden.learned.names.map((name) => [name, 1]));
    expect(wrongOf(tokenizer.withTokens(names), golden.learned.texts)).toEqual([]);
  });

  it("spell the text that they were made of", () => {
    expect(tokenizer.pieces("Nishikis café, woodblockish")).toEqual([
      ...["nishi", "kis", "café", ",", "wood", "block", "ish"],
    ]);
    for (const [text, ids] of golden.texts) {
      const pieces = tokenizer.pieces(text);
      expect([text, pieces.length]).toEqual([text, ids.length]);
      // Tokens that end within a character cannot be spelt, and the ends of texts are written out.
      if (/�/.test(text + pieces.join("")) || text.includes("<|")) continue;
      const letters = (all: string) => all.normalize("NFC").toLowerCase().replace(/\s/g, "");
      expect(letters(pieces.join(""))).toBe(letters(text));
    }
  });

  it("have the published ids at their ends", () => {
    const { start, end, pad, rows } = tokenizer;
    expect({ start, end, pad, rows }).toEqual({
      start: 49406,
      end: 49407,
      pad: 49407,
      rows: 49408,
    });
    expect(makeClipTokenizer(clipVocabulary(merges, "!")).pad).toBe(0);
  });

  it("know learned tokens by their names, longest first", () => {
    const learned = tokenizer.withTokens(
      new Map([
        ["<toy>", 2],
        ["<toy>-x", 1],
        ["my.style", 1],
      ]),
    );
    const ids = learned.encode("a <toy>-x and <toy>, my.style my-style");
    expect(ids.filter((id) => id >= tokenizer.rows)).toEqual([49410, 49408, 49409, 49411]);
    expect(learned.encode("a cat")).toEqual(tokenizer.encode("a cat"));
    const more = learned.withTokens(new Map([["<more>", 2]]), 60_000);
    expect(more.encode("<more><toy>")).toEqual([60_000, 60_001, 49408, 49409]);
  });

  it.each([
    ["<toy>", 0, /has 0 vectors/],
    [" ", 1, /has no name/],
    ["<|EndOfText|>", 1, /already a token of the tokenizer/],
  ])("refuse %j with %i vectors as a learned token", (name, vectors, message) => {
    expect(() => tokenizer.withTokens(new Map([[name, vectors]]))).toThrow(message);
  });
});

describe("a vocabulary that is not CLIP's", () => {
  it("is refused with what is missing", () => {
    expect(() => makeClipTokenizer({ vocabulary: { a: 0 }, merges: [] })).toThrow(
      expect.objectContaining({
        code: "checkpoint",
        message: expect.stringContaining('no "<|startoftext|>"'),
      }),
    );
  });
});

describe("tokenizers from files", () => {
  it("are the embedded one, or those of a folder in either layout", async () => {
    const root = await mkdtemp(join(tmpdir(), "nishiki-clip-"));
    const folder = async (name: string, files: Readonly<Record<string, string>>) => {
      await mkdir(join(root, name));
      for (const [file, text] of Object.entries(files)) await writeFile(join(root, name, file), text);
      return join(root, name);
    };
    try {
      const { vocabulary } = clipVocabulary(merges);
      const mergesText = ["#version: 0.2", ...merges, ""].join("\n");
      const pair = await folder("pair", {
        "vocab.json": JSON.stringify(vocabulary),
        "merges.txt": mergesText,
        "special_tokens_map.json": JSON.stringify({ pad_token: { content: "!" } }),
      });
      const whole = await folder("whole", {
        "tokenizer.json": JSON.stringify({
          model: { vocab: vocabulary, merges: merges.map((line) => line.split(" ")) },
        }),
        "tokenizer_config.json": JSON.stringify({ pad_token: "<|endoftext|>" }),
      });
      const text = "An Owl, by Hiroshige";
      const expected = tokenizer.encode(text);
      const opened = [await loadEmbeddedClip(), await loadClipFolder(pair), await loadClipFolder(whole)];
      expect(opened.map((each) => each.encode(text))).toEqual([expected, expected, expected]);
      expect(opened.map(({ pad }) => pad)).toEqual([49407, 0, 49407]);
      const added = await folder("added", {
        "vocab.json": JSON.stringify(vocabulary),
        "merges.txt": mergesText,
        "added_tokens.json": JSON.stringify({ "<old>": 49408, "<New>": 49409 }),
        "tokenizer_config.json": JSON.stringify({
          added_tokens_decoder: { "49409": { content: "<New>", normalized: false } },
        }),
      });
      const taught = await loadClipFolder(added);
      expect(taught.encode("<OLD><New>")).toEqual([49408, 49409]);
      expect(taught.encode("<new>")).toEqual(tokenizer.encode("<new>"));
      expect(taught.rows).toBe(49410);
      const series = await folder("series", {
        "vocab.json": `\ufeff${JSON.stringify(vocabulary)}`,
        "merges.txt": `\ufeff${mergesText.replaceAll("\n", "\r\n")}`,
        "added_tokens.json": JSON.stringify({
          "<toy>": 49408,
          "<toy>_1": 49410,
          "<toy>_2": 49409,
          "<cat>_1": 49411,
        }),
      });
      const several = await loadClipFolder(series);
      const [a, cat] = ["a", "cat"].map((word) => tokenizer.encode(word)[0]!) as [number, number];
      expect(several.encode(text)).toEqual(expected);
      expect(several.encode("a <toy> cat")).toEqual([a, 49408, 49410, 49409, cat]);
      expect(several.encode("a <toy> <toy>_1 <toy>_2 cat")).toEqual([a, 49408, 49410, 49409, cat]);
      expect(several.encode("<toy> <toy>")).toEqual([49408, 49410, 49409, 49408, 49410, 49409]);
      expect(several.encode("<toy>_1")).toEqual([49410]);
      const more = several.withTokens(new Map([["<new>", 2]]));
      expect(more.encode("<new> <toy>")).toEqual([49412, 49413, 49408, 49410, 49409]);
      await expect(loadClipFolder(root)).rejects.toMatchObject({ code: "checkpoint" });
      await expect(loadClipFolder(await folder("bad", { "vocab.json": "{" }))).rejects.toThrow(
        /not valid JSON/,
      );
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

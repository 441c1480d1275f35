import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { clipVocabulary, makeClipTokenizer, parseMerges } from "./clip-tokenizer.js";
import { loadClipFolder, loadEmbeddedClip } from "./node-clip.js";

const merges = parseMerges(gunzipSync(readFileSync("weights/clip-merges.txt.gz")).toString("utf8"));
const tokenizer = makeClipTokenizer(clipVocabulary(merges));
// By transformers; versions and command are in the file. See tests/golden/scripts/clip_tokens.py.
const golden: { texts: [string, number[]][] } = JSON.parse(
  readFileSync("tests/golden/clip-tokens.json", "utf8"),
);

describe("CLIP's tokens", () => {
  it("equal the reference for awkward texts", () => {
    const wrong = golden.texts.filter(([text, ids]) => tokenizer.encode(text).join() !== ids.join());
    expect(wrong.map(([text, ids]) => ({ text, ids, ours: tokenizer.encode(text) }))).toEqual([]);
    expect(golden.texts.length).toBeGreaterThan(190);
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
      await expect(loadClipFolder(root)).rejects.toMatchObject({ code: "checkpoint" });
      await expect(loadClipFolder(await folder("bad", { "vocab.json": "{" }))).rejects.toThrow(
        /not valid JSON/,
      );
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

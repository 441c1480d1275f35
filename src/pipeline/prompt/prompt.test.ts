import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadClipFolder } from "../../tokenizer/node-clip.js";
import { parseAttention } from "./attention-syntax.js";
import { chunkPrompt, mostChunks, padChunks } from "./chunks.js";
import { type ClipEncoder, encodePrompts } from "./encode-clip.js";

const tokenizer = await loadClipFolder(
  fileURLToPath(new URL("../../../tests/golden/pipelines/sd1/tokenizer", import.meta.url)),
);
const positions = 77;

describe("weights in a prompt", () => {
  // What stable-diffusion-webui gives for them (modules/prompt_parser.py).
  it.each<[string, readonly (readonly [string, number])[]]>([
    ["normal text", [["normal text", 1]]],
    [
      "an (important) word",
      [
        ["an ", 1],
        ["important", 1.1],
        [" word", 1],
      ],
    ],
    ["(unbalanced", [["unbalanced", 1.1]]],
    ["(a:1.)", [["a", 1]]],
    ["(a:.5)", [["a", 0.5]]],
    ["\\(literal\\]", [["(literal]", 1]]],
    ["(unnecessary)(parens)", [["unnecessaryparens", 1.1]]],
    [
      "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
      [
        ["a ", 1],
        ["house", 1.573],
        [" ", 1.1],
        ["on", 1],
        [" a ", 1.1],
        ["hill", 0.55],
        [", sun, ", 1.1],
        ["sky", 1.4641],
        [".", 1.1],
      ],
    ],
    [
      "a smile :) and [less]",
      [
        ["a smile :) and ", 1],
        ["less", 1 / 1.1],
      ],
    ],
    ["1:2)", [["1:2)", 1]]],
    ["", [["", 1]]],
  ])("%j", (prompt, expected) => {
    const found = parseAttention(prompt).map((piece) =>
      piece === "break" ? piece : [piece.text, piece.weight],
    );
    expect(found).toEqual(expected.map(([text, weight]) => [text, expect.closeTo(weight, 9)]));
  });

  it("begin a new part at BREAK, which stands by itself", () => {
    expect(parseAttention("a BREAK b")).toEqual([
      { text: "a ", weight: 1 },
      "break",
      { text: " b", weight: 1 },
    ]);
    expect(parseAttention("BREAKFAST")).toEqual([{ text: "BREAKFAST", weight: 1 }]);
  });
});

describe("weights that cannot be", () => {
  it.each([
    ["(".repeat(8000), /more than 200 open brackets/],
    ["(a[b".repeat(20_000), /more than 200 open brackets/],
    [`(a:${"9".repeat(44)})`, /a weight beyond 1000/],
    [`(a:${"9".repeat(400)})`, /a weight beyond 1000/],
    [`${"(".repeat(80)}a${")".repeat(80)}`, /a weight beyond 1000/],
  ])("are refused in a sentence, and soon (%#)", (prompt, message) => {
    expect(() => parseAttention(prompt)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
    );
  });

  it("are not those of many brackets beside each other", () => {
    expect(parseAttention("(a) [b] ".repeat(5000))).toHaveLength(20_000);
  });
});

describe("a prompt in parts", () => {
  it("has its ends and its padding in each of them", () => {
    const { chunks, tokens, dropped } = chunkPrompt(tokenizer, "cat ".repeat(76), positions);
    expect([chunks.length, tokens, dropped]).toEqual([2, 76, 0]);
    for (const { ids } of chunks) expect(ids[0]).toBe(tokenizer.start);
    expect(chunks[0]!.ids[76]).toBe(tokenizer.end);
    const [cat] = tokenizer.encode("cat");
    expect([...chunks[1]!.ids.slice(1, 4)]).toEqual([cat, tokenizer.end, tokenizer.pad]);
  });

  // As stable-diffusion-webui with its usual "comma padding backtrack" of 20 (modules/sd_hijack_clip.py).
  it.each<[string, number, number, number[]]>([
    ["no comma", -1, 80, [75, 5]],
    ["a comma just near enough", 55, 80, [56, 24]],
    ["a comma too far away", 54, 80, [75, 5]],
    ["a comma at the end", 74, 80, [75, 5]],
    ["a comma that opens the next part", 75, 80, [75, 5]],
    ["a comma in a part that is not full", 70, 75, [75]],
  ])("goes back to %s", (_, comma, count, lengths) => {
    const words = Array.from({ length: count }, (_, i) => (i === comma ? "," : "cat"));
    const { chunks, tokens, dropped } = chunkPrompt(tokenizer, words.join(" "), positions);
    expect([tokens, dropped]).toEqual([count, 0]);
    expect(chunks.map(({ ids }) => ids.indexOf(tokenizer.end) - 1)).toEqual(lengths);
    const [cat] = tokenizer.encode("cat");
    const [point] = tokenizer.encode(",");
    const read = chunks.flatMap(({ ids }, i) => [...ids.subarray(1, lengths[i]! + 1)]);
    expect(read).toEqual(words.map((word) => (word === "," ? point : cat)));
  });

  it("takes weights along when it goes back, and forgets commas of earlier parts", () => {
    const text = `${"cat ".repeat(60)}, (${"blue ".repeat(20)}:2) ${"cat ".repeat(60)}`;
    const { chunks } = chunkPrompt(tokenizer, text, positions);
    const lengths = chunks.map(({ ids }) => ids.indexOf(tokenizer.end) - 1);
    expect(lengths).toEqual([61, 75, 5]);
    expect([...chunks[1]!.weights.slice(0, 23)]).toEqual([1, ...new Array(20).fill(2), 1, 1]);
    expect(chunks[0]!.weights.every((weight) => weight === 1)).toBe(true);
  });

  it("does not go back over a BREAK", () => {
    const text = `${"cat ".repeat(10)}, cat BREAK ${"cat ".repeat(76)}`;
    const { chunks } = chunkPrompt(tokenizer, text, positions);
    expect(chunks.map(({ ids }) => ids.indexOf(tokenizer.end) - 1)).toEqual([12, 75, 1]);
  });

  it("carries weights to its tokens and not to ends and padding", () => {
    const { chunks } = chunkPrompt(tokenizer, "(blue cat:2) sea", positions);
    expect([...chunks[0]!.weights.slice(0, 6)]).toEqual([1, 2, 2, 1, 1, 1]);
  });

  it("tells how much is left out of a text without end", () => {
    const { chunks, dropped } = chunkPrompt(tokenizer, "cat ".repeat(75 * mostChunks + 10), positions);
    expect([chunks.length, dropped]).toEqual([mostChunks, 10]);
  });

  it("is filled up with empty ones", () => {
    const { chunks } = chunkPrompt(tokenizer, "cat", positions);
    const padded = padChunks(tokenizer, chunks, 3);
    expect(padded).toHaveLength(3);
    expect([...padded[2]!.ids.slice(0, 2)]).toEqual([tokenizer.start, tokenizer.end]);
  });
});

describe("encoding", () => {
  /** Two numbers for each token: its id, and its place. */
  const encoder: ClipEncoder = {
    tokenizer,
    positions,
    width: 2,
    run: async (ids) => ({
      states: Float32Array.from({ length: ids.length * 2 }, (_, i) =>
        i % 2 ? (i >> 1) % positions : ids[i >> 1]!,
      ),
    }),
  };
  const encode = async (...texts: string[]) =>
    (await encodePrompts(texts.map((text) => ({ text, encoders: [encoder] })))).conditionings;

  it("makes all prompts as long as the longest", async () => {
    const [long, short] = await encode("a BREAK b", "c");
    expect([long!.tokens, short!.tokens]).toEqual([154, 154]);
    expect(short!.states).toHaveLength(308);
  });

  it("multiplies weighted states and brings their mean back", async () => {
    const [[plain], [weighted]] = await Promise.all([encode("blue cat"), encode("(blue:3) cat")]);
    const mean = (states: Float32Array) => states.reduce((sum, value) => sum + value, 0) / states.length;
    expect(mean(weighted!.states) / mean(plain!.states)).toBeCloseTo(1, 5);
    const ratio = (token: number) => weighted!.states[token * 2]! / plain!.states[token * 2]!;
    expect(ratio(1) / ratio(2)).toBeCloseTo(3, 5);
  });

  it("lays encoders side by side, and takes the vector of the last", async () => {
    const second: ClipEncoder = {
      ...encoder,
      width: 1,
      run: async (ids) => ({
        states: Float32Array.from(ids),
        vectors: Float32Array.from({ length: (ids.length / positions) * 3 }, (_, i) => i),
      }),
    };
    const { conditionings: words } = await encodePrompts([
      { text: "a BREAK b", encoders: [encoder, second] },
    ]);
    const [{ states, vector }] = words as [(typeof words)[number]];
    expect([...states.slice(0, 3)]).toEqual([tokenizer.start, 0, tokenizer.start]);
    expect([...vector!]).toEqual([0, 1, 2]);
  });
});

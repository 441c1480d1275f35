import { afterAll, expect, it } from "vitest";
import { openGolden } from "../../../../tests/support/golden-network.js";
import { makeEngine } from "../../../engine/node.js";
import { readT5EncoderConfig, type T5Layers } from "../../../models/index.js";
import type { T5Tokenizer } from "../../../tokenizer/index.js";
import type { ImageSettings } from "../../image-request.js";
import { PromptEncoder } from "./conditioning.js";
import type { Networks } from "./networks.js";
import { traceTextEncoder } from "./programs.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const golden = await openGolden("tests/golden/t5-encoder-gated.safetensors");
const config = readT5EncoderConfig(golden.config);
/** A letter is a token. */
const tokenizer: T5Tokenizer = {
  ...{ end: 1, pad: 0, rows: 50 },
  encode: (text) => [...text].map((letter) => 3 + (letter.codePointAt(0)! % 40)),
};
const settings = (prompt: string, negativePrompt = "") => ({ prompt, negativePrompt }) as ImageSettings;

/** Networks that say which parts of the encoder they ran. */
function makeNetworks() {
  const runs: string[] = [];
  const networks: Networks = {
    use: async (key, work) => {
      if (key.part !== "text encoder") throw new Error("only the text encoder is asked for");
      runs.push(`${key.from}-${key.to}`);
      const session = await engine.load(traceTextEncoder(config, key), { weights: golden.weights });
      try {
        return await work(session);
      } finally {
        await session.close();
      }
    },
  };
  return { networks, runs };
}

/** The states of prompts that do not change, for one stage. */
async function encodeOnce(encoder: PromptEncoder, asked: ImageSettings, networks: Networks) {
  const { stages } = await encoder.encode(asked, [1], networks);
  return { cond: stages[0]!.cond[0]!.value, uncond: stages[0]!.uncond[0]!.value };
}

it("encodes in parts what it encodes as a whole", async () => {
  const parts: readonly T5Layers[] = [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
    { from: 2, to: config.layers },
  ];
  const [whole, split] = [makeNetworks(), makeNetworks()];
  const expected = await encodeOnce(
    new PromptEncoder(config, tokenizer),
    settings("a cat", "no dog"),
    whole.networks,
  );
  const encoder = new PromptEncoder(config, tokenizer, parts);
  const found = await encodeOnce(encoder, settings("A cat ", "no dog"), split.networks);
  expect([whole.runs, split.runs]).toEqual([["0-3"], ["0-1", "1-2", "2-3"]]);
  for (const side of ["cond", "uncond"] as const) {
    const off = found[side].map((value, i) => Math.abs(value - expected[side][i]!));
    expect(Math.max(...off)).toBeLessThan(1e-5);
  }
});

it("keeps the states of prompts, and encodes only what it has not seen", async () => {
  const { networks, runs } = makeNetworks();
  const encoder = new PromptEncoder(config, tokenizer);
  const first = await encodeOnce(encoder, settings("a cat"), networks);
  const again = await encodeOnce(encoder, settings("a cat"), networks);
  expect([runs.length, again.cond]).toEqual([1, first.cond]);
  for (let i = 0; i < 40; i++) await encodeOnce(encoder, settings(`cat ${i}`), networks);
  expect(runs).toHaveLength(41);
  await encodeOnce(encoder, settings("cat 39"), networks);
  await encodeOnce(encoder, settings("a cat"), networks); // forgotten since
  expect(runs).toHaveLength(42);
});

it("encodes each text once: of all parts, of what changes, and of all stages", async () => {
  const { networks, runs } = makeNetworks();
  const encoder = new PromptEncoder(config, tokenizer);
  const asked = settings("a [cat:dog:0.5] AND fog :0.5", "a dog");
  const { stages, warnings } = await encoder.encode(asked, [4, 2], networks);
  expect([runs.length, warnings]).toEqual([1, []]);
  expect(stages.map(({ cond }) => cond.map(({ until }) => until))).toEqual([
    [2, 4],
    [1, 2],
  ]);
  const { cond, uncond, "cond 2": fog } = stages[0]!;
  expect(cond[1]!.value).toEqual(uncond[0]!.value);
  expect(fog![0]!.value).toEqual((await encodeOnce(encoder, settings("fog"), networks)).cond);
});

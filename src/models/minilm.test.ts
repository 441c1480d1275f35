import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { float32ToF16, toFloat32 } from "../checkpoint/index.js";
import { openSafetensors, type SafetensorsFile, writeSafetensors } from "../checkpoint/node.js";
import type { Session, WeightPlaces } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Shape, trace } from "../graph/index.js";
import { makeTokenizer } from "../tokenizer/index.js";
import { type MiniLmConfig, miniLm, miniLmConfigs } from "./minilm.js";

// Golden states by Python transformers in float32; versions and command are in the files' metadata and in
// tests/golden/scripts/minilm.py.
const tokenizer = makeTokenizer(JSON.parse(readFileSync("weights/tokenizer.json", "utf8")));
const engine = makeEngine({ device: "cpu", threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "nishiki-minilm-"));
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

function traceEncoder(config: MiniLmConfig, shape: Shape = ["batch", "tokens"]) {
  return trace((t) => {
    const ids = t.input("ids", shape, "i32");
    const mask = t.input("mask", shape);
    const positions = typeof shape[1] === "string" ? t.input("positions", [shape[1]], "i32") : undefined;
    return { states: miniLm(t.scope(), config, { ids, mask, positions }) };
  });
}

function places(file: SafetensorsFile, prefix = ""): WeightPlaces {
  const entries = [...file.tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(entries.map(([name, entry]) => [name.slice(prefix.length), { ...entry, file: file.path }]));
}

/** States [batch · tokens · width] of a batch of any size. */
async function run(session: Session, ids: Int32Array, mask: Float32Array, shape: readonly number[]) {
  const positions = Int32Array.from({ length: shape[1]! }, (_, i) => i);
  const { states } = await session.run({
    ids: { dtype: "i32", shape, data: ids },
    mask: { dtype: "f32", shape, data: mask },
    ...(session.inputs.some(({ name }) => name === "positions") && {
      positions: { dtype: "i32", shape: [shape[1]!], data: positions },
    }),
  });
  return states!.data as Float32Array;
}

/** Per token: |a − b| / |b| and the cosine of the two. */
function compare(a: Float32Array, b: Float32Array, width: number): { error: number; cosine: number }[] {
  return Array.from({ length: b.length / width }, (_, row) => {
    let [difference, ab, aa, bb] = [0, 0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      difference += (a[i]! - b[i]!) ** 2;
      ab += a[i]! * b[i]!;
      aa += a[i]! ** 2;
      bb += b[i]! ** 2;
    }
    return { error: Math.sqrt(difference / bb), cosine: ab / Math.sqrt(aa * bb) };
  });
}

const largestError = (rows: { error: number }[]) => Math.max(...rows.map(({ error }) => error));

describe("the shipped int8 encoder", async () => {
  const config = miniLmConfigs["all-MiniLM-L6-v2"];
  const golden = await openSafetensors("tests/golden/minilm.safetensors");
  const prompts: string[] = JSON.parse(golden.metadata.prompts!);
  let session: Session;
  beforeAll(async () => {
    const weights = places(await openSafetensors("weights/text-encoder.safetensors"));
    session = await engine.load(traceEncoder(config), { weights });
  });

  /** The states that the golden file keeps of prompt i, out of a row of all tokens. */
  async function keptRows(i: number, row: Float32Array) {
    const kept = Array.from((await golden.read(`rows.${i}`)).data as BigInt64Array, Number);
    return Float32Array.from(
      kept.flatMap((at) => [...row.subarray(at * config.width, (at + 1) * config.width)]),
    );
  }

  it.each(prompts.map((prompt, i) => [i, prompt] as const))(
    "gives the reference's states: %s %s",
    async (i, prompt) => {
      const { ids, mask, shape } = tokenizer.encodeBatch([prompt]);
      expect([...ids]).toEqual(Array.from((await golden.read(`ids.${i}`)).data as BigInt64Array, Number));
      const states = await keptRows(i, await run(session, ids, mask, shape));

      // The same int8 weights in the reference implementation: what our function itself gets wrong.
      const own = compare(states, await golden.readFloat32(`int8.${i}`), config.width);
      expect(largestError(own)).toBeLessThan(1e-4);
      // The published float32 weights: what int8 costs.
      const rounding = compare(states, await golden.readFloat32(`states.${i}`), config.width);
      expect(Math.min(...rounding.map(({ cosine }) => cosine))).toBeGreaterThanOrEqual(0.99);
    },
  );

  it("gives a prompt the same states beside longer ones, and with a fixed number of tokens", async () => {
    const three = prompts.slice(0, 3);
    const { ids, mask, shape, encodings } = tokenizer.encodeBatch(three, { length: 16 });
    const weights = places(await openSafetensors("weights/text-encoder.safetensors"));
    const fixed = await engine.load(traceEncoder(config, [3, 16]), { weights });
    for (const of of [session, fixed]) {
      const states = await run(of, ids, mask, shape);
      for (const i of three.keys()) {
        const from = i * 16 * config.width;
        const row = states.subarray(from, from + encodings[i]!.ids.length * config.width);
        expect(largestError(compare(row, await golden.readFloat32(`int8.${i}`), config.width))).toBeLessThan(
          1e-4,
        );
      }
    }
    await fixed.close();
  });
});

describe("a tiny encoder with random weights", async () => {
  const golden = await openSafetensors("tests/golden/minilm-tiny.safetensors");
  const sizes: Record<string, number> = JSON.parse(golden.metadata.config!);
  const config: MiniLmConfig = {
    vocabulary: sizes.vocab_size!,
    width: sizes.hidden_size!,
    layers: sizes.num_hidden_layers!,
    heads: sizes.num_attention_heads!,
    hidden: sizes.intermediate_size!,
    positions: sizes.max_position_embeddings!,
  };

  /** Matrices in float16 as `scripts/make-text-encoder.mjs --form float16` stores them. */
  async function writeFloat16(): Promise<WeightPlaces> {
    const path = join(folder, "tiny-f16.safetensors");
    const tensors = [...places(golden, "weights.")].map(async ([name, { shape }]) => {
      const tensor = await golden.read(`weights.${name}`);
      const values = toFloat32(tensor);
      if (shape.length === 1) return { name, dtype: "f32" as const, shape, data: values };
      return { name, dtype: "f16" as const, shape, data: float32ToF16(values) };
    });
    await writeSafetensors(path, await Promise.all(tensors));
    return places(await openSafetensors(path));
  }

  async function errors(weights: WeightPlaces, decompose: boolean) {
    const session = await engine.load(traceEncoder(config), { weights, decompose });
    const { shape, data } = await golden.read("ids");
    const mask = Float32Array.from((await golden.read("mask")).data as BigInt64Array, Number);
    const states = await run(session, Int32Array.from(data as BigInt64Array, Number), mask, shape);
    await session.close();
    const rows = compare(states, await golden.readFloat32("states"), config.width);
    return rows.filter((_, i) => mask[i] === 1);
  }

  it.each([false, true])(
    "agrees with the reference in float32 (attention by its parts: %s)",
    async (decompose) => {
      expect(largestError(await errors(places(golden, "weights."), decompose))).toBeLessThan(1e-5);
    },
  );

  it("agrees with the reference to 1e-3 in float16", async () => {
    expect(largestError(await errors(await writeFloat16(), false))).toBeLessThan(1e-3);
  });

  it("refuses more tokens than there are positions, and an unknown number without positions", () => {
    expect(() => traceEncoder(config, [1, config.positions + 1])).toThrow(/up to 16 tokens.*\[1, 17\]/);
    const withoutPositions = () =>
      trace((t) => ({
        states: miniLm(t.scope(), config, {
          ids: t.input("ids", ["batch", "tokens"], "i32"),
          mask: t.input("mask", ["batch", "tokens"]),
        }),
      }));
    expect(withoutPositions).toThrow(/their positions if their number is a symbol/);
  });
});

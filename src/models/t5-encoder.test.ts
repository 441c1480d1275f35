import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Program, trace } from "../graph/index.js";
import {
  embedT5,
  getT5Buckets,
  getT5WeightName,
  splitT5Layers,
  t5Encoder,
  t5EncoderPart,
} from "./t5-encoder.js";
import { readT5EncoderConfig, type T5EncoderConfig } from "./t5-encoder-config.js";

// By transformers; versions are in the files' metadata, the command in tests/golden/scripts/t5_encoder.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

function traceStates(config: T5EncoderConfig, isMasked: boolean): Program {
  return trace((t) => {
    const inputs = {
      ids: t.input("ids", ["batch", "tokens"], "i32"),
      buckets: t.input("buckets", ["tokens", "tokens"], "i32"),
      ...(isMasked && { mask: t.input("mask", ["batch", "tokens"]) }),
    };
    return { states: t5Encoder(t.scope(), config, inputs) };
  });
}

const whole = ({ shape, data }: HostTensor): HostTensor => {
  return { dtype: "i32", shape, data: Int32Array.from(data as Float32Array) };
};

describe.each(["gated", "relu", "umt5"])("T5's encoder against transformers (%s)", async (name) => {
  const golden = await openGolden(`tests/golden/t5-encoder-${name}.safetensors`);
  const config = readT5EncoderConfig(golden.config);
  const { ids, mask, states, unmasked } = golden.tensors;
  const tokens = ids!.shape[1]!;
  const inputs = {
    ids: whole(ids!),
    buckets: { dtype: "i32", shape: [tokens, tokens], data: getT5Buckets(config, tokens) },
  } satisfies Record<string, HostTensor>;

  it.each([false, true])("gives the same states (by parts: %s)", async (parts) => {
    const masked = { ...inputs, mask: mask! };
    const found = await runOnce(engine, traceStates(config, true), golden.weights, masked, parts);
    expect(relativeError(found.states!, states!)).toBeLessThan(1e-5);
  });

  it("gives the same states where padding is seen", async () => {
    const found = await runOnce(engine, traceStates(config, false), golden.weights, inputs);
    expect(relativeError(found.states!, unmasked!)).toBeLessThan(1e-5);
  });

  it("gives the same states in parts", async () => {
    let x: HostTensor | undefined;
    for (const part of [
      { from: 0, to: 1 },
      { from: 1, to: config.layers },
    ]) {
      const program = trace((t) => {
        const first =
          part.from === 0
            ? embedT5(t.scope(), config, t.input("ids", ["batch", "tokens"], "i32"))
            : t.input("earlier", ["batch", "tokens", config.width]);
        const buckets = t.input("buckets", ["tokens", "tokens"], "i32");
        return { x: t5EncoderPart(t.scope(), config, { x: first, buckets }, part) };
      });
      const feeds = { buckets: inputs.buckets, ...(x ? { earlier: x } : { ids: inputs.ids }) };
      x = (await runOnce(engine, program, golden.weights, feeds)).x!;
    }
    expect(relativeError(x!, unmasked!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const names = traceStates(config, true).parameters.map((parameter) => parameter.name);
    expect(names.sort()).toEqual([...golden.weights.keys()].sort());
  });

  it.runIf(name !== "umt5").each([1, 300])(
    "sorts the distances of %i tokens into the same buckets",
    (count) => {
      const buckets = getT5Buckets(config, count);
      const rows = [...buckets.slice(0, count), ...buckets.slice(-count)];
      expect(rows).toEqual([...golden.tensors[`buckets.${count}`]!.data]);
    },
  );
});

it("splits large encoders into parts, and no small ones", () => {
  const sizes = { d_model: 4096, d_kv: 64, d_ff: 10_240, num_layers: 24, num_heads: 64 };
  const xxl = readT5EncoderConfig({ ...sizes, feed_forward_proj: "gated-gelu" });
  const parts = splitT5Layers(xxl);
  expect(parts.map(({ from, to }) => to - from)).toEqual([4, 4, 4, 4, 4, 4]);
  expect([parts[0]!.from, parts.at(-1)!.to]).toEqual([0, 24]);
  expect(splitT5Layers(readT5EncoderConfig({ d_model: 768, num_heads: 12, num_layers: 12 }))).toHaveLength(1);
});

describe("T5's files", () => {
  it("may name the table of tokens in two ways", () => {
    expect(getT5WeightName("encoder.embed_tokens.weight")).toBe("shared.weight");
    expect(getT5WeightName("encoder.final_layer_norm.weight")).toBe("encoder.final_layer_norm.weight");
  });

  it.each([
    [{ architectures: ["CLIPTextModel"] }, "architectures[0]: expected one of T5EncoderModel"],
    [
      { feed_forward_proj: "gated-silu" },
      'feed_forward_proj: expected one of relu, gated-gelu, got "gated-silu"',
    ],
    [
      { relative_attention_num_buckets: 6 },
      "relative_attention_num_buckets: expected a multiple of 4, got 6",
    ],
    [{ relative_attention_max_distance: 8 }, "expected more than a quarter of the buckets (8), got 8"],
    [{ num_layers: 0 }, "num_layers: expected a whole number from 1 to 200, got 0"],
  ])("are refused where the config says %j", (json, message) => {
    expect(() => readT5EncoderConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

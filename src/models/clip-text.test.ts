import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Program, type Tensor, trace } from "../graph/index.js";
import { clipText, projectText } from "./clip-text.js";
import { type ClipTextConfig, readClipTextConfig } from "./clip-text-config.js";

// By transformers; versions are in the files' metadata, the command in tests/golden/scripts/clip_text.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

function traceText(config: ClipTextConfig, skip = 0): Program {
  return trace((t): Record<string, Tensor> => {
    const ids = t.input("ids", ["batch", config.positions], "i32");
    const { states, normalized, last } = clipText(t.scope(), config, { ids }, { skip });
    if (config.projection === undefined) return { states, normalized, last };
    return {
      states,
      normalized,
      last,
      vector: projectText(t.scope(), config, last, t.input("ends", ["batch"], "i32")),
    };
  });
}

const whole = ({ shape, data }: HostTensor): HostTensor => {
  return { dtype: "i32", shape, data: Int32Array.from(data as Float32Array) };
};

describe.each(["plain", "projected"])("the text encoder against transformers (%s)", async (name) => {
  const golden = await openGolden(`tests/golden/clip-text-${name}.safetensors`);
  const config = readClipTextConfig(golden.config);
  const { states, pooled } = golden.tensors;
  const ends = whole(golden.tensors.end!);
  ends.data[1] = Number(ends.data[1]) + config.positions;
  const ids = whole(golden.tensors.ids!);
  const inputs: Record<string, HostTensor> = config.projection === undefined ? { ids } : { ids, ends };

  it.each([false, true])("gives the same states (by parts: %s)", async (parts) => {
    const found = await runOnce(engine, traceText(config), golden.weights, inputs, parts);
    expect(relativeError(found.normalized!, states!)).toBeLessThan(1e-5);
    if (config.projection !== undefined) expect(relativeError(found.vector!, pooled!)).toBeLessThan(1e-5);
  });

  it.each([1, 2])("gives the states %i layers before the last, and still those of the last", async (skip) => {
    const found = await runOnce(engine, traceText(config, skip), golden.weights, inputs);
    expect(relativeError(found.states!, golden.tensors[`hidden.${config.layers - skip}`]!)).toBeLessThan(
      1e-5,
    );
    expect(relativeError(found.last!, states!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const names = traceText(config).parameters.map((parameter) => parameter.name);
    expect(names.sort()).toEqual([...golden.weights.keys()].sort());
  });
});

describe("readClipTextConfig", () => {
  it.each([
    [
      { architectures: ["T5EncoderModel"] },
      "architectures[0]: expected one of CLIPTextModel, CLIPTextModelWithProjection",
    ],
    [{ num_attention_heads: 7 }, "num_attention_heads: expected a divisor of hidden_size (512), got 7"],
    [
      { num_hidden_layers: 0, hidden_act: "relu" },
      "num_hidden_layers: expected a whole number from 1 to 200, got 0.\n",
    ],
  ])("refuses %j", (json, message) => {
    expect(() => readClipTextConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

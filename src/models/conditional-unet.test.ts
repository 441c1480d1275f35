import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError } from "../../tests/support/golden-network.js";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { lowerProgram, type Program, type TraceOptions, type Tracer, trace } from "../graph/index.js";
import { getLabelInput } from "./class-embedding.js";
import { conditionalUnet } from "./conditional-unet.js";
import { type ConditionalUnetConfig, readConditionalUnetConfig } from "./conditional-unet-config.js";

// By diffusers; versions are in the files' metadata, the command in tests/golden/scripts/conditional_unet.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const optional = {
  pooledText: "pooled",
  timeIds: "timeIds",
  timeCondition: "timeCondition",
  classLabels: "labels",
} as const;

function traceUnet(config: ConditionalUnetConfig, options: TraceOptions = {}): Program {
  const model = (t: Tracer) => ({
    output: conditionalUnet(t.scope(), config, {
      sample: t.input("sample", ["batch", config.inChannels, "height", "width"]),
      timestep: t.input("timestep", ["batch"]),
      encoderStates: t.input("states", ["batch", "tokens", config.crossWidth]),
      ...(config.addition && {
        pooledText: t.input("pooled", ["batch", config.addition.inputWidth - 6 * config.addition.timeWidth]),
        timeIds: t.input("timeIds", ["batch", 6]),
      }),
      ...(config.timeConditionWidth && {
        timeCondition: t.input("timeCondition", ["batch", config.timeConditionWidth]),
      }),
      ...(config.classEmbedding && {
        classLabels: t.input("labels", ...getLabelInput(config.classEmbedding, 4 * config.down[0]!.width)),
      }),
    }),
  });
  return trace(model, options);
}

describe.each(["sd1", "sd2", "sdxl", "inpaint", "lcm", "distilled", "unclip", "upscaler"])(
  "the U-Net against diffusers (%s)",
  async (name) => {
    const golden = await openGolden(`tests/golden/conditional-unet-${name}.safetensors`);
    const config = readConditionalUnetConfig(golden.config);

    it.each([false, true])(
      "predicts the same at two sizes (operations by their parts: %s)",
      async (decompose) => {
        const session = await engine.load(traceUnet(config), { weights: golden.weights, decompose });
        try {
          for (const i of [0, 1]) {
            const given: Record<string, HostTensor> = {};
            for (const input of ["sample", "timestep", "states", ...Object.values(optional)]) {
              const tensor = golden.tensors[`${input}.${i}`];
              if (tensor) given[input] = tensor;
            }
            if (given.labels && config.classEmbedding?.kind === "table") {
              given.labels = {
                ...given.labels,
                dtype: "i32",
                data: Int32Array.from(given.labels.data as Float32Array),
              };
            }
            const { output } = await session.run(given);
            expect(relativeError(output!, golden.tensors[`output.${i}`]!)).toBeLessThan(1e-5);
          }
        } finally {
          await session.close();
        }
      },
    );

    it("asks for every tensor of the checkpoint, and for no other", () => {
      const names = traceUnet(config).parameters.map((parameter) => parameter.name);
      expect(names.sort()).toEqual([...golden.weights.keys()].sort());
    });
  },
);

describe("readConditionalUnetConfig", () => {
  it("fills in what diffusers fills in", () => {
    const attending = { transformers: [1, 1], layers: 2, heads: 8, crossOnly: false };
    expect(readConditionalUnetConfig({})).toEqual({
      inChannels: 4,
      outChannels: 4,
      down: [
        { width: 320, ...attending },
        { width: 640, ...attending },
        { width: 1280, ...attending },
        { width: 1280, ...attending, transformers: [] },
      ],
      up: [
        { width: 1280, transformers: [], layers: 3, heads: 8, crossOnly: false },
        { width: 1280, transformers: [1, 1, 1], layers: 3, heads: 8, crossOnly: false },
        { width: 640, transformers: [1, 1, 1], layers: 3, heads: 8, crossOnly: false },
        { width: 320, transformers: [1, 1, 1], layers: 3, heads: 8, crossOnly: false },
      ],
      middle: 1,
      activation: "silu",
      groups: 32,
      epsilon: 1e-5,
      crossWidth: 1280,
      linearProjection: false,
      timeConditionWidth: undefined,
      addition: undefined,
      classEmbedding: undefined,
    });
  });

  it.each([
    [{ _class_name: "UNet3DConditionModel" }, '_class_name: expected "UNet2DConditionModel"'],
    [{ class_embed_type: "simple_projection" }, "class_embed_type: expected one of timestep, identity, proj"],
    [{ class_embed_type: "projection" }, "projection_class_embeddings_input_dim: expected a whole number"],
    [{ down_block_types: ["AttnDownBlock2D"] }, "down_block_types[0]: expected one of DownBlock2D, Cross"],
    [{ up_block_types: ["UpBlock2D"] }, "up_block_types: expected 4 names, as many as block_out_channels"],
    [{ mid_block_type: "UNetMidBlock2D" }, 'mid_block_type: expected "UNetMidBlock2DCrossAttn"'],
    [{ addition_embed_type: "image" }, 'addition_embed_type: expected "text_time", got "image"'],
    [
      { addition_embed_type: "text_time" },
      "addition_time_embed_dim: expected a whole number from 1, got nothing",
    ],
    [{ attention_head_dim: [5, 10] }, "attention_head_dim: expected a whole number from 1, or 4 of them"],
    [{ attention_head_dim: 7 }, "attention_head_dim: expected numbers that divide block_out_channels"],
    [{ cross_attention_dim: [768, 768, 768, 1024] }, "cross_attention_dim: expected one number"],
    [{ transformer_layers_per_block: "two" }, "transformer_layers_per_block: expected a whole number"],
    [
      { block_out_channels: [32, 48], up_block_types: ["UpBlock2D"], attention_head_dim: 7 },
      'up_block_types: expected 2 names, as many as block_out_channels, got ["UpBlock2D"].\nUNet2DConditionModel config: ',
    ],
    [{ transformer_layers_per_block: [[1], 1, 1, 1] }, "expected 2 numbers for a level of 2 layers, got [1]"],
    [{ only_cross_attention: [true] }, "only_cross_attention: expected true or false, or 4 of them"],
  ])("refuses %j", (json, message) => {
    expect(() => readConditionalUnetConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

describe("attention maps of the U-Net", async () => {
  const golden = await openGolden("tests/golden/conditional-unet-sd1.safetensors");
  const config = readConditionalUnetConfig(golden.config);
  const map = "mid_block.attentions.0.transformer_blocks.0.attn2.probabilities";
  const kernels = (program: Program) =>
    new TextDecoder("latin1")
      .decode(lowerProgram(program, { target: "cpu" }).onnx)
      .match(/MultiHeadAttention_\d+/g)!.length;

  it("are outputs where they are asked for; then that attention alone is computed by its parts", async () => {
    const asked = traceUnet(config, { outputs: ["output", map] });
    expect(new Set([kernels(traceUnet(config)), kernels(asked)]).size).toBe(2);
    const session = await engine.load(asked, { weights: golden.weights });
    const inputs = Object.fromEntries(
      ["sample", "timestep", "states"].map((name) => [name, golden.tensors[`${name}.0`]!]),
    );
    const { output, [map]: probabilities } = await session.run(inputs);
    await session.close();
    expect(relativeError(output!, golden.tensors["output.0"]!)).toBeLessThan(1e-5);
    const [batch, heads, places, tokens] = probabilities!.shape as [number, number, number, number];
    expect([batch, heads, tokens]).toEqual([
      inputs.sample!.shape[0],
      config.down.at(-1)!.heads,
      inputs.states!.shape[1],
    ]);
    expect(places).toBeGreaterThan(1);
    for (let row = 0; row < batch * heads * places; row++) {
      const shares = (probabilities!.data as Float32Array).subarray(row * tokens, (row + 1) * tokens);
      // Each share is rounded, and their sum is taken in double precision.
      expect(Math.abs(shares.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(tokens * 2 ** -23);
    }
  });
});

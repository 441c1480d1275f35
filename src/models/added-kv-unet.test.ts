import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError } from "../../tests/support/golden-network.js";
import { makeEngine } from "../engine/node.js";
import { traceAddedKvUnet } from "./added-kv-unet.js";
import { isAddedKvUnet, readAddedKvUnetConfig, readUnconditionalUnetConfig } from "./added-kv-unet-config.js";

// By diffusers; versions are in the files' metadata, the command in tests/golden/scripts/added_kv_unet.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

describe.each(["karlo", "resolution", "kandinsky22", "kandinsky21", "if1", "if2"])(
  "the U-Net with added keys and values against diffusers (%s)",
  async (name) => {
    const golden = await openGolden(`tests/golden/added-kv-unet-${name}.safetensors`);
    const read = name === "resolution" ? readUnconditionalUnetConfig : readAddedKvUnetConfig;
    const program = traceAddedKvUnet(read(golden.config), { masked: name === "karlo" });

    it.each([false, true])(
      "predicts the same at two sizes (operations by their parts: %s)",
      async (decompose) => {
        const session = await engine.load(program, { weights: golden.weights, decompose });
        for (const i of [0, 1]) {
          const inputs = Object.fromEntries(
            program.inputs.map((input) => [input.name, golden.tensors[`${input.name}.${i}`]!]),
          );
          const { prediction } = await session.run(inputs);
          expect(relativeError(prediction!, golden.tensors[`output.${i}`]!)).toBeLessThan(1e-5);
        }
        await session.close();
      },
    );

    it("asks for every tensor of the checkpoint, and for no other", () => {
      const names = program.parameters.map((parameter) => parameter.name);
      expect(names.sort()).toEqual([...golden.weights.keys()].sort());
    });
  },
);

const tiny = {
  block_out_channels: [32, 64],
  down_block_types: ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
  mid_block_type: "UNetMidBlock2DSimpleCrossAttn",
  up_block_types: ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
};

describe("the configs", () => {
  it("are told from Stable Diffusion's by their blocks", () => {
    expect(isAddedKvUnet(tiny)).toBe(true);
    expect(isAddedKvUnet({ down_block_types: ["CrossAttnDownBlock2D"] })).toBe(false);
    expect(isAddedKvUnet({})).toBe(false);
  });

  it.each([
    [{ down_block_types: ["DownBlock2D", "DownBlock2D"] }, "down_block_types[0]: expected one of ResnetDown"],
    [{ up_block_types: ["ResnetUpsampleBlock2D"] }, "up_block_types: expected 2 names, as many as block_out"],
    [
      { mid_block_type: "UNetMidBlock2DCrossAttn" },
      'mid_block_type: expected "UNetMidBlock2DSimpleCrossAttn"',
    ],
    [{ block_out_channels: [32, 48] }, "block_out_channels: expected multiples of norm_num_groups (32)"],
    [{ attention_head_dim: 24 }, "attention_head_dim: expected a number that divides block_out_channels"],
    [{ only_cross_attention: [true] }, "only_cross_attention: expected true or false, or 2 of them"],
    [{ addition_embed_type: "image" }, "encoder_hid_dim: expected a whole number from 1, got nothing"],
    [{ addition_embed_type: "image_hint" }, "addition_embed_type: expected one of text, text_image, image"],
    [{ class_embed_type: "projection" }, "projection_class_embeddings_input_dim: expected a whole number"],
    [
      { addition_embed_type: "text", encoder_hid_dim: 12, addition_embed_type_num_heads: 5 },
      "addition_embed_type_num_heads: expected a number that divides the width of the text (12)",
    ],
  ])("are refused for %j", (change, message) => {
    expect(() => readAddedKvUnetConfig({ ...tiny, ...change })).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });

  it("of a network without attention must say so", () => {
    expect(() => readUnconditionalUnetConfig({ block_out_channels: [32] })).toThrow(
      /add_attention: expected false/,
    );
  });
});

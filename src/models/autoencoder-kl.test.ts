import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import { makeEngine } from "../engine/node.js";
import { type Dim, type Program, trace } from "../graph/index.js";
import { decodeKl, encodeKl } from "./autoencoder-kl.js";
import {
  type AutoencoderKlConfig,
  getLatentScale,
  readAutoencoderKlConfig,
} from "./autoencoder-kl-config.js";

// By diffusers; versions are in the files' metadata, the command in tests/golden/scripts/autoencoder_kl.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const symbols = ["batch", "height", "width"] as const;

function traceEncoder(
  config: AutoencoderKlConfig,
  [batch, height, width]: readonly Dim[] = symbols,
): Program {
  return trace((t) => {
    const pixels = t.input("pixels", [batch!, config.inChannels, height!, width!]);
    const { mean, logVariance } = encodeKl(t.scope(), config, pixels);
    return { mean, logVariance };
  });
}

function traceDecoder(config: AutoencoderKlConfig): Program {
  return trace((t) => ({
    pixels: decodeKl(
      t.scope(),
      config,
      t.input("latents", ["batch", config.latentChannels, "height", "width"]),
    ),
  }));
}

describe.each(["usual", "other"])("the autoencoder against diffusers (%s)", async (name) => {
  const golden = await openGolden(`tests/golden/autoencoder-kl-${name}.safetensors`);
  const config = readAutoencoderKlConfig(golden.config);
  const { pixels, mean, logvar, latents, decoded } = golden.tensors;

  it.each([false, true])(
    "encodes the same distribution (fused operations by their parts: %s)",
    async (parts) => {
      const program = traceEncoder(config);
      const found = await runOnce(engine, program, golden.weights, { pixels: pixels! }, parts);
      expect(relativeError(found.mean!, mean!)).toBeLessThan(1e-5);
      expect(relativeError(found.logVariance!, logvar!)).toBeLessThan(1e-5);
    },
  );

  it("encodes the same where the size is fixed", async () => {
    const [batch, , height, width] = pixels!.shape as [number, number, number, number];
    const program = traceEncoder(config, [batch, height, width]);
    const found = await runOnce(engine, program, golden.weights, { pixels: pixels! });
    expect(relativeError(found.mean!, mean!)).toBeLessThan(1e-5);
  });

  it.each([false, true])("decodes the same pixels (fused operations by their parts: %s)", async (parts) => {
    const found = await runOnce(engine, traceDecoder(config), golden.weights, { latents: latents! }, parts);
    expect(relativeError(found.pixels!, decoded!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const names = [traceEncoder(config), traceDecoder(config)].flatMap(({ parameters }) =>
      parameters.map((parameter) => parameter.name),
    );
    expect(names.sort()).toEqual([...golden.weights.keys()].sort());
  });
});

describe("a large logarithm of the variance", () => {
  it("is limited as in the reference", async () => {
    const golden = await openGolden("tests/golden/autoencoder-kl-usual.safetensors");
    const config = readAutoencoderKlConfig(golden.config);
    const bias = "quant_conv.bias";
    const weights = new Map(golden.weights);
    weights.delete(bias);
    const data = new Float32Array(2 * config.latentChannels).fill(100);
    const inputs = {
      pixels: golden.tensors.pixels!,
      [bias]: { dtype: "f32" as const, shape: [data.length], data },
    };
    const { logVariance } = await runOnce(engine, traceEncoder(config), weights, inputs);
    expect(new Set(logVariance!.data as Float32Array)).toEqual(new Set([20]));
  });
});

describe("readAutoencoderKlConfig", () => {
  it("fills in what diffusers fills in", () => {
    expect(readAutoencoderKlConfig({ latents_mean: null, _diffusers_version: "0.6.0" })).toEqual({
      inChannels: 3,
      outChannels: 3,
      latentChannels: 4,
      widths: [64],
      layers: 1,
      activation: "silu",
      groups: 32,
      quantConv: true,
      postQuantConv: true,
      middleAttention: true,
      scalingFactor: 0.18215,
      shiftFactor: 0,
      latentsMean: undefined,
      latentsStd: undefined,
    });
  });

  it.each([
    [{ _class_name: "AutoencoderKLWan" }, '_class_name: expected "AutoencoderKL", got "AutoencoderKLWan"'],
    [{ act_fn: "tanh" }, 'act_fn: expected one of silu, swish, mish, gelu, relu, got "tanh"'],
    [
      { block_out_channels: [64, 0] },
      "block_out_channels[1]: expected a whole number from 1 to 1048576, got 0",
    ],
    [{ block_out_channels: [40] }, "block_out_channels: expected multiples of norm_num_groups (32)"],
    [
      { down_block_types: ["AttnDownEncoderBlock2D"] },
      'down_block_types: expected 1 times "DownEncoderBlock2D"',
    ],
    [{ up_block_types: [] }, 'up_block_types: expected 1 times "UpDecoderBlock2D", got []'],
    [{ latents_std: [1, 2, 3] }, "latents_std: expected 4 numbers, got [1,2,3]"],
    [{ scaling_factor: 0 }, "scaling_factor: expected a number above 0, got 0"],
    [{ use_quant_conv: "yes" }, 'use_quant_conv: expected true or false, got "yes"'],
    [{ layers_per_block: 1e9 }, "layers_per_block: expected a whole number from 1 to 200, got 1000000000"],
    [
      { block_out_channels: Array(1000).fill(64) },
      "block_out_channels: expected a list of whole numbers from 1",
    ],
    [
      { act_fn: 1, latent_channels: "x" },
      'latent_channels: expected a whole number from 1 to 1048576, got "x".\nAutoencoderKL config: act_fn: ',
    ],
  ])("refuses %j", (json, message) => {
    expect(() => readAutoencoderKlConfig(json)).not.toThrow(/.{301}/);
    expect(() => readAutoencoderKlConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

describe("getLatentScale", () => {
  const plain = readAutoencoderKlConfig({ latent_channels: 2, scaling_factor: 0.5, shift_factor: 0.1 });

  it("is a factor and a shift for all channels", () => {
    expect(getLatentScale(plain)).toEqual({ factor: [2, 2], offset: [0.1, 0.1] });
  });

  it("is each channel's mean and deviation where both are given", () => {
    const given = { ...plain, latentsMean: [1, -1], latentsStd: [3, 0.5] };
    expect(getLatentScale(given)).toEqual({ factor: [6, 1], offset: [1, -1] });
    expect(getLatentScale({ ...given, latentsMean: undefined })).toEqual(getLatentScale(plain));
  });
});

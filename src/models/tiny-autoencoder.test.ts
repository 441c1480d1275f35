import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import type { WeightPlace, WeightPlaces } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Program, trace } from "../graph/index.js";
import {
  decodeTiny,
  encodeTiny,
  readTinyAutoencoderConfig,
  type TinyAutoencoderConfig,
  tinyAutoencoderConfigs,
  tinyParameterName,
} from "./tiny-autoencoder.js";

// By diffusers and torch; versions are in the files' metadata, the command in tests/golden/scripts/tiny_autoencoder.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

function traceEncoder(config: TinyAutoencoderConfig): Program {
  return trace((t) => ({
    latents: encodeTiny(
      t.scope(),
      config,
      t.input("pixels", ["batch", config.inChannels, "height", "width"]),
    ),
  }));
}

function traceDecoder(config: TinyAutoencoderConfig): Program {
  return trace((t) => ({
    pixels: decodeTiny(
      t.scope(),
      config,
      t.input("latents", ["batch", config.latentChannels, "height", "width"]),
    ),
  }));
}

/** Weights under the names of published files, found for the network's names. */
function renamed(programs: readonly Program[], published: WeightPlaces): Map<string, WeightPlace> {
  const names = programs.flatMap(({ parameters }) => parameters.map(({ name }) => name));
  return new Map(
    names.map((name) => {
      const { part, name: inFile } = tinyParameterName(name);
      return [name, published.get(`${part}.${inFile}`)!];
    }),
  );
}

describe("the tiny autoencoder against diffusers", async () => {
  const {
    config: json,
    weights,
    tensors,
  } = await openGolden("tests/golden/tiny-autoencoder-usual.safetensors");
  const config = readTinyAutoencoderConfig(json);

  it("encodes and decodes the same", async () => {
    const { latents } = await runOnce(engine, traceEncoder(config), weights, { pixels: tensors.pixels! });
    expect(relativeError(latents!, tensors.encoded!)).toBeLessThan(1e-5);
    const { pixels } = await runOnce(engine, traceDecoder(config), weights, { latents: tensors.latents! });
    expect(relativeError(pixels!, tensors.decoded!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const programs = [traceEncoder(config), traceDecoder(config)];
    const names = programs.flatMap(({ parameters }) => parameters.map((parameter) => parameter.name));
    expect(names.sort()).toEqual([...weights.keys()].sort());
  });
});

describe("the tiny autoencoder with group statistics, from files with the published names", async () => {
  const golden = await openGolden("tests/golden/tiny-autoencoder-pool.safetensors");
  const config = golden.config as unknown as TinyAutoencoderConfig;
  const programs = [traceEncoder(config), traceDecoder(config)] as const;
  const weights = renamed(programs, golden.weights);

  it("finds every tensor", () => {
    expect(new Set(weights.values())).toEqual(new Set(golden.weights.values()));
  });

  it.each([false, true])(
    "encodes and decodes the same (fused operations by their parts: %s)",
    async (parts) => {
      const { tensors } = golden;
      const { latents } = await runOnce(engine, programs[0], weights, { pixels: tensors.pixels! }, parts);
      expect(relativeError(latents!, tensors.encoded!)).toBeLessThan(1e-5);
      const { pixels } = await runOnce(engine, programs[1], weights, { latents: tensors.latents! }, parts);
      expect(relativeError(pixels!, tensors.decoded!)).toBeLessThan(1e-5);
    },
  );
});

describe("readTinyAutoencoderConfig", () => {
  it("reads the published ones, whose fields say no more than the defaults", () => {
    expect(readTinyAutoencoderConfig({})).toEqual(tinyAutoencoderConfigs.taesd);
    const taef1 = {
      _class_name: "AutoencoderTiny",
      latent_channels: 16,
      force_upcast: false,
      shift_factor: 0,
    };
    expect(readTinyAutoencoderConfig(taef1)).toEqual(tinyAutoencoderConfigs.taef1);
  });

  it.each([
    [{ upsampling_scaling_factor: 4 }, "upsampling_scaling_factor: expected 2, got 4"],
    [{ upsample_fn: "bilinear" }, 'upsample_fn: expected "nearest", got "bilinear"'],
    [{ num_encoder_blocks: [1, 3] }, "encoder_block_out_channels: expected 2 times the same number"],
    [
      { decoder_block_out_channels: [64, 64, 32, 32] },
      "decoder_block_out_channels: expected 4 times the same",
    ],
    [{ scaling_factor: 0.5 }, "scaling_factor: expected 1, got 0.5"],
  ])("refuses %j", (json, message) => {
    expect(() => readTinyAutoencoderConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import { openSafetensors, openWeights, readJson } from "../checkpoint/node.js";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { readMovqConfig, traceMovqDecoder, traceMovqEncoder } from "./movq.js";
import { readPriorTransformerConfig, tracePriorTransformer } from "./prior-transformer.js";
import { readUnclipTextProjectionConfig, traceUnclipTextProjection } from "./unclip-text-projection.js";

// By diffusers; versions are in the files' metadata, the commands in tests/golden/scripts/unclip_networks.py and
// kandinsky.py (MoVQ).
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const both = [false, true];

describe("unCLIP's prior against diffusers", async () => {
  const { config, weights, tensors } = await openGolden("tests/golden/unclip-prior.safetensors");
  const program = tracePriorTransformer(readPriorTransformerConfig(config));

  it.each(both)("predicts the same embedding, and knows its statistics (by parts: %s)", async (parts) => {
    const inputs = Object.fromEntries(program.inputs.map(({ name }) => [name, tensors[name]!]));
    const { prediction, mean, std } = await runOnce(engine, program, weights, inputs, parts);
    expect(relativeError(prediction!, tensors.prediction!)).toBeLessThan(1e-5);
    const width = prediction!.shape[1]!;
    const processed = (prediction!.data as Float32Array).map(
      (value, i) => value * Number(std!.data[i % width]) + Number(mean!.data[i % width]),
    );
    expect(relativeError({ ...prediction!, data: processed }, tensors.processed!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    expect(program.parameters.map(({ name }) => name).sort()).toEqual([...weights.keys()].sort());
  });

  it("refuses configs of other networks", () => {
    expect(() => readPriorTransformerConfig({ norm_in_type: "layer", additional_embeddings: 3 })).toThrow(
      /additional_embeddings: expected 4, got 3.*norm_in_type: expected nothing/s,
    );
    expect(() => readPriorTransformerConfig({ clip_embed_dim: 5 })).toThrow(
      /clip_embed_dim: expected embedding_dim \(768\), got 5/,
    );
  });
});

describe("MoVQ against diffusers", async () => {
  const folder = "tests/golden/pipelines/kandinsky-2-2-decoder/movq";
  const weights = await openWeights(folder);
  const file = await openSafetensors("tests/golden/pipelines/kandinsky.safetensors");
  const read = async (name: string): Promise<HostTensor> => {
    const { shape } = file.tensors.get(`movq.${name}`)!;
    return { dtype: "f32", shape: [...shape], data: await file.readFloat32(`movq.${name}`) };
  };
  const model = readMovqConfig(await readJson(`${folder}/config.json`));
  const [decoder, encoder] = [traceMovqDecoder(model), traceMovqEncoder(model)];

  it.each(both)("decodes and encodes the same at two sizes (by parts: %s)", async (decompose) => {
    const [down, up] = [
      await engine.load(encoder, { weights, decompose }),
      await engine.load(decoder, { weights, decompose }),
    ];
    for (const i of [0, 1]) {
      const { pixels } = await up.run({ latents: await read(`latents.${i}`) });
      expect(relativeError(pixels!, await read(`decoded.${i}`))).toBeLessThan(1e-5);
      const { latents } = await down.run({ pixels: await read(`pixels.${i}`) });
      expect(relativeError(latents!, await read(`encoded.${i}`))).toBeLessThan(1e-5);
    }
    await Promise.all([up.close(), down.close()]);
  });

  it("asks for every tensor of the checkpoint but the codebook", () => {
    const names = [...decoder.parameters, ...encoder.parameters].map(({ name }) => name);
    const expected = [...weights.keys()].filter((name) => !name.startsWith("quantize."));
    expect(names.sort()).toEqual(expected.sort());
  });

  it.each([
    [{ norm_type: "group" }, 'norm_type: expected "spatial", got "group"'],
    [{ norm_type: "spatial", block_out_channels: [48] }, "block_out_channels: expected multiples of 32"],
    [{ norm_type: "spatial", vq_embed_dim: 7 }, "vq_embed_dim: expected latent_channels (3), got 7"],
    [{ norm_type: "spatial", up_block_types: ["UpBlock2D"] }, "up_block_types[0]: expected one of UpDecoder"],
  ])("refuses %j", (json, message) => {
    expect(() => readMovqConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

describe("Karlo's text projection against diffusers", async () => {
  const { config, weights, tensors } = await openGolden("tests/golden/unclip-text-projection.safetensors");
  const model = readUnclipTextProjectionConfig(config);
  const row = ({ shape, data, dtype }: HostTensor, i: number): HostTensor => {
    const size = data.length / shape[0]!;
    return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(i * size, (i + 1) * size) };
  };

  it.each([
    ["no image", 0],
    ["an image", 1],
  ] as const)("makes the same tokens and time for %s", async (_, i) => {
    const program = traceUnclipTextProjection(model, { hasImage: i === 1 });
    const inputs = {
      text: row(tensors.text!, i),
      states: row(tensors.states!, i),
      ...(i === 1 && { image: tensors.image! }),
    };
    const { tokens, time } = await runOnce(engine, program, weights, inputs);
    expect(relativeError(tokens!, row(tensors.tokens!, i))).toBeLessThan(1e-5);
    expect(relativeError(time!, row(tensors.time!, i))).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const names = traceUnclipTextProjection(model, { hasImage: false }).parameters.map(({ name }) => name);
    expect(names.sort()).toEqual([...weights.keys()].sort());
  });
});

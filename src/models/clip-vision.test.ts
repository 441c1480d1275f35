import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import { makeEngine } from "../engine/node.js";
import { type Program, trace } from "../graph/index.js";
import { clipVision } from "./clip-vision.js";
import { type ClipVisionConfig, readClipVisionConfig } from "./clip-vision-config.js";

// By transformers; versions are in the files' metadata, the command in tests/golden/scripts/clip_vision.py.
const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

function traceVision(config: ClipVisionConfig): Program {
  return trace((t) => {
    const pixels = t.input("pixels", ["batch", 3, config.imageSide, config.imageSide]);
    return { ...clipVision(t.scope(), config, pixels) };
  });
}

describe.each(["quick", "exact"])("the image encoder against transformers (%s)", async (name) => {
  const golden = await openGolden(`tests/golden/clip-vision-${name}.safetensors`);
  const config = readClipVisionConfig(golden.config);
  const { pixels, embedding } = golden.tensors;

  it.each([false, true])("gives the same embedding and states (by parts: %s)", async (parts) => {
    const outputs = await runOnce(engine, traceVision(config), golden.weights, { pixels: pixels! }, parts);
    expect(relativeError(outputs.embedding!, embedding!)).toBeLessThan(1e-5);
    const { [`hidden.${config.layers - 1}`]: before, [`hidden.${config.layers}`]: last } = golden.tensors;
    expect(relativeError(outputs.penultimate!, before!)).toBeLessThan(1e-5);
    expect(relativeError(outputs.last!, last!)).toBeLessThan(1e-5);
  });

  it("asks for every tensor of the checkpoint, and for no other", () => {
    const names = traceVision(config).parameters.map((parameter) => parameter.name);
    expect(names.sort()).toEqual([...golden.weights.keys()].sort());
  });
});

describe("readClipVisionConfig", () => {
  it("reads the vision part of a whole CLIP, with the whole's projection", () => {
    const json = {
      architectures: ["CLIPModel"],
      projection_dim: 768,
      vision_config: { architectures: ["CLIPVisionModel"], hidden_size: 1024, num_attention_heads: 16 },
    };
    expect(readClipVisionConfig(json)).toMatchObject({ width: 1024, heads: 16, projection: 768 });
  });

  it.each([
    [{ architectures: ["CLIPVisionModel"] }, 'architectures[0]: expected "CLIPVisionModelWithProjection"'],
    [{ architectures: ["CLIPModel"] }, "vision_config: expected an object"],
    [{ num_attention_heads: 7 }, "num_attention_heads: expected a divisor of hidden_size (768), got 7"],
    [{ patch_size: 300 }, "patch_size: expected at most image_size (224), got 300"],
    [{ num_channels: 4, hidden_act: "relu" }, "num_channels: expected 3, got 4"],
  ])("refuses %j", (json, message) => {
    expect(() => readClipVisionConfig(json)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});

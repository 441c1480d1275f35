// Published networks with every 3×3 convolution in Winograd's tiles and their images channels-last, against the numbers of
// diffusers: these tiny networks would leave their convolutions to the runtime.
import { afterAll, expect, it } from "vitest";
import type { HostTensor } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { toChannelsLast } from "../src/graph/channels-last.js";
import { type Program, trace } from "../src/graph/index.js";
import {
  decodeKl,
  encodeKl,
  readAddedKvUnetConfig,
  readAutoencoderKlConfig,
  readConditionalUnetConfig,
  traceAddedKvUnet,
} from "../src/models/index.js";
import { traceUnet } from "../src/pipeline/families/stable-diffusion/programs.js";
import { type GoldenNetwork, openGolden, relativeError, runOnce } from "./support/golden-network.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const sizes = { batch: 1, height: 8, width: 8, tokens: 77 };

/** Runs a program with all convolutions in tiles. */
async function runTiled(program: Program, { weights }: GoldenNetwork, inputs: Record<string, HostTensor>) {
  const tiled = toChannelsLast(program, sizes, () => ({ tile: 4, bands: 1, parts: 1 }));
  expect(tiled).not.toBe(program);
  // Without the runtime's optimizations, thousands of nodes load in a moment.
  await using session = await engine.load(tiled, { weights, optimize: false });
  return session.run(inputs);
}

// A convolution's error is below 1e-5 of its largest value; these networks have up to thirty, one after the other.
const tolerance = 1e-4;

// The second size is odd, so that levels are cropped.
it("the U-Net of Karlo predicts the same", async () => {
  const golden = await openGolden("tests/golden/added-kv-unet-karlo.safetensors");
  const program = traceAddedKvUnet(readAddedKvUnetConfig(golden.config), { masked: true });
  const named = program.inputs.map((input) => [input.name, golden.tensors[`${input.name}.1`]!]);
  const { prediction } = await runTiled(program, golden, Object.fromEntries(named));
  expect(relativeError(prediction!, golden.tensors["output.1"]!)).toBeLessThan(tolerance);
});

it("the autoencoder decodes and encodes the same", async () => {
  const golden = await openGolden("tests/golden/autoencoder-kl-usual.safetensors");
  const config = readAutoencoderKlConfig(golden.config);
  const { pixels, mean, latents, decoded } = golden.tensors;
  const decoder = trace((t) => {
    const x = t.input("latents", ["batch", config.latentChannels, "height", "width"]);
    return { pixels: decodeKl(t.scope(), config, x) };
  });
  const encoder = trace((t) => {
    const x = t.input("pixels", ["batch", config.inChannels, "height", "width"]);
    return { mean: encodeKl(t.scope(), config, x).mean };
  });
  const drawn = await runTiled(decoder, golden, { latents: latents! });
  expect(relativeError(drawn.pixels!, decoded!)).toBeLessThan(tolerance);
  const seen = await runTiled(encoder, golden, { pixels: pixels! });
  expect(relativeError(seen.mean!, mean!)).toBeLessThan(tolerance);
});

it.each([
  { form: "observed", wraps: false },
  { form: "deep", wraps: true },
] as const)(
  "Stable Diffusion's U-Net that gives $form values gives the same (images that wrap: $wraps)",
  async (options) => {
    const golden = await openGolden("tests/golden/conditional-unet-sd1.safetensors");
    const program = traceUnet(readConditionalUnetConfig(golden.config), options);
    const named = program.inputs.map((input) => [input.name, golden.tensors[`${input.name}.1`]!]);
    const inputs = Object.fromEntries(named);
    const [tiled, plain] = [
      await runTiled(program, golden, inputs),
      await runOnce(engine, program, golden.weights, inputs),
    ];
    expect(Object.keys(tiled)).toEqual(Object.keys(plain));
    for (const [name, expected] of Object.entries(plain))
      expect(relativeError(tiled[name]!, expected)).toBeLessThan(tolerance);
  },
);

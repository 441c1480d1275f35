// A decoder grows without losing what it has learned, and the encoder does not notice.
import { afterAll, expect, it } from "vitest";
import type { HostTensors } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Program, trace } from "../graph/index.js";
import { random } from "../random/index.js";
import { type AutoencoderConfig, autoencoderConfigs, decode, encode } from "./autoencoder.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const grown: AutoencoderConfig = {
  ...autoencoderConfigs.tiny,
  positions: 4,
  decoderFine: { width: 8, blocks: 1 },
};
const shape = [1, 2, 2, 4];

const decoder = (config: AutoencoderConfig): Program =>
  trace((tracer) => ({ pixels: decode(tracer.scope("decoder"), tracer.input("latents", shape), config) }));

const encoderNames = (config: AutoencoderConfig) =>
  trace((tracer) => ({
    latents: encode(tracer.scope("encoder"), tracer.input("pixels", [1, 32, 32, 3]), config),
  })).parameters.map(({ name }) => name);

/** Random weights, except where a layer starts at zero. */
function weightsOf({ parameters }: Program): HostTensors {
  return Object.fromEntries(
    parameters.map(({ name, shape: sizes, init }) => {
      const data = random(1, name).normals(sizes.reduce((a, b) => a * b, 1));
      if (init.kind === "zeros") data.fill(0);
      return [name, { dtype: "f32" as const, shape: [...sizes], data }];
    }),
  );
}

async function run(program: Program): Promise<Float32Array> {
  const session = await engine.load(program);
  try {
    const latents = { dtype: "f32" as const, shape, data: random(1, "latents").normals(16) };
    const { pixels } = await session.run({ latents, ...weightsOf(program) });
    expect(pixels!.shape).toEqual([1, 32, 32, 3]);
    return pixels!.data as Float32Array;
  } finally {
    await session.close();
  }
}

it("a fine stage starts as no change: it knows positions at twice the grid, and the encoder stays", async () => {
  expect(await run(decoder(grown))).toEqual(await run(decoder(autoencoderConfigs.tiny)));
  const added = decoder(grown).parameters.filter(({ name }) => name.startsWith("decoder.fine."));
  expect(added.find(({ name }) => name === "decoder.fine.position")!.shape).toEqual([8, 8, 8]);
  expect(encoderNames(grown)).toEqual(encoderNames(autoencoderConfigs.tiny));
});

it("packed latents give each patch of pixels channels of its own", async () => {
  const config: AutoencoderConfig = { ...autoencoderConfigs.tiny, packed: true };
  const program = trace((tracer) => ({
    latents: encode(tracer.scope("encoder"), tracer.input("pixels", [1, 32, 32, 3]), config),
  }));
  const weights = weightsOf(program);
  // Without what the blocks at half the size see, a patch's latents depend on its own pixels alone.
  for (const [name, { data }] of Object.entries(weights))
    if (name.startsWith("encoder.up.")) (data as Float32Array).fill(0);
  const session = await engine.load(program);
  const encoded = async (pixels: Float32Array) => {
    const result = await session.run({
      pixels: { dtype: "f32", shape: [1, 32, 32, 3], data: pixels },
      ...weights,
    });
    expect(result.latents!.shape).toEqual([1, 2, 2, 4]);
    return result.latents!.data as Float32Array;
  };
  try {
    const pixels = random(1, "pixels").normals(32 * 32 * 3);
    const before = await encoded(pixels);
    pixels[(9 * 32 + 20) * 3]! += 1; // in the patch of row 1, column 2: cell (0, 1), its lower left
    const after = await encoded(pixels);
    const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
    expect(changed).toEqual([1 * 4 + 2]);
  } finally {
    await session.close();
  }
  const program2 = decoder(config);
  expect((await run(program2)).some((value) => value !== 0)).toBe(true);
});

import { afterAll, describe, expect, it } from "vitest";
import { openGolden, relativeError, runOnce } from "../../tests/support/golden-network.js";
import type { HostTensor, WeightPlaces } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Program, trace } from "../graph/index.js";
import {
  decodeKl,
  decodeTiny,
  encodeKl,
  encodeTiny,
  readAutoencoderKlConfig,
  readTinyAutoencoderConfig,
} from "../models/index.js";
import { random } from "../random/index.js";
import { decodeInTiles, encodeInTiles } from "./run-tiles.js";
import { defaultMemoryLimit, forecastMemory, getTiling } from "./tile-forecast.js";
import { traceKlDecoder, traceKlEncoder, traceTinyDecoder, traceTinyEncoder } from "./tiled-networks.js";
import { copyPart, makeTensor, planTiles, type Tiling } from "./tiles.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const noise = (...shape: number[]): HostTensor => ({
  dtype: "f32",
  shape,
  data: random(3, "picture").normals(shape.reduce((a, b) => a * b, 1)),
});
const openWith = (weights: WeightPlaces) => (program: Program) => engine.load(program, { weights });

describe("Stable Diffusion's autoencoder in tiles", async () => {
  const golden = await openGolden("tests/golden/autoencoder-kl-usual.safetensors");
  const { weights } = golden;
  const config = readAutoencoderKlConfig(golden.config);
  const open = openWith(weights);
  const decoder = trace((t) => ({
    pixels: decodeKl(t.scope(), config, t.input("latents", [1, config.latentChannels, "height", "width"])),
  }));
  const encoder = trace((t) => {
    const { mean } = encodeKl(t.scope(), config, t.input("pixels", [1, 3, "height", "width"]));
    return { mean };
  });
  const network = traceKlDecoder(config);
  // A strip is no larger than a square tile, so that statistics are taken from all of it: only rounding is left.
  const strip = { latents: noise(1, config.latentChannels, 8, 34), tiling: { tileSize: 17, overlap: 6 } };

  it("decodes the same where statistics are those of the whole", async () => {
    expect(network.reach).toBe(5.5);
    const { latents, tiling } = strip;
    const { pixels } = await runOnce(engine, decoder, weights, { latents });
    expect(relativeError(await decodeInTiles(network, latents, { open, tiling }), pixels!)).toBeLessThan(
      1e-4,
    );
  });

  it("encodes the same, with pixels that make no whole latent", async () => {
    const halves = traceKlEncoder(config);
    const tiling = { tileSize: 18, overlap: Math.ceil(halves.reach) };
    const pixels = noise(1, 3, 33, 142);
    const { mean } = await runOnce(engine, encoder, weights, { pixels });
    const found = await encodeInTiles(halves, pixels, { open, tiling });
    expect(relativeError(found.mean!, mean!)).toBeLessThan(1e-4);
  });

  /** Every tile for itself, with the same overlap. */
  async function decodeApart(latents: HostTensor, tiling: Tiling): Promise<HostTensor> {
    const { scale } = network;
    const [, channels, height, width] = latents.shape as [number, number, number, number];
    const whole = makeTensor([1, 3, height * scale, width * scale]);
    const session = await open(decoder);
    for (const { rows, columns } of planTiles(height, width, tiling)) {
      const size = { height: rows.to - rows.from, width: columns.to - columns.from };
      const tile = makeTensor([1, channels, size.height, size.width]);
      copyPart(latents, tile, { ...size, source: [rows.from, columns.from], target: [0, 0] });
      copyPart((await session.run({ latents: tile })).pixels!, whole, {
        height: (rows.end - rows.start) * scale,
        width: (columns.end - columns.start) * scale,
        source: [(rows.start - rows.from) * scale, (columns.start - columns.from) * scale],
        target: [rows.start * scale, columns.start * scale],
      });
    }
    await session.close();
    return whole;
  }

  it("decodes nearly the same where statistics are from part of the picture, unlike tiles for themselves", async () => {
    const latents = noise(1, config.latentChannels, 32, 32);
    // Brighter to the right, as an image of land and sky is: tiles differ in their statistics.
    const data = (latents.data as Float32Array).map((value, i) => value + 3 * ((i % 32) / 32));
    const image = { ...latents, data };
    const tiling = { tileSize: 20, overlap: 6 };
    const { pixels } = await runOnce(engine, decoder, weights, { latents: image });
    const shared = relativeError(await decodeInTiles(network, image, { open, tiling }), pixels!);
    expect(shared).toBeLessThan(0.1);
    expect(relativeError(await decodeApart(image, tiling), pixels!)).toBeGreaterThan(4 * shared);
  });

  it("stops between tiles, and refuses several pictures at once", async () => {
    const signal = AbortSignal.abort();
    const { latents, tiling } = strip;
    await expect(decodeInTiles(network, latents, { open, tiling, signal })).rejects.toMatchObject({
      code: "aborted",
    });
    const two = noise(2, config.latentChannels, 8, 8);
    await expect(decodeInTiles(network, two, { open, tiling })).rejects.toMatchObject({
      code: "shape",
      message: expect.stringContaining(
        "expected one image, f32 [1, channels, height, width], got f32 [2, 4, 8, 8]",
      ),
    });
  });
});

describe("a tiny autoencoder in tiles", async () => {
  const golden = await openGolden("tests/golden/tiny-autoencoder-usual.safetensors");
  const { weights } = golden;
  const config = readTinyAutoencoderConfig(golden.config);
  const options = { open: openWith(weights), tiling: { tileSize: 24, overlap: 9 } };

  it("decodes and encodes the same", async () => {
    const latents = noise(1, config.latentChannels, 31, 40);
    const decoder = trace((t) => ({
      pixels: decodeTiny(t.scope(), config, t.input("latents", latents.shape)),
    }));
    const { pixels } = await runOnce(engine, decoder, weights, { latents });
    const found = await decodeInTiles(traceTinyDecoder(config), latents, options);
    expect(relativeError(found, pixels!)).toBeLessThan(1e-5);

    const encoder = trace((t) => ({
      latents: encodeTiny(t.scope(), config, t.input("pixels", pixels!.shape)),
    }));
    const whole = await runOnce(engine, encoder, weights, { pixels: pixels! });
    const tiled = await encodeInTiles(traceTinyEncoder(config), pixels!, options);
    expect(relativeError(tiled.latents!, whole.latents!)).toBeLessThan(1e-5);
  });
});

describe("memory", () => {
  const config = readAutoencoderKlConfig({ block_out_channels: [128, 256, 512, 512], layers_per_block: 2 });
  const decoder = traceKlDecoder(config);
  const square = (side: number) => ({ height: side, width: side });

  it("is forecast as it was measured for Stable Diffusion's decoder", () => {
    expect(forecastMemory(decoder, square(96)) / 1e9).toBeCloseTo(3.3, 0); // 768×768: 2.7 GB, and 0.2 GB of weights
    expect(forecastMemory(decoder, square(128)) / 1e9).toBeCloseTo(5.6, 0); // 1024×1024: 5.0 GB, and 0.2 GB of weights
  });

  it("decides where there are tiles, and how large they are", () => {
    expect(getTiling(decoder, square(96))).toBeUndefined();
    const tiling = getTiling(decoder, square(256))!;
    expect(tiling.overlap).toBe(7);
    const taken = forecastMemory(decoder, square(256), tiling);
    expect(taken).toBeLessThanOrEqual(defaultMemoryLimit);
    expect(taken).toBeGreaterThan(0.9 * defaultMemoryLimit);
    expect(getTiling(decoder, square(256), 1e6)).toEqual({ tileSize: 28, overlap: 7 });
  });
});

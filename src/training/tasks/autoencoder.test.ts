// The error of half-size images is that of averaged latents, decoded, against averaged pixels.
import { afterAll, expect, it } from "vitest";
import { runRandom } from "../../../tests/support/run-random.js";
import type { HostTensors } from "../../engine/index.js";
import { makeEngine } from "../../engine/node.js";
import { type Program, trace } from "../../graph/index.js";
import {
  type AutoencoderConfig,
  autoencoderConfigs,
  decode,
  encode,
  pixelsFromBytes,
} from "../../models/index.js";
import { random } from "../../random/index.js";
import { autoencoderObjective, autoencoderScopes } from "./autoencoder.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const side = 64;
const f32 = (data: Float32Array, ...shape: number[]) => ({ dtype: "f32" as const, shape, data });

const run = (program: Program, inputs: HostTensors) => runRandom(engine, program, inputs);

/** Averages of 2×2 neighbours of `[size, size, channels]`. */
function halve(values: ArrayLike<number>, size: number, channels: number): Float32Array {
  const half = new Float32Array((size / 2) ** 2 * channels);
  for (let i = 0; i < size * size * channels; i++) {
    const [y, x, c] = [Math.floor(i / channels / size), Math.floor(i / channels) % size, i % channels];
    half[((y >> 1) * (size / 2) + (x >> 1)) * channels + c]! += values[i]! / 4;
  }
  return half;
}

/** The cells of packed latents `[size, size, 4·channels]`, side by side. */
function unpack(latents: Float32Array, size: number, channels: number): Float32Array {
  const cells = new Float32Array(latents.length);
  for (let i = 0; i < latents.length; i++) {
    const [cell, part, c] = [Math.floor(i / channels / 4), Math.floor(i / channels) % 4, i % channels];
    const [y, x] = [Math.floor(cell / size) * 2 + (part >> 1), (cell % size) * 2 + (part & 1)];
    cells[(y * size * 2 + x) * channels + c] = latents[i]!;
  }
  return cells;
}

it.each([false, true])(
  "compares half-size images with those of half-size latents (packed: %s)",
  async (packed) => {
    const network: AutoencoderConfig = {
      ...autoencoderConfigs.tiny,
      positions: 8,
      ...(packed && { packed }),
    };
    const { positions: _, ...unplaced } = network;
    const bytes = Uint8Array.from(random(1, "pixels").normals(side * side * 3), (value) => 127 + 40 * value);
    const pixels = { dtype: "u8" as const, shape: [1, side, side, 3], data: bytes };
    const loss = { l1: 0.5, latentNoise: 0, latentL2: 0, equivariance: 2 };
    const step = trace((tracer) => {
      const { loss: total, metrics } = autoencoderObjective(network, 1, side, loss)(tracer);
      return { total, ...metrics };
    });
    const found = await run(step, { pixels, noise: f32(new Float32Array(4 * 4 * 4), 1, 4, 4, 4) });
    const [squared, absolute, coarse] = [found.squared![0]!, found.absolute![0]!, found.coarse![0]!];
    expect(found.total![0]).toBeCloseTo(squared + 0.5 * absolute + 2 * coarse, 4);

    const encoder = trace((tracer) => ({
      latents: encode(
        autoencoderScopes(tracer.scope()).encoder,
        pixelsFromBytes(tracer.input("pixels", pixels.shape, "u8")),
        network,
      ),
    }));
    const { latents } = await run(encoder, { pixels });
    const cells = packed ? halve(unpack(latents!, 4, 1), 8, 1) : halve(latents!, 4, 4);
    // Half as many cells, packed again: the inverse of unpack.
    const half = packed ? pack(cells, 2, 1) : cells;
    const decoder = trace((tracer) => ({
      decoded: decode(
        autoencoderScopes(tracer.scope()).decoder,
        tracer.input("latents", [1, 2, 2, 4]),
        unplaced,
      ),
    }));
    const { decoded } = await run(decoder, { latents: f32(half, 1, 2, 2, 4) });
    const expected = halve(
      Float32Array.from(bytes, (byte) => byte / 127.5 - 1),
      side,
      3,
    );
    const mean = (error: (difference: number) => number) =>
      expected.reduce((sum, value, i) => sum + error(decoded![i]! - value), 0) / expected.length;
    const reference = mean((d) => d * d) + 0.5 * mean(Math.abs);
    expect(Math.abs(coarse - reference)).toBeLessThan(1e-4 * (1 + reference));
  },
);

function pack(cells: Float32Array, size: number, channels: number): Float32Array {
  const order = unpack(Float32Array.from(cells.keys()), size, channels);
  const packed = new Float32Array(cells.length);
  for (const [at, from] of order.entries()) packed[from] = cells[at]!;
  return packed;
}

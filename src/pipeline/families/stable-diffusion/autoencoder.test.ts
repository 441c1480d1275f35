import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openStableDiffusion } from "../../../checkpoint/node.js";
import { makeEngine } from "../../../engine/node.js";
import { random } from "../../../random/index.js";
import { f32, floats } from "../../tensors.js";
import { readAutoencoder } from "./autoencoder.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const [height, width, scale] = [8, 12, 8];

/** Columns moved to the right, those at the end to the front: [planes, rows, columns]. */
function roll(values: Float32Array, columns: number, by: number): Float32Array {
  return values.map((_, i) => {
    const x = i % columns;
    return values[i - x + ((x - by + columns) % columns)]!;
  });
}

describe("a decoder that knows no border", () => {
  it("gives pictures whose sides fit to each other: moved latents are moved pixels", async () => {
    const { vae } = await openStableDiffusion(
      fileURLToPath(new URL("../../../../tests/golden/pipelines/sd1", import.meta.url)),
    );
    const autoencoder = readAutoencoder(vae.config);
    const latents = random(1).normals(4 * height * width);
    const differences: number[] = [];
    for (const wraps of [true, false]) {
      const session = await engine.load(autoencoder.traceDecoder({ wraps }), { weights: vae.weights });
      const decode = async (values: Float32Array) =>
        floats(await session.run({ latents: f32(values, 1, 4, height, width) }), "pixels");
      const pixels = roll(await decode(latents), width * scale, 5 * scale);
      const moved = await decode(roll(latents, width, 5));
      differences.push(Math.max(...pixels.map((value, i) => Math.abs(value - moved[i]!))));
      await session.close();
    }
    expect(differences[0]).toBeLessThan(1e-4);
    expect(differences[1]).toBeGreaterThan(0.1);
  });
});

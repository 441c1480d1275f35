// The embedded model's denoiser: what preconditioning makes of its output.
import { afterAll, describe, expect, it } from "vitest";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { trace } from "../graph/index.js";
import { random } from "../random/index.js";
import { type DenoiserConfig, denoise, denoiserConfigs } from "./denoiser.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const config: DenoiserConfig = { ...denoiserConfigs.tiny, preconditioned: true };
const { latentSize: size, latentChannels: channels, textWidth } = config;
const times = [0, 0.25, 0.5, 1];
const tokens = 3;

const tensor = (name: string, shape: readonly number[], scale = 1): HostTensor => {
  const data = random(5, name)
    .normals(shape.reduce((a, b) => a * b, 1))
    .map((value) => value * scale);
  return { dtype: "f32", shape, data };
};

/** Velocities of the network with random weights; `last` scales those of its last layer. */
async function velocities(of: DenoiserConfig, latents: HostTensor, last: number): Promise<Float32Array> {
  const program = trace((t) => ({
    velocity: denoise(
      t.scope(),
      {
        latents: t.input("latents", [times.length, size, size, channels]),
        time: t.input("time", [times.length]),
        text: t.input("text", [times.length, tokens, textWidth]),
        mask: t.input("mask", [times.length, tokens]),
      },
      of,
    ),
  }));
  const weights = Object.fromEntries(
    program.parameters.map(({ name, shape }) => [
      name,
      tensor(name, shape as number[], name.startsWith("velocity.") ? last : 0.1),
    ]),
  );
  const session = await engine.load(program);
  try {
    const { velocity } = await session.run({
      ...weights,
      latents,
      time: { dtype: "f32", shape: [times.length], data: Float32Array.from(times) },
      text: tensor("text", [times.length, tokens, textWidth]),
      mask: {
        dtype: "f32",
        shape: [times.length, tokens],
        data: new Float32Array(times.length * tokens).fill(1),
      },
    });
    return velocity!.data as Float32Array;
  } finally {
    await session.close();
  }
}

describe("a preconditioned denoiser", () => {
  const latents = tensor("latents", [times.length, size, size, channels]);
  const each = size * size * channels;

  it("that says nothing gives the best linear guess of the velocity", async () => {
    const guess = await velocities(config, latents, 0);
    times.forEach((t, i) => {
      const factor = (2 * t - 1) / ((1 - t) ** 2 + t ** 2);
      for (let j = i * each; j < (i + 1) * each; j += 37)
        expect(guess[j]).toBeCloseTo(factor * (latents.data[j] as number), 5);
    });
  });

  it("sees latents of unit variance and adds its output at unit variance", async () => {
    // Where the plain network gets the same scaled latents, its velocity is this one's output.
    const variance = times.map((t) => (1 - t) ** 2 + t ** 2);
    const scaled = (latents.data as Float32Array).map(
      (x, j) => x / Math.sqrt(variance[Math.floor(j / each)]!),
    );
    const output = await velocities({ ...config, preconditioned: false }, { ...latents, data: scaled }, 0.1);
    const velocity = await velocities(config, latents, 0.1);
    for (let j = 0; j < velocity.length; j += 37) {
      const [t, v] = [times[Math.floor(j / each)]!, variance[Math.floor(j / each)]!];
      const expected = ((2 * t - 1) / v) * (latents.data[j] as number) + output[j]! / Math.sqrt(v);
      expect(Math.abs(velocity[j]! - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
    }
  });
});

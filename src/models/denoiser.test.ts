// The embedded model's denoiser: what preconditioning makes of its output.
import { afterAll, describe, expect, it } from "vitest";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { trace } from "../graph/index.js";
import { random } from "../random/index.js";
import { type DenoiserConfig, denoise, denoiserConfigs } from "./denoiser.js";
import { drawPlacement, placementChannels } from "./placement.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const config: DenoiserConfig = { ...denoiserConfigs.tiny, preconditioned: true };
const { latentSize: size, latentChannels: channels, textWidth } = config;
const times = [0, 0.25, 0.5, 1];
const tokens = 3;

/** Weights by name that are not random: zeros. */
type Silent = (name: string) => boolean;

const tensor = (name: string, shape: readonly number[], scale = 1): HostTensor => {
  const data = random(5, name)
    .normals(shape.reduce((a, b) => a * b, 1))
    .map((value) => value * scale);
  return { dtype: "f32", shape, data };
};

/** The same map for every time. */
function repeated(map: Float32Array<ArrayBuffer>): HostTensor {
  const data = new Float32Array(map.length * times.length);
  for (let i = 0; i < times.length; i++) data.set(map, i * map.length);
  return { dtype: "f32", shape: [times.length, size, size, placementChannels], data };
}

/** Velocities of the network with random weights; `last` scales those of its last layer. */
async function velocities(
  of: DenoiserConfig,
  latents: HostTensor,
  last: number,
  silent: Silent = () => false,
  map?: Float32Array<ArrayBuffer>,
): Promise<Float32Array> {
  const program = trace((t) => ({
    velocity: denoise(
      t.scope(),
      {
        latents: t.input("latents", [times.length, size, size, channels]),
        time: t.input("time", [times.length]),
        text: t.input("text", [times.length, tokens, textWidth]),
        mask: t.input("mask", [times.length, tokens]),
        placement: map && t.input("placement", [times.length, size, size, placementChannels]),
      },
      of,
    ),
  }));
  const weights = Object.fromEntries(
    program.parameters.map(({ name, shape }) => [
      name,
      tensor(name, shape as number[], silent(name) ? 0 : name.startsWith("velocity.") ? last : 0.1),
    ]),
  );
  const session = await engine.load(program);
  try {
    const { velocity } = await session.run({
      ...weights,
      latents,
      ...(map && { placement: repeated(map) }),
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

describe("fine stages", () => {
  const plain: DenoiserConfig = denoiserConfigs.tiny;
  const fine: DenoiserConfig = { ...plain, fine: { width: 8, down: 1, up: 2 } };
  const latents = tensor("latents", [times.length, size, size, channels]);

  it("leave a trained network as it was until they have learned something", async () => {
    const without = await velocities(plain, latents, 0.1);
    const ends = /^fine\.(fold|velocity)\./;
    expect(await velocities(fine, latents, 0.1, (name) => ends.test(name))).toEqual(without);
    const heard = await velocities(fine, latents, 0.1, (name) => name.startsWith("fine.velocity."));
    expect(heard).not.toEqual(without);
  });

  it("begin with zeros where they join the trunk and at their end", () => {
    const { parameters } = trace((t) => ({
      velocity: denoise(
        t.scope(),
        {
          latents: t.input("latents", [1, size, size, channels]),
          time: t.input("time", [1]),
          text: t.input("text", [1, tokens, textWidth]),
          mask: t.input("mask", [1, tokens]),
        },
        fine,
      ),
    }));
    for (const name of ["fine.fold.weight", "fine.velocity.weight", "velocity.weight"])
      expect(parameters.find((each) => each.name === name)?.init.kind).toBe("zeros");
  });

  it("tell neighbouring cells apart that the trunk folds into one", async () => {
    // Two latents whose folded cells hold the same numbers at other places: only a finer grid draws them with other outlines.
    const velocity = await velocities(fine, latents, 0, (name) => /^fine\.(fold|grow)\./.test(name));
    const moved = { ...latents, data: Float32Array.from(latents.data as Float32Array) };
    moved.data[0] = moved.data[0]! + 1;
    const other = await velocities(fine, moved, 0, (name) => /^fine\.(fold|grow)\./.test(name));
    const differs = (x: number) => velocity[x * channels] !== other[x * channels];
    expect([0, 1, size - 1].map(differs)).toEqual([true, true, false]);
  });
});

describe("a placement", () => {
  const seeing: DenoiserConfig = {
    ...denoiserConfigs.tiny,
    placement: true,
    fine: { width: 8, down: 1, up: 1 },
  };
  const latents = tensor("latents", [times.length, size, size, channels]);

  it("that is unknown changes nothing, and one that is known does, through trunk and fine stages alike", async () => {
    const without = await velocities({ ...seeing, placement: false }, latents, 0.1);
    const map = new Float32Array(size * size * placementChannels);
    const unknown = await velocities(seeing, latents, 0.1, undefined, map);
    expect(unknown).toEqual(without);
    drawPlacement([{ x: 0.5, y: 0.5, size: 0.5, which: 0 }], size, map);
    for (const stem of ["placement.trunk.", "fine.placement."]) {
      const told = await velocities(seeing, latents, 0.1, (name) => name.startsWith(stem), map);
      expect(told).not.toEqual(without);
    }
  });

  it("gives the later of two things that overlap the cells of both", () => {
    const map = new Float32Array(16 * placementChannels);
    const all = { x: 0.5, y: 0.5, size: 1, which: 1 };
    drawPlacement([all, { x: 0.25, y: 0.25, size: 0.5, which: -1 }], 4, map);
    expect([...map.subarray(0, placementChannels)]).toEqual([1, 1, -0.5, -0.5, 0, -1]);
    expect(map[15 * placementChannels + 5]).toBe(1);
  });
});

it("a network that gives the clean latents has the velocity that leads there", async () => {
  const latents = tensor("latents", [times.length, size, size, channels]);
  const clean = await velocities(denoiserConfigs.tiny, latents, 0.1);
  const velocity = await velocities({ ...denoiserConfigs.tiny, predicts: "clean" }, latents, 0.1);
  const each = size * size * channels;
  for (let j = 0; j < velocity.length; j += 37) {
    const t = Math.max(0.05, times[Math.floor(j / each)]!);
    const expected = ((latents.data[j] as number) - clean[j]!) / t;
    expect(Math.abs(velocity[j]! - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
  }
});

// Regions begin as the plain mean of the words, part the words when their scores differ, and learn by their gradients.
import { afterAll, describe, expect, it } from "vitest";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { gradients, mean, square, type Tensor, type Tracer, trace } from "../graph/index.js";
import { random } from "../random/index.js";
import { type DenoiserConfig, denoise, denoiserConfigs } from "./denoiser.js";
import { strayed } from "./word-regions.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const plain: DenoiserConfig = denoiserConfigs.tiny;
const config: DenoiserConfig = { ...plain, regions: { side: 4, width: 8 } };
const { latentSize: size, latentChannels: channels, textWidth } = config;
const [batch, tokens, cells] = [3, 5, 16];

const tensor = (name: string, shape: readonly number[], scale = 1): HostTensor => {
  const data = random(5, name)
    .normals(shape.reduce((a, b) => a * b, 1))
    .map((value) => value * scale);
  return { dtype: "f32", shape, data };
};

const inputs: HostTensors = {
  latents: tensor("latents", [batch, size, size, channels]),
  time: { dtype: "f32", shape: [batch], data: Float32Array.of(1, 0.5, 0.2) },
  text: tensor("text", [batch, tokens, textWidth]),
  // A whole caption, a short one, none.
  mask: {
    dtype: "f32",
    shape: [batch, tokens],
    data: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
  },
};

const declare = (tracer: Tracer) => ({
  latents: tracer.input("latents", [batch, size, size, channels]),
  time: tracer.input("time", [batch]),
  text: tracer.input("text", [batch, tokens, textWidth]),
  mask: tracer.input("mask", [batch, tokens]),
});

/** Runs a program with random weights; those of `zero` are 0. */
async function run(
  outputs: (tracer: Tracer) => Readonly<Record<string, Tensor>>,
  { zero = /^$/, given = {} }: { readonly zero?: RegExp; readonly given?: HostTensors } = {},
): Promise<Record<string, Float32Array>> {
  const program = trace(outputs);
  const weights = program.parameters.map(({ name, shape }) => {
    return [name, tensor(name, shape as number[], zero.test(name) ? 0 : 0.1)] as const;
  });
  const session = await engine.load(program);
  try {
    const found = await session.run({ ...Object.fromEntries(weights), ...inputs, ...given });
    return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
  } finally {
    await session.close();
  }
}

const withRegions = (tracer: Tracer) => {
  const velocity = denoise(tracer.scope(), declare(tracer), config);
  return { velocity, shares: tracer.recorded.get("regions.shares")! };
};
/** What begins at zero: the cells' queries, and what they add to the condition. */
const queries = /^regions\.cells\.query\.2\.|^condition\.place\./;

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe("a denoiser with regions", () => {
  it("begins as the one without: every cell has the mean of all words", async () => {
    const { velocity: before } = await run((t) => ({ velocity: denoise(t.scope(), declare(t), plain) }));
    const { velocity, shares } = await run(withRegions, { zero: queries });
    expect(farthest(velocity!, before!)).toBeLessThan(1e-5);
    expect(Math.max(...before!.map(Math.abs))).toBeGreaterThan(0.1);
    const row = (image: number, cell: number) =>
      [...shares!.subarray((image * cells + cell) * tokens, (image * cells + cell + 1) * tokens)].map(
        (share) => Math.round(share * 1e5) / 1e5,
      );
    for (const cell of [0, 7, 15]) {
      expect(row(0, cell)).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
      expect(row(1, cell)).toEqual([0.5, 0.5, 0, 0, 0]);
      expect(row(2, cell)).toEqual([0, 0, 0, 0, 0]);
    }
  });

  it("gives cells words of their own once they ask for them, padding never", async () => {
    const { shares } = await run(withRegions);
    for (let cell = 0; cell < cells; cell++) {
      const whole = shares!.subarray(cell * tokens, (cell + 1) * tokens);
      expect(whole.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      const short = shares!.subarray((cells + cell) * tokens, (cells + cell + 1) * tokens);
      expect([...short.subarray(2)]).toEqual([0, 0, 0]);
    }
    expect(farthest(shares!.slice(0, tokens), shares!.slice(tokens * 5, tokens * 6))).toBeGreaterThan(1e-3);
  });

  it("has the gradients of finite differences", async () => {
    const watched = ["regions.cells.query.2.weight", "regions.words.position", "condition.text.0.weight"];
    const elsewhere = tensor("elsewhere", [batch, cells, tokens]);
    const marks = { ...elsewhere, data: (elsewhere.data as Float32Array).map((z) => Number(z > 1)) };
    const objective = (tracer: Tracer) => {
      const velocity = denoise(tracer.scope(), declare(tracer), config);
      const marked = tracer.input("elsewhere", [batch, cells, tokens]);
      return { velocity, shares: tracer.recorded.get("regions.shares")!, marked };
    };
    const given = { elsewhere: marks };
    const analytic = await run(
      (tracer) => {
        const { velocity, shares, marked } = objective(tracer);
        const found = watched.map(
          (name) => tracer.parameters.find((parameter) => parameter.name === name)!.tensor,
        );
        const a = gradients(mean(square(velocity)), found);
        const b = gradients(strayed(shares, marked), found.slice(0, 2));
        return Object.fromEntries([...a, ...b].map((each, i) => [`gradient${i}`, each]));
      },
      { given },
    );
    // The losses are summed here in double precision, so that rounding comes from the network alone.
    const losses = {
      loss: ({ velocity }: Record<string, Float32Array>) => meanOf([...velocity!].map((v) => v * v)),
      stray: ({ shares }: Record<string, Float32Array>) =>
        meanOf(
          Array.from({ length: batch * cells }, (_, cell) => {
            let lost = 0;
            for (let i = cell * tokens; i < (cell + 1) * tokens; i++) lost += shares![i]! * marks.data[i]!;
            return -Math.log(1 - 0.99 * lost);
          }),
        ),
    };
    const outputs = (tracer: Tracer) => {
      const { velocity, shares } = objective(tracer);
      return { velocity, shares };
    };
    const parameters = trace(outputs).parameters;
    for (const [i, of] of (["loss", "loss", "loss", "stray", "stray"] as const).entries()) {
      const name = watched[i % 3]!;
      const { shape } = parameters.find((parameter) => parameter.name === name)!;
      const at = tensor(name, shape as number[], 0.1);
      const direction = random(9, name).normals(at.data.length);
      const epsilon = 0.3 / Math.hypot(...direction);
      const shifted = async (sign: number) => {
        const data = (at.data as Float32Array).map((value, j) => value + sign * epsilon * direction[j]!);
        return losses[of](await run(outputs, { given: { ...given, [name]: { ...at, data } } }));
      };
      const [above, below] = [await shifted(1), await shifted(-1)];
      const numeric = (above - below) / (2 * epsilon);
      const along = analytic[`gradient${i}`]!.reduce((sum, value, j) => sum + value * direction[j]!, 0);
      // The network rounds each number by up to some 64 units of float32; in a mean of n their sum grows as √n.
      const n = of === "loss" ? batch * size * size * channels : batch * cells;
      const rounding = (64 * 2 ** -24 * Math.abs(above)) / Math.sqrt(n) / epsilon;
      expect(Math.abs(along - numeric), `${of} by ${name}`).toBeLessThan(0.02 * Math.abs(numeric) + rounding);
      // A wrong gradient would be seen: what is compared is well above the rounding.
      expect(Math.abs(numeric), `${of} by ${name}`).toBeGreaterThan(5 * rounding);
    }
  });
});

describe("strayed", () => {
  it("is 0 where no word is out of place, and grows with the share of those that are", async () => {
    const of = async (values: number[]) => {
      const program = trace((t) => {
        return { loss: strayed(t.input("shares", [1, 2, 2]), t.input("elsewhere", [1, 2, 2])) };
      });
      const session = await engine.load(program);
      const input = (data: number[]): HostTensor => ({
        dtype: "f32",
        shape: [1, 2, 2],
        data: Float32Array.from(data),
      });
      const { loss } = await session.run({ shares: input(values), elsewhere: input([0, 1, 1, 0]) });
      await session.close();
      return loss!.data[0] as number;
    };
    expect(await of([1, 0, 0, 1])).toBeCloseTo(0, 6);
    expect(await of([0.5, 0.5, 0.5, 0.5])).toBeCloseTo(-Math.log(1 - 0.99 / 2), 5);
    expect(await of([0, 1, 1, 0])).toBeCloseTo(-Math.log(0.01), 4);
  });
});

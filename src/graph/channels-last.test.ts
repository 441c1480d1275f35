// Winograd's convolutions and channels-last programs against the same programs as they are written.
import { afterAll, describe, expect, it } from "vitest";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { random } from "../random/index.js";
import { toChannelsLast } from "./channels-last.js";
import {
  add,
  concat,
  constant,
  conv2d,
  convChannelsLast,
  crop,
  type Dim,
  getUsualSizes,
  gradients,
  groupNorm,
  lowerProgram,
  mean,
  mul,
  type Program,
  reshape,
  silu,
  slice,
  type Tensor,
  trace,
  transpose,
  upsampleNearest2d,
} from "./index.js";
import { convWinograd, type WinogradOptions } from "./ops/winograd.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const normals = (name: string, ...shape: number[]): HostTensor => ({
  dtype: "f32",
  shape,
  data: random(1, name).normals(shape.reduce((a, b) => a * b, 1)),
});

/** Largest difference, relative to the largest expected value. */
function errorOf(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const values = expected.data as Float32Array;
  let [error, largest] = [0, 0];
  values.forEach((value, i) => {
    error = Math.max(error, Math.abs((actual.data[i] as number) - value));
    largest = Math.max(largest, Math.abs(value));
  });
  return error / largest;
}

async function run(program: Program, inputs: HostTensors, usualSizes?: Record<string, number>) {
  await using session = await engine.load(program, usualSizes ? { usualSizes } : {});
  return session.run(inputs);
}

// Float32 rounds to 6 · 10⁻⁸; transforms of tiles of 4 amplify sums of 12 × 9 products by less than 10.
const tolerance = { 2: 2e-6, 4: 1e-5 } as const;

describe("a Winograd convolution", () => {
  const [inner, out] = [12, 8];
  const lastOrder = [0, 2, 3, 1];
  const build = (options: { tile: 2 | 4; padding: WinogradOptions["padding"]; bands?: number }) =>
    trace((t) => {
      const x = t.input("x", ["batch", inner, "height", "width"]);
      const w = t.input("w", [out, inner, 3, 3]);
      const fast = convWinograd(transpose(x, lastOrder), w, options);
      return { direct: conv2d(x, w, { padding: options.padding }), fast: transpose(fast, [0, 3, 1, 2]) };
    });

  it.each([
    { tile: 2, padding: [1, 1, 1, 1], sizes: [2, 8, 6] },
    { tile: 2, padding: [1, 1, 1, 1], sizes: [1, 5, 7], bands: 2 },
    { tile: 4, padding: [1, 1, 1, 1], sizes: [2, 8, 12] },
    { tile: 4, padding: [1, 1, 1, 1], sizes: [1, 9, 5], bands: 2 },
    { tile: 4, padding: [1, 1, 1, 1], sizes: [1, 21, 3], bands: 4 },
    { tile: 4, padding: [1, 1, 1, 1], sizes: [1, 1, 1], bands: 3 },
    { tile: 4, padding: [0, 0, 0, 0], sizes: [1, 3, 6] },
    { tile: 4, padding: [0, 2, 1, 0], sizes: [1, 7, 6] },
  ] as const)("in tiles of $tile of $sizes, padding $padding, $bands bands", async (given) => {
    const [batch, height, width] = given.sizes;
    const program = build({ tile: given.tile, padding: given.padding, ...("bands" in given && given) });
    const inputs = { x: normals("x", batch, inner, height, width), w: normals("w", out, inner, 3, 3) };
    const { direct, fast } = await run(program, inputs);
    expect(errorOf(fast!, direct!)).toBeLessThan(tolerance[given.tile]);
  });

  it("reads an enlarged and cropped image from its source", async () => {
    const program = trace((t) => {
      const x = t.input("x", [1, inner, "h", "w"]);
      const w = t.input("w", [out, inner, 3, 3]);
      const large = crop(upsampleNearest2d(x, 2), 2, "h*2+-1");
      const last = convWinograd(transpose(x, lastOrder), w, {
        ...{ tile: 4, padding: [1, 1, 1, 1], upsample: 2, size: large.shape.slice(2) as [Dim, Dim] },
      });
      return { direct: conv2d(large, w, { padding: 1 }), fast: transpose(last, [0, 3, 1, 2]) };
    });
    const inputs = { x: normals("x", 1, inner, 4, 3), w: normals("w", out, inner, 3, 3) };
    const { direct, fast } = await run(program, inputs);
    expect(errorOf(fast!, direct!)).toBeLessThan(tolerance[4]);
  });
});

const width = 96;

/** What published networks are made of, at two sizes. */
function network(size: readonly [Dim, Dim, Dim]): Program {
  return trace((t) => {
    const parameter = (name: string, ...shape: number[]) => t.scope().parameter(name, shape);
    const filter = (name: string, x: Tensor, out = width, kernel = 3) =>
      conv2d(x, parameter(name, out, x.shape[1] as number, kernel, kernel), {
        padding: (kernel - 1) / 2,
        bias: parameter(`${name}.bias`, out),
      });
    const [batch, height, across] = size;
    const x = filter("in", t.input("x", [batch, 4, height, across]));
    const norm = (image: Tensor) => groupNorm(image, 4, parameter("scale", width), parameter("shift", width));
    const shift = reshape(t.input("time", [batch, width]), [batch, width, 1, 1]);
    const hidden = add(filter("one", silu(norm(x))), shift);
    const places = transpose(reshape(norm(hidden), [batch, width, -1]), [0, 2, 1]);
    const mixed = reshape(transpose(mul(places, 2), [0, 2, 1]), hidden.shape);
    const down = conv2d(add(mixed, x), parameter("down", width, width, 3, 3), { stride: 2, padding: 1 });
    const wide = concat([down, slice(filter("mix", down, width, 1), 1, 0, 16)], 1);
    const large = upsampleNearest2d(filter("two", wide), 2);
    const cropped = crop(crop(large, 2, x.shape[2]!), 3, x.shape[3]!);
    const joined = concat([filter("up", cropped), hidden], 1);
    return { y: filter("out", filter("three", joined), 4), hidden, large };
  });
}

const shapes = {
  in: [width, 4],
  one: [width, width],
  mix: [width, width, 1],
  two: [width, 112],
  up: [width, width],
  three: [width, 2 * width],
};
const inputsOf = (batch: number, height: number, across: number): HostTensors => {
  const weights = Object.entries({ ...shapes, out: [4, width], down: [width, width] }).flatMap(
    ([name, [out, inner, kernel = 3]]) => {
      const weight = normals(name, out!, inner!, kernel, kernel);
      const scale = 1 / Math.sqrt(inner! * kernel * kernel);
      const data = (weight.data as Float32Array).map((value) => value * scale);
      const bias = name === "down" ? [] : [[`${name}.bias`, normals(`${name}.bias`, out!)] as const];
      return [[name, { ...weight, data }] as const, ...bias];
    },
  );
  const affine = { scale: normals("scale", width), shift: normals("shift", width) };
  const values = { x: normals("x", batch, 4, height, across), time: normals("time", batch, width) };
  return { ...Object.fromEntries(weights), ...affine, ...values };
};

describe("a channels-last program", () => {
  const usualSizes = { batch: 2, height: 80, across: 96 };

  it.each([
    [2, 40, 48],
    [1, 13, 17],
    [3, 4, 4],
  ])("gives the values of the program as written, with %i × %i × %i", async (...sizes) => {
    const program = network(["batch", "height", "across"]);
    const inputs = inputsOf(...sizes);
    const [expected, actual] = [await run(program, inputs), await run(program, inputs, usualSizes)];
    for (const name of ["y", "hidden", "large"])
      expect(errorOf(actual[name]!, expected[name]!)).toBeLessThan(1e-5);
  });

  it("serves fixed sizes, too, and gives the same bytes whatever the number of threads", async () => {
    const program = network([1, 44, 40]);
    const inputs = inputsOf(1, 44, 40);
    const { y } = await run(program, inputs, {});
    expect(errorOf(y!, (await run(program, inputs)).y!)).toBeLessThan(1e-5);
    await using wider = makeEngine({ device: "cpu", threads: 3 });
    await using session = await wider.load(program, { usualSizes: {} });
    expect((await session.run(inputs)).y!.data).toEqual(y!.data);
  });

  it("keeps names, shapes and order, and transposes at its ends and around other operations only", () => {
    const program = network(["batch", "height", "across"]);
    const last = toChannelsLast(program, usualSizes);
    const describe = ({ name, tensor }: { name: string; tensor: Tensor }) => [name, tensor.shape];
    for (const list of ["inputs", "parameters", "outputs"] as const)
      expect(last[list].map(describe)).toEqual(program[list].map(describe));
    const reached = new Set<string>();
    const stack = last.outputs.slice(0, 1).map(({ tensor }) => tensor.node);
    const transposes = new Set<number>();
    for (let node = stack.pop(); node; node = stack.pop()) {
      reached.add(node.op.name);
      if (node.op.name === "transpose") transposes.add(node.id);
      stack.push(...node.inputs.map((input) => input.node));
    }
    expect(reached).toContain("winogradWeights");
    expect(reached).not.toContain("groupNorm");
    // After the first convolution, before and after the strided one, before the last.
    expect(transposes.size).toBe(4);
  });

  it("gets its usual sizes from its image", () => {
    const program = trace((t) => ({ y: t.input("x", ["n", 3, "h*8", 9]), other: t.input("z", ["m"]) }));
    expect(getUsualSizes(program, { batch: 2, height: 64, width: 9 })).toEqual({ n: 2, h: 8 });
  });

  it("leaves a program alone whose weights are computed, and one without usual sizes", () => {
    const computed = trace((t) => {
      const weight = mul(
        t.scope().parameter("w", [96, 96, 3, 3]),
        constant(t.graph, Float32Array.of(2), [1]),
      );
      return { y: conv2d(t.input("x", [1, 96, 64, 64]), weight, { padding: 1 }) };
    });
    const nodes = (usualSizes?: Record<string, number>) =>
      lowerProgram(computed, { target: "cpu", ...(usualSizes && { usualSizes }) }).nodeCount;
    expect(nodes({})).toBe(nodes());
  });
});

describe("a training program", () => {
  const [batch, side, inner, out] = [4, 18, 96, 112];
  const program = trace((t) => {
    const x = t.input("x", [batch, side, side, inner]);
    const [w, bias] = [t.input("w", [out, 3, 3, inner]), t.input("bias", [out])];
    const other = t.input("other", [out, 1, 1, out]);
    const y = convChannelsLast(silu(convChannelsLast(x, w, bias)), other);
    const loss = mean(mul(y, t.input("g", [batch, side, side, out])));
    const [dx, dw, dbias] = gradients(loss, [x, w, bias]);
    return { y, dx: dx!, dw: dw!, dbias: dbias! };
  });
  const inputs = {
    x: normals("x", batch, side, side, inner),
    w: normals("w", out, 3, 3, inner),
    bias: normals("bias", out),
    other: normals("other", out, 1, 1, out),
    g: normals("g", batch, side, side, out),
  };

  it("gives the same values and gradients", async () => {
    const [expected, actual] = [await run(program, inputs), await run(program, inputs, {})];
    for (const name of ["y", "dx", "dw", "dbias"])
      expect(errorOf(actual[name]!, expected[name]!)).toBeLessThan(2e-5); // one convolution after another
    const last = toChannelsLast(program, {});
    const names = new Set(last.graph.nodes.map(({ op }) => op.name));
    expect(names).toContain("winogradTiles");
  });
});

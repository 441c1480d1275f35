// An image's bytes may not depend on the number of threads or on the images beside it: every operation that networks
// are drawn with, weights stored as they are in a model, with one thread and two, alone and in a batch of three.
// Products of two operands that are both computed at run time are not among them: ONNX Runtime cuts those by the number
// of threads, and sums in another order for some sizes (seen at [77, 333] × [333, 129]).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openWeights, type Weights, writeSafetensors } from "../src/checkpoint/node.js";
import type { Engine } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import type { Tensor } from "../src/graph/index.js";
import * as g from "../src/graph/index.js";
import { makeUniform } from "./operations/check.js";

const engines = [1, 2].map((threads) => makeEngine({ device: "cpu", threads }));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-bytes-"));
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await rm(folder, { recursive: true });
});

interface Row {
  readonly name: string;
  /** Of one image, without the batch. */
  readonly x: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  build(x: Tensor, weights: Readonly<Record<string, Tensor>>): Tensor;
}

const rows: readonly Row[] = [
  {
    name: "linear",
    x: [77, 192],
    weights: { w: [96, 192], b: [96] },
    build: (x, { w, b }) => g.linear(x, w!, b),
  },
  { name: "a narrow linear", x: [64, 333], weights: { w: [40, 333] }, build: (x, { w }) => g.linear(x, w!) },
  {
    name: "linear of one row",
    x: [1, 256],
    weights: { w: [384, 256], b: [384] },
    build: (x, { w, b }) => g.linear(x, w!, b),
  },
  { name: "matmul", x: [77, 200], weights: { w: [200, 129] }, build: (x, { w }) => g.matmul(x, w!) },
  {
    name: "conv2d 3×3",
    x: [16, 16, 16],
    weights: { w: [24, 16, 3, 3] },
    build: (x, { w }) => g.conv2d(x, w!, { padding: 1 }),
  },
  {
    name: "conv2d 1×1",
    x: [64, 12, 12],
    weights: { w: [32, 64, 1, 1] },
    build: (x, { w }) => g.conv2d(x, w!),
  },
  {
    name: "conv2d with stride",
    x: [32, 17, 17],
    weights: { w: [33, 32, 3, 3] },
    build: (x, { w }) => g.conv2d(x, w!, { padding: 1, stride: 2 }),
  },
  {
    name: "depthwise conv2d",
    x: [24, 12, 12],
    weights: { w: [24, 1, 3, 3] },
    build: (x, { w }) => g.conv2d(x, w!, { padding: 1, groups: 24 }),
  },
  {
    name: "convChannelsLast",
    x: [12, 12, 24],
    weights: { w: [20, 3, 3, 24], b: [20] },
    build: (x, { w, b }) => g.convChannelsLast(x, w!, b),
  },
  {
    name: "attention",
    x: [77, 80],
    weights: { w: [240, 80], b: [240] },
    build: (x, { w, b }) => {
      const [q, k, v] = g.split(g.linear(x, w!, b), 2, 3) as [Tensor, Tensor, Tensor];
      return g.attention(q, k, v, { heads: 2 });
    },
  },
  {
    name: "groupNorm",
    x: [16, 9, 9],
    weights: { w: [16], b: [16] },
    build: (x, { w, b }) => g.groupNorm(x, 4, w!, b!),
  },
  {
    name: "layerNorm",
    x: [77, 96],
    weights: { w: [96], b: [96] },
    build: (x, { w, b }) => g.layerNorm(x, { weight: w, bias: b }),
  },
  { name: "rmsNorm", x: [77, 96], weights: { w: [96] }, build: (x, { w }) => g.rmsNorm(x, { weight: w }) },
  { name: "softmax", x: [77, 77], weights: {}, build: (x) => g.softmax(x) },
  {
    name: "elementwise functions",
    x: [77, 33],
    weights: {},
    build: (x) =>
      g.add(g.add(g.geluTanh(x), g.gelu(x)), g.add(g.silu(x), g.mul(g.tanh(x), g.add(g.exp(x), g.sin(x))))),
  },
  {
    name: "enlarging",
    x: [8, 9, 9],
    weights: {},
    build: (x) => g.add(g.upsampleNearest2d(x, 2), g.upsampleBilinear2d(x, 2)),
  },
];

const uniform = makeUniform(11);
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const random = (shape: readonly number[]) =>
  Float32Array.from({ length: sizeOf(shape) }, () => uniform() * 2 - 1);

async function storeWeights({ weights }: Row): Promise<Weights> {
  const file = join(folder, "weights.safetensors");
  const tensors = Object.entries(weights).map(([name, shape]) => ({
    name,
    dtype: "f32" as const,
    shape,
    data: random(shape),
  }));
  await writeSafetensors(file, tensors);
  return openWeights(file);
}

/** The first image's result in a batch whose images differ. */
async function draw(engine: Engine, row: Row, weights: Weights, pixels: Float32Array, batch: number) {
  const program = g.trace((t) => {
    const scope = t.scope();
    const parameters = Object.entries(row.weights).map(([name, shape]) => [
      name,
      scope.parameter(name, shape),
    ]);
    return { y: row.build(t.input("x", [batch, ...row.x]), Object.fromEntries(parameters)) };
  });
  const session = await engine.load(program, { weights });
  const data = pixels.slice(0, batch * sizeOf(row.x));
  const [first, second] = [0, 1].map(() =>
    session.run({ x: { dtype: "f32", shape: [batch, ...row.x], data } }),
  );
  const [y, again] = [(await first!).y!.data, (await second!).y!.data];
  expect(again).toEqual(y);
  await session.close();
  return y.slice(0, y.length / batch);
}

it.each(rows)(
  "$name gives the same bytes with one thread and two, alone and in a batch",
  async (row) => {
    const weights = await storeWeights(row);
    const pixels = random([3, ...row.x]);
    const [one, two] = engines as [Engine, Engine];
    const wanted = await draw(one, row, weights, pixels, 1);
    expect(await draw(two, row, weights, pixels, 1), "two threads").toEqual(wanted);
    expect(await draw(one, row, weights, pixels, 3), "a batch of three").toEqual(wanted);
    expect(await draw(two, row, weights, pixels, 3), "both").toEqual(wanted);
  },
  300_000,
);

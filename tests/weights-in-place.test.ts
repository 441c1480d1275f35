// Weights that stay in their file and are widened at every run: which of them, and that they give the same numbers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { float32ToF16 } from "../src/checkpoint/index.js";
import { openWeights, type TensorSource, writeSafetensors } from "../src/checkpoint/node.js";
import type { HostTensor, WeightPlaces } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import {
  add,
  addProduct,
  constant,
  conv2d,
  gather,
  linear,
  lowerProgram,
  matmul,
  reshape,
  type StoredParameter,
  trace,
} from "../src/graph/index.js";
import { makeUniform } from "./operations/check.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-in-place-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const width = 1024;
const shapes: Readonly<Record<string, readonly number[]>> = {
  table: [width, width],
  "conv.weight": [width, width, 1, 1],
  "plain.weight": [width, width],
  "plain.bias": [width],
  "changed.weight": [width, width],
  "adapted.weight": [width, width],
  up: [width, 4],
  down: [4, width],
};

const uniform = makeUniform(5);
const numbers = (size: number) => Float32Array.from({ length: size }, () => (uniform() - 0.5) / 16);

/** A table, a 1×1 convolution, a layer with its bias, one of which something is computed, and one that a LoRA changes. */
const network = trace((t) => {
  const given = (name: string) => t.scope().parameter(name, shapes[name] as number[]);
  const rows = gather(given("table"), t.input("ids", ["n"], "i64")); // [n, width]
  const image = conv2d(reshape(rows, [-1, width, 1, 1]), given("conv.weight")); // [n, width, 1, 1]
  const y = linear(reshape(image, [-1, width]), given("plain.weight"), given("plain.bias"));
  const z = linear(y, add(given("changed.weight"), matmul(given("up"), given("down"))));
  const [up, down] = [
    constant(t.graph, numbers(4 * width), [width, 4]),
    constant(t.graph, numbers(4 * width), [4, width]),
  ];
  return { y: linear(z, addProduct(given("adapted.weight"), up, down, 0.5)) };
});

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const values = Object.entries(shapes).map(([name, shape]) => {
  return { name, shape, data: numbers(sizeOf(shape)) };
});
const inputs: Record<string, HostTensor> = {
  ids: { dtype: "i64", shape: [3], data: BigInt64Array.from([1023n, 0n, 7n]) },
};

async function write(dtype: "f32" | "f16" | "i8"): Promise<WeightPlaces> {
  const tensors = values.flatMap(({ name, shape, data }): TensorSource[] => {
    if (dtype === "f32") return [{ name, dtype, shape, data }];
    if (dtype === "f16") return [{ name, dtype, shape, data: float32ToF16(data) }];
    const scale = new Float32Array(shape[0]!).fill(1 / 16 / 127);
    return [
      { name, dtype, shape, data: Int8Array.from(data, (value) => Math.round(value * 16 * 127)) },
      { name: `${name}.scale`, dtype: "f32", shape: [shape[0]!], data: scale },
    ];
  });
  const path = join(folder, `${dtype}.safetensors`);
  await writeSafetensors(path, tensors);
  return openWeights(path);
}

it.each(["f32", "f16", "i8"] as const)(
  "%s weights that stay in their file give the same numbers",
  async (dtype) => {
    const weights = await write(dtype);
    const [stay, prepared] = await Promise.all([
      engine.load(network, { weights, inPlace: true }),
      engine.load(network, { weights }),
    ]);
    expect(stay.inputs.map(({ name }) => name)).toEqual(["ids"]);
    const [found, expected] = [await stay.run(inputs), await prepared.run(inputs)];
    const wanted = expected.y!.data as Float32Array;
    const most = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(most).toBeGreaterThan(0.001);
    (found.y!.data as Float32Array).forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-5 * most);
    });
    await Promise.all([stay.close(), prepared.close()]);
  },
);

it("are the large ones of which nothing else is computed", () => {
  const stored = new Map(
    values.map(({ name, data }): [string, StoredParameter] => [
      name,
      { dtype: "f16", file: "a", offset: 0, length: 2 * data.length },
    ]),
  );
  const lower = (inPlace: boolean) => lowerProgram(network, { target: "cpu", stored, inPlace }).onnx;
  // An initializer that stays is named among the inputs as well.
  const named = (name: string) => {
    const count = (bytes: Uint8Array) =>
      new TextDecoder("latin1").decode(bytes).split(`${name}/stored`).length;
    return count(lower(true)) - count(lower(false));
  };
  expect(Object.fromEntries(Object.keys(shapes).map((name) => [name, named(name)]))).toEqual({
    table: 1,
    "conv.weight": 1,
    "plain.weight": 1,
    "plain.bias": 0,
    "changed.weight": 0,
    "adapted.weight": 1,
    up: 0,
    down: 0,
  });
});

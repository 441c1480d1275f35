// Weights in files that every run reads, so that none are widened or kept when a session is made: those of Winograd's
// convolutions, which are transformed, and of feed-forward layers in blocks of rows.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { float32ToF16 } from "../src/checkpoint/index.js";
import { openWeights, type TensorSource, writeSafetensors } from "../src/checkpoint/node.js";
import type { HostTensor, WeightPlaces } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { chooseForm } from "../src/graph/convolution-table.js";
import {
  addProduct,
  constant,
  conv2d,
  gelu,
  linear,
  lowerProgram,
  mul,
  reshape,
  type StoredParameter,
  split,
  type Tensor,
  trace,
  transpose,
} from "../src/graph/index.js";
import { convWinograd } from "../src/graph/ops/winograd.js";
import { random } from "../src/random/index.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-winograd-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const [inner, out, side] = [96, 112, 40];
const normals = (name: string, size: number, scale = 1) =>
  random(3, name)
    .normals(size)
    .map((value) => value * scale);
const names = ["plain", "adapted", "changed"] as const;
const weights = names.map((name, i) => {
  const channels = i === 0 ? inner : out;
  const data = normals(name, out * channels * 9, 1 / Math.sqrt(9 * channels));
  return { name, shape: [out, channels, 3, 3], data };
});

/** Three convolutions: as stored, with a LoRA's change, and with a weight from which something is computed. */
const network = trace((t) => {
  const parameter = (i: number) => t.scope().parameter(weights[i]!.name, weights[i]!.shape);
  const x = conv2d(t.input("x", [1, inner, "height", "width"]), parameter(0), { padding: 1 });
  const [up, down] = [normals("up", out * 2), normals("down", 18 * out, 0.01)];
  const flat = reshape(parameter(1), [out, 9 * out]);
  const [left, right] = [constant(t.graph, up, [out, 2]), constant(t.graph, down, [2, 9 * out])];
  const adapted = reshape(addProduct(flat, left, right, 0.5), [out, out, 3, 3]);
  const changed = mul(parameter(2), constant(t.graph, Float32Array.of(2), [1]));
  return { y: conv2d(conv2d(x, adapted, { padding: 1 }), changed, { padding: 1 }) };
});
const usualSizes = { height: side, width: side };

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

async function write(dtype: "f32" | "f16" | "i8", list: readonly Weight[] = weights): Promise<WeightPlaces> {
  const tensors = list.flatMap(({ name, shape, data }): TensorSource[] => {
    if (dtype === "f32") return [{ name, dtype, shape, data }];
    if (dtype === "f16") return [{ name, dtype, shape, data: float32ToF16(data) }];
    const rows = shape[0]!;
    const scale = Float32Array.from({ length: rows }, (_, row) => (1 + row / rows) / 500);
    const row = data.length / rows;
    const rounded = data.map((value, i) =>
      Math.max(-127, Math.min(127, Math.round(value / scale[Math.floor(i / row)]!))),
    );
    return [
      { name, dtype, shape, data: Int8Array.from(rounded) },
      { name: `${name}.scale`, dtype: "f32", shape: [rows], data: scale },
    ];
  });
  const path = join(folder, `${list[0]!.name}-${dtype}.safetensors`);
  await writeSafetensors(path, tensors);
  return openWeights(path);
}

function expectClose(actual: HostTensor, expected: HostTensor): void {
  const values = expected.data as Float32Array;
  const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const error = values.reduce((a, b, i) => Math.max(a, Math.abs(b - (actual.data[i] as number))), 0);
  expect(largest).toBeGreaterThan(0.1);
  expect(error / largest).toBeLessThan(2e-5); // two convolutions, each below 1e-5
}

it.each(["f32", "f16", "i8"] as const)("%s weights give the runtime's numbers", async (dtype) => {
  const places = await write(dtype);
  const data = normals("x", inner * side * side);
  const x: HostTensor = { dtype: "f32", shape: [1, inner, side, side], data };
  const options = [{}, { usualSizes }, { usualSizes, inPlace: true }];
  const [runtime, ...tiled] = await Promise.all(
    options.map(async (more) => {
      await using session = await engine.load(network, { weights: places, ...more });
      expect(session.inputs.map(({ name }) => name)).toEqual(["x"]);
      return (await session.run({ x })).y!;
    }),
  );
  for (const y of tiled) expectClose(y, runtime!);
  // In parts of the output channels.
  const parts = trace((t) => {
    const image = t.input("x", [1, inner, side, side]);
    const weight = t.scope().parameter("plain", [out, inner, 3, 3]);
    const last = transpose(image, [0, 2, 3, 1]);
    const y = convWinograd(last, weight, { tile: 2, padding: [1, 1, 1, 1], parts: 4 });
    return { y: transpose(y, [0, 3, 1, 2]), direct: conv2d(image, weight, { padding: 1 }) };
  });
  await using session = await engine.load(parts, { weights: places });
  const { y, direct } = await session.run({ x });
  expectClose(y!, direct!);
});

it.each(["f32", "f16", "i8"] as const)("%s weights of a gated layer in blocks do, too", async (dtype) => {
  const [width, from, to] = [24, 20, 16];
  const matrix = (name: string, ...shape: [number, number]) => {
    return { name, shape, data: normals(name, shape[0] * shape[1], 1 / Math.sqrt(shape[1])) };
  };
  const places = await write(dtype, [matrix("wide", 2 * width, from), matrix("back", to, width)]);
  const program = trace((t) => {
    const bias = (size: number) => constant(t.graph, normals("bias", size), [size]);
    const wide = t.scope().parameter("wide", [2 * width, from]);
    const both = linear(t.input("x", ["rows", from]), wide, bias(2 * width));
    const [value, gate] = split(both, 1, 2) as [Tensor, Tensor];
    return { y: linear(mul(value, gelu(gate)), t.scope().parameter("back", [to, width]), bias(to)) };
  });
  const x: HostTensor = { dtype: "f32", shape: [50, from], data: normals("x", 50 * from) };
  const results: HostTensor[] = [];
  for (const more of [{}, { usualSizes: { rows: 1 << 20 } }]) {
    await using session = await engine.load(program, { weights: places, ...more });
    results.push((await session.run({ x })).y!);
  }
  expectClose(results[1]!, results[0]!);
});

it("are read in every run, unless they are computed: those stay with the runtime", () => {
  const stored = new Map(
    weights.map(({ name, data }): [string, StoredParameter] => [
      name,
      { dtype: "f16", file: "a", offset: 0, length: 2 * data.length },
    ]),
  );
  // An initializer that stays is named among the inputs as well.
  const named = (name: string, more: object) => {
    const { onnx } = lowerProgram(network, { target: "cpu", stored, ...more });
    const text = new TextDecoder("latin1").decode(onnx);
    return text.match(new RegExp(`${name}(/\\d+-\\d+)?/stored`, "g"))!.length;
  };
  const stays = names.map((name) => named(name, { usualSizes }) - named(name, {}));
  expect(stays).toEqual([1, 1, 0]);
});

it("the table chooses by the usual size, and keeps what a run takes within bounds", () => {
  const size = { batch: 2, height: 64, width: 64, inner: 320, out: 320 };
  expect(chooseForm(size)).toEqual({ tile: 4, bands: 1, parts: 1 });
  expect(chooseForm({ ...size, height: 8, width: 8, inner: 1280, out: 1280 })).toBeUndefined();
  expect(chooseForm({ ...size, inner: 4 })).toBeUndefined();
  expect(chooseForm({ ...size, height: 16, width: 16, inner: 2560, out: 1280 })?.tile).toBe(2);
  const wide = chooseForm({ ...size, height: 32, width: 32, inner: 1280, out: 1280 })!;
  expect(1280 % wide.parts).toBe(0);
  expect((36 * 1280 * 1280 * 4) / wide.parts).toBeLessThanOrEqual(20e6);
  const large = chooseForm({ batch: 1, height: 512, width: 512, inner: 128, out: 128 })!;
  expect((4 * 36 * 128 * 128 * 128) / large.bands).toBeLessThan(150e6);
});

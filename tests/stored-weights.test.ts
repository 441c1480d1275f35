// Weights that are read where they lie, in every form that they are stored in, against the same numbers given as inputs.
import { mkdir, mkdtemp, rm, symlink, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bf16ToFloat32,
  f16ToFloat32,
  float32ToBf16,
  float32ToF16,
  type StoredDtype,
  type TensorArray,
} from "../src/checkpoint/index.js";
import { openWeights, type TensorSource, writeSafetensors } from "../src/checkpoint/node.js";
import type { HostTensor, WeightPlaces } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { NishikiError } from "../src/errors.js";
import {
  conv2d,
  gather,
  linear,
  lowerProgram,
  mul,
  reshape,
  sum,
  type Tensor,
  trace,
} from "../src/graph/index.js";
import { makeUniform } from "./operations/check.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-stored-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

/** A table that is gathered from, a product, a convolution, and a table that is used whole too. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  table: [6, 4],
  both: [5, 4],
  planes: [3, 2, 2],
  "out.weight": [3, 4],
  "out.bias": [3],
  "conv.weight": [2, 1, 3, 3],
};

const network = trace((t) => {
  const scope = t.scope();
  const given = (name: string) => scope.parameter(name, shapes[name] as number[]);
  const ids = t.input("ids", ["n"], "i64");
  const rows = mul(gather(given("table"), ids), gather(given("both"), ids)); // [n, 4]
  const planes = sum(gather(given("planes"), ids), [1, 2]); // [n]
  const y = linear(rows, given("out.weight"), given("out.bias")); // [n, 3]
  const image = conv2d(t.input("image", [1, 1, 4, 4]), given("conv.weight"), { padding: 1 });
  return { y: mul(y, reshape(planes, [-1, 1])), total: sum(given("both")), convolved: image };
});

const uniform = makeUniform(3);
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const original = new Map(
  Object.entries(shapes).map(([name, shape]) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, () => uniform() * 2 - 1),
  ]),
);

const inputs: Record<string, HostTensor> = {
  ids: { dtype: "i64", shape: [4], data: BigInt64Array.from([2n, 0n, 1n, 2n]) },
  image: {
    dtype: "f32",
    shape: [1, 1, 4, 4],
    data: Float32Array.from({ length: 16 }, (_, i) => i / 8 - 1),
  },
};

/** A tensor as it is stored, and the numbers that it stands for. */
interface Form {
  readonly tensors: TensorSource[];
  readonly values: Float32Array;
}

function plain(name: string, dtype: StoredDtype, data: TensorArray): TensorSource {
  return { name, dtype, shape: shapes[name]!, data };
}

/** int8 rows with one scale each. */
function quantized(name: string, data: Float32Array, scaleType: "f32" | "f16"): Form {
  const rows = shapes[name]![0]!;
  const width = data.length / rows;
  const exact = Float32Array.from({ length: rows }, (_, row) => {
    return Math.max(...data.slice(row * width, (row + 1) * width).map(Math.abs)) / 127;
  });
  const scales = scaleType === "f32" ? exact : f16ToFloat32(float32ToF16(exact));
  const codes = Int8Array.from(data, (value, i) => Math.round(value / scales[Math.floor(i / width)]!));
  const stored = scaleType === "f32" ? scales : float32ToF16(scales);
  return {
    tensors: [
      plain(name, "i8", codes),
      { name: `${name}.scale`, dtype: scaleType, shape: [rows], data: stored },
    ],
    values: Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / width)]!),
  };
}

const forms: Record<string, (name: string, data: Float32Array) => Form> = {
  f32: (name, data) => ({ tensors: [plain(name, "f32", data)], values: data }),
  f64: (name, data) => ({ tensors: [plain(name, "f64", Float64Array.from(data))], values: data }),
  f16: (name, data) => {
    const bits = float32ToF16(data);
    return { tensors: [plain(name, "f16", bits)], values: f16ToFloat32(bits) };
  },
  bf16: (name, data) => {
    const bits = float32ToBf16(data);
    return { tensors: [plain(name, "bf16", bits)], values: bf16ToFloat32(bits) };
  },
  "i8 with f32 scales": (name, data) => quantized(name, data, "f32"),
  "i8 with f16 scales": (name, data) => quantized(name, data, "f16"),
};

async function write(file: string, tensors: readonly TensorSource[]): Promise<WeightPlaces> {
  const path = join(folder, file);
  await writeSafetensors(path, tensors);
  return openWeights(path);
}

/** The whole network in one form. */
function storeAll(form: (name: string, data: Float32Array) => Form) {
  const stored = [...original].map(([name, data]) => [name, form(name, data)] as const);
  const given = stored.map(([name, { values }]): [string, HostTensor] => [
    name,
    { dtype: "f32", shape: shapes[name]!, data: values },
  ]);
  return { tensors: stored.flatMap(([, { tensors }]) => tensors), given: Object.fromEntries(given) };
}

async function failure(work: Promise<unknown>): Promise<NishikiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe.each(Object.keys(forms))("weights stored as %s", (name) => {
  it.each([true, false])("give what the same numbers give (optimize %s)", async (optimize) => {
    const { tensors, given } = storeAll(forms[name]!);
    const weights = await write(`${name}-${optimize}.safetensors`, tensors);
    const [reading, fed] = await Promise.all([
      engine.load(network, { weights, optimize }),
      engine.load(network, { optimize }),
    ]);
    expect(reading.inputs.map((input) => input.name)).toEqual(["ids", "image"]);
    expect(fed.inputs.length).toBe(8);
    const [actual, wanted] = [await reading.run(inputs), await fed.run({ ...inputs, ...given })];
    for (const output of fed.outputs) {
      expect(actual[output]!.shape).toEqual(wanted[output]!.shape);
      const reference = wanted[output]!.data as Float32Array;
      (actual[output]!.data as Float32Array).forEach((value, i) => {
        expect(Math.abs(value - reference[i]!)).toBeLessThan(2e-6 * (1 + Math.abs(reference[i]!)));
      });
    }
    await Promise.all([reading.close(), fed.close()]);
  });
});

it("keeps an int8 table that is only gathered from in int8", () => {
  const program = (whole: boolean) =>
    trace((t) => {
      const table = t.scope().parameter("table", [6, 4]);
      const y = gather(table, t.input("ids", ["n"], "i64"));
      const outputs: Record<string, Tensor> = whole ? { y, total: sum(table) } : { y };
      return outputs;
    });
  const part = { dtype: "i8", file: "a", offset: 0, length: 24 } as const;
  const scale = { dtype: "f32", file: "a", offset: 24, length: 24, count: 6 } as const;
  const stored = new Map([["table", { ...part, scale }]]);
  const types = (whole: boolean) => {
    const { onnx } = lowerProgram(program(whole), { target: "cpu", stored });
    return new TextDecoder("latin1").decode(onnx).match(/table\/stored|Reshape_\d+|Gather_\d+/g) ?? [];
  };
  expect(types(false).some((text) => text.startsWith("Gather"))).toBe(true);
  expect(types(false).some((text) => text.startsWith("Reshape"))).toBe(false);
  expect(types(true).some((text) => text.startsWith("Reshape"))).toBe(true);
});

describe("weights that cannot be used", () => {
  const { tensors, given } = storeAll(forms.f32!);

  it("are named, all at once, where they do not fit the network", async () => {
    const wrong = tensors.map((tensor) => {
      if (tensor.name === "table") return { ...tensor, shape: [4, 6] };
      if (tensor.name === "out.bias") return { ...tensor, dtype: "u16" as const, data: new Uint16Array(3) };
      if (tensor.name === "both") return { ...tensor, dtype: "i8" as const, data: new Int8Array(20) };
      return tensor;
    });
    const error = await failure(engine.load(network, { weights: await write("wrong.safetensors", wrong) }));
    expect(error.code).toBe("checkpoint");
    expect(error.message).toBe(
      'Weights do not fit the network: "table" is [4, 6] in the file, [6, 4] in the network; ' +
        '"both" is stored as i8 without "both.scale", one number per row (5 rows); ' +
        '"out.bias" is stored as u16, which is not supported.',
    );
  });

  it("are refused with a scale of another size", async () => {
    const { tensors: good } = storeAll(forms["i8 with f32 scales"]!);
    const wrong = good.map((tensor) =>
      tensor.name === "table.scale" ? { ...tensor, shape: [5], data: new Float32Array(5) } : tensor,
    );
    const error = await failure(engine.load(network, { weights: await write("scale.safetensors", wrong) }));
    expect(error.message).toContain('the scale of "table" is f32 [5], expected 1 or 6 floats');
  });

  it("are asked for at the run where the file does not have them", async () => {
    const some = tensors.filter(({ name }) => name !== "out.bias" && name !== "table");
    const session = await engine.load(network, { weights: await write("some.safetensors", some) });
    const error = await failure(session.run(inputs));
    expect(error.code).toBe("shape");
    expect(error.message).toBe('Missing inputs: expected "table" f32 [6, 4], "out.bias" f32 [3].');
    const { y } = await session.run({ ...inputs, table: given.table!, "out.bias": given["out.bias"]! });
    expect(y!.shape).toEqual([4, 3]);
    await session.close();
  });

  it("are refused in two folders, and accepted in two files of one", async () => {
    await mkdir(join(folder, "other"));
    const [one, two] = [tensors.slice(0, 3), tensors.slice(3)];
    const first = await write("one.safetensors", one);
    const apart = new Map([...first, ...(await write("other/two.safetensors", two))]);
    const error = await failure(engine.load(network, { weights: apart }));
    expect(error.code).toBe("checkpoint");
    expect(error.message).toContain("The weights of one program must lie in one folder, not in ");
    const together = new Map([...first, ...(await write("two.safetensors", two))]);
    const session = await engine.load(network, { weights: together });
    expect((await session.run(inputs)).y!.shape).toEqual([4, 3]);
    await session.close();
  });

  it("are named where the file has gone, or was cut off", async () => {
    const weights = await write("gone.safetensors", tensors);
    await truncate(join(folder, "gone.safetensors"), 200);
    expect((await failure(engine.load(network, { weights }))).code).toBe("device");
    await rm(join(folder, "gone.safetensors"));
    const error = await failure(engine.load(network, { weights }));
    expect(error.code).toBe("file");
    expect(error.message).toContain("gone.safetensors cannot be read");
  });

  it.skipIf(process.platform === "win32")("are found through links that leave the folder", async () => {
    await mkdir(join(folder, "blobs"));
    await mkdir(join(folder, "snapshot"));
    await write("blobs/0123", tensors);
    await symlink(join("..", "blobs", "0123"), join(folder, "snapshot", "model.safetensors"));
    const weights = await openWeights(join(folder, "snapshot"));
    const session = await engine.load(network, { weights });
    expect((await session.run(inputs)).y!.shape).toEqual([4, 3]);
    await session.close();
  });
});

// Matrices that a file holds by columns, as OpenCLIP's projection: a place says so, and the network computes with the matrix itself.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { float32ToBf16, float32ToF16 } from "../src/checkpoint/index.js";
import { openWeights, writeSafetensors } from "../src/checkpoint/node.js";
import type { HostTensor, WeightPlaces } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { add, linear, mul, trace } from "../src/graph/index.js";
import { makeUniform } from "./operations/check.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-transposed-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const [outputs, width] = [960, 1100]; // large enough to stay in the file where weights are left there
const uniform = makeUniform(3);
// Numbers that all formats hold exactly.
const matrix = Float32Array.from({ length: outputs * width }, () => Math.round(100 * (uniform() - 0.5)) / 64);
const columns = matrix.map((_, i) => matrix[(i % outputs) * width + Math.floor(i / outputs)]!);
const x: HostTensor = {
  dtype: "f32",
  shape: [2, width],
  data: Float32Array.from({ length: 2 * width }, () => uniform() - 0.5),
};
const stored = { f32: columns, f16: float32ToF16(columns), bf16: float32ToBf16(columns) };

async function write(dtype: keyof typeof stored): Promise<WeightPlaces> {
  const path = join(folder, `${dtype}.safetensors`);
  await writeSafetensors(path, [{ name: "w", dtype, shape: [width, outputs], data: stored[dtype] }]);
  const place = (await openWeights(path)).get("w")!;
  return new Map([["w", { ...place, shape: [outputs, width], transposed: true }]]);
}

/** A layer, and one whose weight is changed, as a LoRA does it. */
const network = trace((t) => {
  const weight = t.scope().parameter("w", [outputs, width]);
  const input = t.input("x", ["n", width]);
  return { y: linear(input, weight), changed: linear(input, add(weight, mul(weight, 0.5))) };
});

function expectedAt(row: number, out: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++)
    sum += (x.data as Float32Array)[row * width + i]! * matrix[out * width + i]!;
  return sum;
}

describe("weights that are stored by columns", () => {
  it.each([
    ["f32", false],
    ["f32", true],
    ["f16", false],
    ["f16", true],
    ["bf16", true],
  ] as const)("are the matrix's rows to the network (%s, left in the file: %s)", async (dtype, inPlace) => {
    const session = await engine.load(network, { weights: await write(dtype), inPlace });
    const { y, changed } = await session.run({ x });
    const [plain, more] = [y!.data as Float32Array, changed!.data as Float32Array];
    for (let row = 0; row < 2; row++) {
      for (let out = 0; out < outputs; out += 7) {
        const wanted = expectedAt(row, out);
        expect(Math.abs(plain[row * outputs + out]! - wanted)).toBeLessThan(1e-3);
        expect(Math.abs(more[row * outputs + out]! - 1.5 * wanted)).toBeLessThan(1e-3);
      }
    }
    await session.close();
  });

  it("are refused where they cannot be", async () => {
    const [place] = [...(await write("f32")).values()];
    const load = (changes: object) =>
      engine.load(network, { weights: new Map([["w", { ...place!, ...changes }]]) });
    await expect(load({ shape: [width, outputs] })).rejects.toThrow(
      /"w" is \[1100, 960\] in the file, \[960, 1100\]/,
    );
    const scale = { ...place!, shape: [1], length: 4, transposed: false };
    await expect(load({ dtype: "i8", scale })).rejects.toThrow(
      /"w" is stored by columns, which only float matrices support/,
    );
    const vector = trace((t) => ({ y: add(t.input("x", [4]), t.scope().parameter("w", [4])) }));
    const weights = new Map([["w", { ...place!, shape: [4], length: 16 }]]);
    await expect(engine.load(vector, { weights })).rejects.toThrow(/only float matrices support/);
  });
});

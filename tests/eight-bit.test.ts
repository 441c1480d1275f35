// Checkpoints in 8-bit floats, with and without scales: the same image as of their decoded numbers in float32.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type StoredDtype, toFloat32 } from "../src/checkpoint/index.js";
import {
  openSafetensors,
  openStableDiffusion,
  type TensorSource,
  writeSafetensors,
} from "../src/checkpoint/node.js";
import { loadPipeline } from "../src/index.js";
import { writeBothLayouts } from "./support/published-layouts.js";
import { runHere } from "./support/run-here.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let root: string;
let single: string;
const folder = fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url));
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-fp8-"));
  single = (await writeBothLayouts("sd1", root)).file;
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Kind = "f8_e4m3" | "f8_e5m2" | "f8_e4m3fnuz" | "f8_e5m2fnuz";

/** All bytes that are finite numbers, in the order of these. */
function rows(dtype: Kind): readonly (readonly [value: number, byte: number])[] {
  const values = toFloat32({ dtype, shape: [256], data: Uint8Array.from({ length: 256 }, (_, i) => i) });
  return [...values]
    .map((value, byte) => [value, byte] as const)
    .filter(([value]) => Number.isFinite(value))
    .sort(([a], [b]) => a - b);
}

function encode(values: Float32Array, table: ReturnType<typeof rows>): Uint8Array {
  return Uint8Array.from(values, (value) => {
    let [low, high] = [0, table.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (table[middle]![0] <= value) low = middle;
      else high = middle;
    }
    return value - table[low]![0] < table[high]![0] - value ? table[low]![1] : table[high]![1];
  });
}

type Scales = "none" | "one" | "rows";

/** A file's matrices as 8-bit floats, and beside it the numbers that these stand for as float32. */
async function convert(
  from: string,
  to: { readonly narrow: string; readonly wide: string },
  dtype: Kind,
  scales: Scales,
  ending = ".scale_weight",
) {
  const file = await openSafetensors(from);
  const table = rows(dtype);
  const narrow: TensorSource[] = [];
  const wide: TensorSource[] = [];
  for (const { name, shape } of file.tensors.values()) {
    const data = await file.readFloat32(name);
    const isMatrix =
      shape.length > 1 &&
      name.endsWith(".weight") &&
      (scales === "none" || !/^(first|cond)_stage/.test(name));
    if (!isMatrix) {
      for (const list of [narrow, wide]) list.push({ name, dtype: "f32", shape, data });
      continue;
    }
    const count = scales === "rows" ? shape[0]! : 1;
    const width = data.length / count;
    const factors = Float32Array.from({ length: count }, (_, row) => {
      if (scales === "none") return 1;
      const most = data
        .subarray(row * width, (row + 1) * width)
        .reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      return most / table.at(-1)![0] || 1;
    });
    const bytes = encode(
      data.map((value, i) => value / factors[Math.floor(i / width)]!),
      table,
    );
    narrow.push({ name, dtype, shape, data: bytes });
    if (scales !== "none") {
      const scaleShape = scales === "rows" ? [count, 1] : [];
      narrow.push({
        name: name.replace(/\.weight$/, ending),
        dtype: "f32",
        shape: scaleShape,
        data: factors,
      });
      narrow.push({
        name: name.replace(/\.weight$/, ".scale_input"),
        dtype: "f32",
        shape: [],
        data: new Float32Array([1]),
      });
    }
    const decoded = toFloat32({ dtype, shape, data: bytes });
    wide.push({
      name,
      dtype: "f32",
      shape,
      data: decoded.map((value, i) => value * factors[Math.floor(i / width)]!),
    });
  }
  if (scales !== "none")
    narrow.push({ name: "scaled_fp8", dtype: dtype as StoredDtype, shape: [2], data: new Uint8Array(2) });
  await writeSafetensors(to.narrow, narrow);
  await writeSafetensors(to.wide, wide);
}

async function pixelsOf(model: string): Promise<Float32Array> {
  const pipeline = await loadPipeline({ model, threads: 1, device: "cpu" });
  try {
    for await (const event of pipeline.generate({ prompt: "a cat", steps: 2, size: "64x64", seed: 4 })) {
      if (event.kind === "warning") throw new Error(event.message);
      if (event.kind === "image") return Float32Array.from(event.pixels);
    }
    throw new Error("no picture");
  } finally {
    await pipeline.dispose();
  }
}

describe("8-bit floats", () => {
  it.each([
    ["f8_e4m3", "none", ""],
    ["f8_e5m2", "none", ""],
    ["f8_e4m3fnuz", "none", ""],
    ["f8_e5m2fnuz", "none", ""],
    ["f8_e4m3", "rows", ".weight_scale"],
    ["f8_e5m2", "one", ".weight_scale_inv"],
  ] as const)("%s in a folder, scales: %s%s", async (dtype, scales, ending) => {
    const at = (name: string) => join(root, `${dtype}-${scales}-${name}`);
    for (const name of ["narrow", "wide"]) await cp(folder, at(name), { recursive: true });
    for (const part of [
      "unet/diffusion_pytorch_model",
      "text_encoder/model",
      "vae/diffusion_pytorch_model",
    ]) {
      const file = `${part}.safetensors`;
      const to = { narrow: join(at("narrow"), file), wide: join(at("wide"), file) };
      await convert(join(folder, file), to, dtype, scales, ending);
    }
    expect(await pixelsOf(at("narrow"))).toEqual(await pixelsOf(at("wide")));
  });

  it("in a single file", async () => {
    const to = { narrow: join(root, "narrow.safetensors"), wide: join(root, "wide.safetensors") };
    await convert(single, to, "f8_e4m3", "one");
    expect((await openStableDiffusion(to.narrow)).unknown).toEqual([]);
    expect(await pixelsOf(to.narrow)).toEqual(await pixelsOf(to.wide));
  });

  it("of other kinds are refused in one sentence, by info too", async () => {
    const file = await openSafetensors(single);
    const tensors = await Promise.all(
      [...file.tensors.keys()].map(async (name): Promise<TensorSource> => {
        const tensor = { name, ...(await file.read(name)) };
        const count = tensor.shape.reduce((a, b) => a * b, 1);
        if (tensor.shape.length < 2 || !name.startsWith("model.")) return tensor;
        return { ...tensor, dtype: "f8_e8m0", data: new Uint8Array(count) };
      }),
    );
    const path = join(root, "other.safetensors");
    await writeSafetensors(path, tensors);
    for (const args of [
      ["info", path],
      ["a cat", "--model", path, "-o", join(root, "x.png")],
    ]) {
      const { code, stderr } = await runHere(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /tensors of the denoiser, such as "[^"]+", are stored as f8_e8m0\. Use the float16 version of the model/,
      );
      expect(stderr.length).toBeLessThan(600);
    }
  });

  it("with a scale for each block are refused", async () => {
    const path = join(root, "blocks.safetensors");
    await convert(
      single,
      { narrow: join(root, "n.safetensors"), wide: join(root, "w.safetensors") },
      "f8_e4m3",
      "one",
    );
    const file = await openSafetensors(join(root, "n.safetensors"));
    const tensors = await Promise.all(
      [...file.tensors.keys()].map(
        async (name): Promise<TensorSource> => ({ name, ...(await file.read(name)) }),
      ),
    );
    const blocks = tensors.map((tensor) =>
      tensor.name.endsWith(".scale_weight")
        ? { ...tensor, shape: [2, 3], data: new Float32Array(6) }
        : tensor,
    );
    await writeSafetensors(path, blocks);
    await expect(openStableDiffusion(path)).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(/the scale of "\S+" is f32 \[2, 3\]; expected a single number/),
    });
  });
});

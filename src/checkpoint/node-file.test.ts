import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { encodeSafetensors } from "./memory-file.js";
import { openSafetensors, readWeight, type TensorSource, writeSafetensors } from "./node-file.js";
import { openWeights } from "./node-weights.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-checkpoint-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tensors = [
  { name: "bias", dtype: "f16", shape: [3], data: new Uint16Array([0x3c00, 0xc000, 0x7bff]) },
  { name: "weight", dtype: "f32", shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, 1e-40, Number.NaN]) },
  { name: "ids", dtype: "i64", shape: [2], data: new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]) },
  { name: "nothing", dtype: "f32", shape: [0, 4], data: new Float32Array(0) },
  { name: "scalar", dtype: "f64", shape: [], data: new Float64Array([Math.PI]) },
  { name: "bytes", dtype: "u8", shape: [5], data: new Uint8Array([1, 2, 3, 4, 5]) },
  { name: '日本 "quoted" \n', dtype: "i8", shape: [1], data: new Int8Array([-128]) },
] satisfies TensorSource[];

async function failure(promise: Promise<unknown>): Promise<NishikiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe("a written file", () => {
  it("is read equal, whatever the types and names", async () => {
    const path = join(folder, "all.safetensors");
    await writeSafetensors(path, tensors, { purpose: "test", note: "é\n☃" });
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ purpose: "test", note: "é\n☃" });
    expect(file.tensors.size).toBe(tensors.length);
    for (const { name, dtype, shape, data } of tensors) {
      expect(await file.read(name)).toEqual({ dtype, shape, data });
    }
    expect(await file.readFloat32("bias")).toEqual(new Float32Array([1, -2, 65504]));
  });

  it("has the same bytes in whatever order the tensors and the metadata come, and from functions", async () => {
    const [a, b] = [join(folder, "order-a"), join(folder, "order-b")];
    await writeSafetensors(a, tensors, { x: "1", y: "2" });
    const lazy = [...tensors].reverse().map((tensor) => ({ ...tensor, data: async () => tensor.data }));
    await writeSafetensors(b, lazy, { y: "2", x: "1" });
    expect(await readFile(b)).toEqual(await readFile(a));
    expect(new Uint8Array(await readFile(a))).toEqual(encodeSafetensors(tensors, { y: "2", x: "1" }));
  });

  it("starts every tensor at a multiple of its element size", async () => {
    const path = join(folder, "aligned.safetensors");
    await writeSafetensors(path, tensors);
    for (const { offset, dtype } of (await openSafetensors(path)).tensors.values()) {
      const unit = { f64: 8, i64: 8, f32: 4, f16: 2, u8: 1, i8: 1 }[dtype as string]!;
      expect(offset % unit).toBe(0);
    }
  });

  it("cannot hold what does not fit its shape, nor one name twice; and then nothing is left behind", async () => {
    const path = join(folder, "bad.safetensors");
    const short = { name: "w", dtype: "f32", shape: [3], data: new Float32Array(2) } as const;
    expect((await failure(writeSafetensors(path, [short]))).message).toMatch(/"w".*need 12 bytes.*has 8/);
    const twice = [tensors[0]!, tensors[0]!];
    expect((await failure(writeSafetensors(path, twice))).message).toMatch(/"bias" appears twice/);
    const odd = { name: "w", dtype: "f4", shape: [3], data: new Uint8Array(2) } as const;
    expect((await failure(writeSafetensors(path, [odd]))).message).toMatch(/not a whole number of bytes/);
    expect((await readdir(folder)).filter((name) => name.includes("bad"))).toEqual([]);
  });
});

describe("opening", () => {
  it("names the file and the tensor, and says what is there", async () => {
    const path = join(folder, "named.safetensors");
    await writeSafetensors(path, tensors);
    const file = await openSafetensors(path);
    const error = await failure(file.read("wieght"));
    expect(error.code).toBe("checkpoint");
    expect(error.message).toContain(path);
    expect(error.message).toContain("weight");
    expect((await failure(openSafetensors(join(folder, "none")))).message).toMatch(/no such file/);
    expect((await failure(openSafetensors(folder))).message).toMatch(/it is a folder/);
  });

  it("notices that a file changed after it was opened", async () => {
    const path = join(folder, "changed.safetensors");
    await writeSafetensors(path, tensors);
    const file = await openSafetensors(path);
    for (const other of [tensors.slice(1), tensors]) {
      await writeSafetensors(path, other);
      expect((await failure(file.read("weight"))).message).toMatch(/changed while in use/);
    }
  });

  it("says what a file is that is often taken for weights", async () => {
    const cases = [
      [new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), /run code when loaded/],
      [new TextEncoder().encode("PK\u0003\u0004\u0000\u0000\b\barchive/data.pkl"), /run code when loaded/],
      [new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"), /Git LFS pointer/],
      [new TextEncoder().encode("<!DOCTYPE html><html>"), /web page/],
      [new TextEncoder().encode("GGUF\u0003\u0000\u0000\u0000\u0000"), /GGUF/],
    ] as const;
    for (const [bytes, message] of cases) {
      const path = join(folder, "foreign.safetensors");
      await writeFile(path, bytes);
      expect((await failure(openSafetensors(path))).message).toMatch(message);
    }
  });
});

describe("openWeights", () => {
  const one = { name: "a", dtype: "f32", shape: [2], data: new Float32Array([1, 2]) } as const;
  const two = { name: "b", dtype: "bf16", shape: [1], data: new Uint16Array([0x3f80]) } as const;

  async function shards(weightMap: unknown): Promise<string> {
    const inner = await mkdtemp(join(folder, "shards-"));
    await writeSafetensors(join(inner, "model-00001-of-00002.safetensors"), [one]);
    await writeSafetensors(join(inner, "model-00002-of-00002.safetensors"), [two]);
    await writeFile(join(inner, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
    return inner;
  }

  it("joins shards by their index, and finds it in a folder", async () => {
    const inner = await shards({
      a: "model-00001-of-00002.safetensors",
      b: "model-00002-of-00002.safetensors",
    });
    for (const path of [inner, join(inner, "model.safetensors.index.json")]) {
      const weights = await openWeights(path);
      expect([...weights.keys()].sort()).toEqual(["a", "b"]);
      expect(weights.get("b")?.file).toBe(join(inner, "model-00002-of-00002.safetensors"));
      expect((await readWeight(weights.get("a")!)).data).toEqual(one.data);
      const { file, offset, length } = weights.get("a")!;
      expect((await readFile(file)).subarray(offset, offset + length)).toEqual(Buffer.from(one.data.buffer));
    }
  });

  it("refuses an index that leads out of its folder, names absent tensors, or is none", async () => {
    const outside = await shards({ a: "../elsewhere.safetensors" });
    expect((await failure(openWeights(outside))).message).toMatch(
      /not a safetensors file in the same folder/,
    );
    const missing = await shards({
      a: "model-00001-of-00002.safetensors",
      c: "model-00002-of-00002.safetensors",
    });
    expect((await failure(openWeights(missing))).message).toMatch(/1 of its tensors.*"c"/);
    expect((await failure(openWeights(await shards(3)))).message).toMatch(/weight_map .* is missing/);
  });

  it("takes the one file of a folder, and asks where there are several", async () => {
    const inner = await mkdtemp(join(folder, "plain-"));
    expect((await failure(openWeights(inner))).message).toMatch(/no \.safetensors file/);
    await writeFile(join(inner, "old.ckpt"), "");
    expect((await failure(openWeights(inner))).message).toMatch(/pickled/);
    await writeSafetensors(join(inner, "x.safetensors"), [one]);
    expect([...(await openWeights(inner)).keys()]).toEqual(["a"]);
    await writeSafetensors(join(inner, "y.safetensors"), [two]);
    expect((await failure(openWeights(inner))).message).toMatch(/several weight files.*"x.*"y/);
    await writeSafetensors(join(inner, "model.safetensors"), [two]);
    expect([...(await openWeights(inner)).keys()]).toEqual(["b"]);
  });
});

import { mkdtemp, readdir, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readWeight, writeSafetensors } from "./node-file.js";
import { openInt8Weights, quantizeRows } from "./node-int8.js";
import {
  clearWeightCache,
  getCacheLimit,
  getWeightCache,
  listWeightCache,
  trimWeightCache,
} from "./node-weight-cache.js";
import { openWeights } from "./node-weights.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-int8-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("rows as int8", () => {
  it("have their largest magnitude at 127, and lose at most half a step", () => {
    const values = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * i) * (i < 20 ? 10 : 0.1));
    const { codes, scales } = quantizeRows(values, 3);
    for (let row = 0; row < 3; row++) {
      const own = codes.subarray(row * 20, (row + 1) * 20);
      expect(Math.max(...own.map(Math.abs))).toBe(127);
    }
    codes.forEach((code, i) => {
      const scale = scales[Math.floor(i / 20)]!;
      expect(Math.abs(code * scale - values[i]!)).toBeLessThanOrEqual(scale * 0.5001);
    });
  });

  it("of zeros are zeros", () => {
    const { codes, scales } = quantizeRows(new Float32Array(4), 2);
    expect([...codes, ...scales]).toEqual([0, 0, 0, 0, 1, 1]);
  });
});

it("are made once for each content, and hold small tensors as they are", async () => {
  const source = join(folder, "source.safetensors");
  const large = Float32Array.from({ length: 256 * 256 }, (_, i) => Math.cos(i));
  const small = Float32Array.of(1, 2, 3);
  await writeSafetensors(source, [
    { name: "large.weight", dtype: "f32", shape: [256, 256], data: large },
    { name: "small.weight", dtype: "f32", shape: [3, 1], data: small },
  ]);
  const weights = await openWeights(source);
  const cache = join(folder, "cache");
  const found = await openInt8Weights(weights, "abc", cache);
  expect([...found.keys()].sort()).toEqual(["large.weight", "large.weight.scale", "small.weight"]);
  expect(found.get("large.weight")!.dtype).toBe("i8");
  const { data } = await readWeight(found.get("large.weight")!);
  expect(data).toEqual(quantizeRows(large, 256).codes);
  expect((await readWeight(found.get("small.weight")!)).data).toEqual(small);

  const codes = join(cache, "int8", "abc.codes.safetensors");
  const written = await stat(codes);
  expect([...(await openInt8Weights(weights, "abc", cache))]).toEqual([...found]);
  expect((await stat(codes)).ino).toBe(written.ino);
  expect((await readdir(join(cache, "int8"))).sort()).toEqual([
    "abc.codes.safetensors",
    "abc.rest.safetensors",
  ]);
  expect(await listWeightCache(cache)).toEqual([
    { hash: "abc", file: source, bytes: expect.any(Number), lastUsed: expect.any(Number) },
  ]);
});

it("leave the cache, longest unused first, where it takes more than its limit", async () => {
  const source = join(folder, "one.safetensors");
  await writeSafetensors(source, [
    { name: "w", dtype: "f32", shape: [64, 64], data: new Float32Array(4096).fill(1) },
  ]);
  const weights = await openWeights(source);
  const cache = join(folder, "limited");
  for (const [i, hash] of ["aa", "bb", "cc"].entries()) {
    await openInt8Weights(weights, hash, cache);
    for (const end of ["codes", "rest"])
      await utimes(join(cache, "int8", `${hash}.${end}.safetensors`), i + 1, i + 1);
  }
  const hashes = async () => (await listWeightCache(cache)).map(({ hash }) => hash);
  expect(await hashes()).toEqual(["aa", "bb", "cc"]);
  const [{ bytes } = { bytes: 0 }] = await listWeightCache(cache);
  await trimWeightCache(cache, 2.5 * bytes, "aa");
  expect(await hashes()).toEqual(["aa", "cc"]);
  await openInt8Weights(weights, "aa", cache); // used again: now the newest
  expect(await hashes()).toEqual(["cc", "aa"]);
  expect(await clearWeightCache(cache)).toHaveLength(2);
  expect(await readdir(join(cache, "int8"))).toEqual([]);
  expect(await listWeightCache(join(folder, "nowhere"))).toEqual([]);
  expect(getCacheLimit({ NISHIKI_CACHE_LIMIT: "0.5" })).toBe(5e8);
  expect(() => getCacheLimit({ NISHIKI_CACHE_LIMIT: "much" })).toThrow(/expected gigabytes/);
});

it("are not made of numbers that are not finite", async () => {
  const source = join(folder, "nan.safetensors");
  const data = new Float32Array(4096).fill(1);
  data[77] = Number.NaN;
  await writeSafetensors(source, [{ name: "w", dtype: "f32", shape: [64, 64], data }]);
  const cache = join(folder, "nan");
  await expect(openInt8Weights(await openWeights(source), "aa", cache)).rejects.toMatchObject({
    code: "checkpoint",
  });
  expect(await readdir(join(cache, "int8"))).toEqual([]);
});

it("say which cache they lie in", () => {
  expect(getWeightCache({ XDG_CACHE_HOME: "/c" })).toBe(join("/c", "nishiki"));
  expect(getWeightCache({ XDG_CACHE_HOME: "/c", NISHIKI_CACHE: "/n" })).toBe("/n");
});

it("are not made for a caller who cancelled, and nothing of them is left", async () => {
  const source = join(folder, "cancelled.safetensors");
  await writeSafetensors(source, [
    { name: "w", dtype: "f32", shape: [64, 64], data: new Float32Array(4096) },
  ]);
  const cache = join(folder, "cancelled");
  const making = openInt8Weights(await openWeights(source), "de", cache, AbortSignal.abort());
  await expect(making).rejects.toMatchObject({ code: "aborted" });
  expect(await readdir(join(cache, "int8"))).toEqual([]);
});

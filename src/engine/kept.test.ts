// Tensors that an engine keeps: lent, copied into given arrays, and passed over in pieces.
import { afterAll, describe, expect, it } from "vitest";
import { add, mul, trace } from "../graph/index.js";
import type { HostTensor, KeptPieces } from "./engine.js";
import { makeEngine } from "./node.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
const other = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => Promise.all([engine.close(), other.close()]));

const vector = (values: number[]): HostTensor => ({
  dtype: "f32",
  shape: [values.length],
  data: Float32Array.from(values),
});
const numbers = (tensor: HostTensor | undefined) => Array.from(tensor!.data as Float32Array);

describe("kept tensors", () => {
  it("go from one engine to another and back", async () => {
    await engine.keep({ a: vector([1, 2]) });
    await other.keep({ c: (await engine.takeKept(["a"])).a! });
    expect(numbers((await other.readKept(["c"])).c)).toEqual([1, 2]);
    await expect(engine.readKept(["a"])).rejects.toThrow('Nothing is kept under "a".');
    await expect(engine.takeKept(["a"])).rejects.toThrow('Nothing is kept under "a".');
    await engine.keep({ a: (await other.takeKept(["c"])).c! });
    expect(numbers((await engine.readKept(["a"])).a)).toEqual([1, 2]);
  });

  it("are copied into arrays that are given", async () => {
    await engine.keep({ a: vector([1, 2]) });
    const target = vector([0, 0]);
    const read = await engine.readKept(["a"], { a: target });
    expect(numbers(read.a)).toEqual([1, 2]);
    expect(target.data).toHaveLength(0); // handed over
    await expect(engine.readKept(["a"], { a: vector([0]) })).rejects.toThrow(
      '"a" has 2 elements, but the array to fill has 1.',
    );
  });
});

describe("a program in pieces", () => {
  const program = trace((tracer) => {
    const [x, y] = [tracer.input("x", ["length"]), tracer.input("y", ["length"])];
    return { moved: add(mul(x, tracer.input("factor", [])), y) };
  });
  const factor: HostTensor = { dtype: "f32", shape: [], data: Float32Array.of(2) };
  const reads = { x: "a", y: "b" };

  it.each([1, 2, 5, 8])("of %i elements overwrites what it reads", async (size) => {
    await engine.keep({ a: vector([1, 2, 3, 4, 5]), b: vector([10, 20, 30, 40, 50]), c: vector([7]) });
    const sets: KeptPieces["sets"] = [
      { reads, writes: { moved: "a" } },
      { reads: { x: "c", y: "c" }, writes: { moved: "c" } },
    ];
    const session = await engine.load(program, { pieces: { size, sets } });
    expect(await session.run({ factor })).toEqual({});
    const { a, b, c } = await engine.readKept(["a", "b", "c"]);
    expect([numbers(a), numbers(b), numbers(c)]).toEqual([[12, 24, 36, 48, 60], [10, 20, 30, 40, 50], [21]]);
    await session.close();
  });

  it("refuses sets that do not fit the program or each other", async () => {
    const load = (set: KeptPieces["sets"][number]) =>
      engine.load(program, { pieces: { size: 2, sets: [set] } });
    await expect(load({ reads, writes: {} })).rejects.toThrow(
      'Output "moved" is computed in pieces and must be kept.',
    );
    await expect(load({ reads: { z: "a" }, writes: { moved: "a" } })).rejects.toThrow(
      'Unknown kept input "z". The program has: x, y, factor.',
    );
    await expect(load({ reads, writes: { gone: "a" } })).rejects.toThrow('Unknown kept output "gone".');
    const sets = [
      { reads, writes: { moved: "a" } },
      { reads: { x: "a" }, writes: { moved: "a" } },
    ];
    await expect(engine.load(program, { pieces: { size: 2, sets } })).rejects.toThrow(
      "All sets of kept tensors must be read by the same inputs.",
    );
    await engine.keep({ a: vector([1]), b: vector([1, 2]) });
    const session = await load({ reads, writes: { moved: "a" } });
    await expect(session.run({ factor })).rejects.toThrow("Kept tensors of one set have 1 and 2 elements.");
  });
});

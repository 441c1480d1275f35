// The weight gradient over many rows is summed in pieces: the same sum as in one product.
import { afterAll, expect, it } from "vitest";
import { makeEngine } from "../../src/engine/node.js";
import { gradients, linear, mul, sum, trace } from "../../src/graph/index.js";

const engine = makeEngine({ device: "cpu", threads: 1 });
afterAll(() => engine.close());

const [rows, inner, out] = [5120, 3, 2]; // more rows than one piece, and several pieces

it("sums gradients over pieces of rows", async () => {
  const program = trace((tracer) => {
    const x = tracer.input("x", [rows, inner]);
    const w = tracer.input("w", [out, inner]);
    const b = tracer.input("b", [out]);
    const [dw, db] = gradients(sum(mul(linear(x, w, b), tracer.input("g", [rows, out]))), [w, b]);
    return { dw: dw!, db: db! };
  });
  const make = (size: number, f: (i: number) => number) =>
    Float32Array.from({ length: size }, (_, i) => f(i));
  const x = make(rows * inner, (i) => Math.sin(i * 0.7) + 0.5);
  const g = make(rows * out, (i) => Math.cos(i * 1.3) + 0.25);
  const session = await engine.load(program);
  const { dw, db } = await session.run({
    x: { dtype: "f32", shape: [rows, inner], data: x },
    g: { dtype: "f32", shape: [rows, out], data: g },
    w: { dtype: "f32", shape: [out, inner], data: new Float32Array(out * inner) },
    b: { dtype: "f32", shape: [out], data: new Float32Array(out) },
  });
  for (let o = 0; o < out; o++) {
    let bias = 0;
    for (let r = 0; r < rows; r++) bias += g[r * out + o]!;
    expect(db!.data[o]).toBeCloseTo(bias, 1);
    for (let i = 0; i < inner; i++) {
      let weight = 0;
      for (let r = 0; r < rows; r++) weight += g[r * out + o]! * x[r * inner + i]!;
      expect(Number(dw!.data[o * inner + i]) / weight).toBeCloseTo(1, 4);
    }
  }
  await session.close();
});

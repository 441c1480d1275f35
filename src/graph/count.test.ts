import { expect, it } from "vitest";
import {
  attention,
  conv2d,
  convChannelsLast,
  convTranspose2d,
  countMultiplications,
  countPeakBytes,
  gelu,
  linear,
  matmul,
  mul,
  type Tensor,
  type Tracer,
  trace,
} from "./index.js";

const count = (model: (tracer: Tracer) => Tensor, sizes: Readonly<Record<string, number>> = {}) =>
  countMultiplications(
    trace((tracer) => ({ y: model(tracer) })),
    sizes,
  );

it("counts products by hand", () => {
  expect(count((t) => matmul(t.input("a", ["n", 3, 4]), t.input("b", [4, 5])), { n: 7 })).toBe(7 * 3 * 4 * 5);
  expect(
    count((t) => matmul(t.input("a", [4, 3]), t.input("b", [5, 4]), { transposeA: true, transposeB: true })),
  ).toBe(60);
  expect(count((t) => linear(t.input("x", [2, 3, 4]), t.input("w", [5, 4]), t.input("b", [5])))).toBe(
    2 * 3 * 4 * 5,
  );
});

it("counts convolutions by hand", () => {
  const x = (t: Tracer) => t.input("x", ["batch", 8, "height", "width"]);
  const sizes = { batch: 2, height: 9, width: 7 };
  expect(count((t) => conv2d(x(t), t.input("w", [16, 8, 3, 3]), { padding: 1 }), sizes)).toBe(
    2 * 16 * 9 * 7 * 8 * 9,
  );
  const strided = (t: Tracer) => conv2d(x(t), t.input("w", [16, 8, 3, 3]), { padding: 1, stride: 2 });
  expect(count(strided, sizes)).toBe(2 * 16 * 5 * 4 * 8 * 9);
  const grouped = (t: Tracer) => conv2d(x(t), t.input("w", [16, 2, 3, 3]), { padding: 1, groups: 4 });
  expect(count(grouped, sizes)).toBe(2 * 16 * 9 * 7 * 2 * 9);
  const transposed = (t: Tracer) => convTranspose2d(x(t), t.input("w", [8, 4, 2, 2]), { stride: 2 });
  expect(count(transposed, sizes)).toBe(2 * 8 * 9 * 7 * 4 * 4);
  const last = (t: Tracer) => convChannelsLast(t.input("x", ["batch", 6, 5, 8]), t.input("w", [4, 3, 3, 8]));
  expect(count(last, sizes)).toBe(2 * 6 * 5 * 4 * 9 * 8);
});

it("counts what composites are made of: both products of attention", () => {
  const model = (t: Tracer) => {
    const [q, k, v] = ["q", "k", "v"].map((name) => t.input(name, ["batch", name === "q" ? 10 : 6, 32]));
    return attention(q!, k!, v!, { heads: 4 });
  };
  expect(count(model, { batch: 3 })).toBe(2 * 3 * 10 * 6 * 32);
});

it("counts shared work once, and elementwise work not at all", () => {
  const model = (t: Tracer) => {
    const y = matmul(t.input("a", [2, 3]), t.input("b", [3, 4]));
    return mul(gelu(y), y);
  };
  expect(count(model)).toBe(24);
});

it("counts the most memory of values by hand", () => {
  const model = (t: Tracer) => {
    const x = t.input("x", ["batch", 10]);
    const wide = linear(x, t.input("w", [100, 10]), t.input("b", [100]));
    return linear(gelu(wide), t.input("v", [10, 100]), t.input("c", [10]));
  };
  const program = trace((tracer) => ({ y: model(tracer) }));
  const weights = 4 * (100 * 10 + 100 + 10 * 100 + 10);
  // The input and the wide value; when the result is made, the wide one is still needed.
  expect(countPeakBytes(program, { batch: 3 })).toBeGreaterThanOrEqual(4 * 3 * 110);
  expect(countPeakBytes(program, { batch: 3 })).toBeLessThanOrEqual(weights + 4 * 3 * 210);
  const steps = (from: number, to: number) =>
    countPeakBytes(program, { batch: to }) - countPeakBytes(program, { batch: from });
  expect(steps(2, 4)).toBe(2 * steps(1, 2));
});

it("says which size it needs", () => {
  expect(() => count((t) => matmul(t.input("a", ["n", 3]), t.input("b", [3, 4])))).toThrow(
    /needs a size of "n"/,
  );
});

// Elementwise operations: each function, broadcasting in every form, operands that are numbers.

import type { Tensor } from "../../src/graph/index.js";
import * as g from "../../src/graph/index.js";
import { type NamedValues, type OperandSpec, type OperationCase, operandCase } from "./case.js";
import { broadcastReference, erfReference } from "./reference.js";

type Pair = (a: Tensor | number, b: Tensor | number) => Tensor;
const positive: OperandSpec = { shape: [2, 5], from: [0.4, 2] };
const signed: OperandSpec = { shape: [2, 5], from: [-2, 2] };
const apart: OperandSpec = { shape: [2, 5], distinct: true };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const gelu = (x: number) => (x / 2) * (1 + erfReference(x / Math.SQRT2));
const geluTanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
/** Halves to even, as IEEE 754 and ONNX do. */
const roundEven = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

const unaries: [string, (x: Tensor) => Tensor, (x: number) => number, OperandSpec][] = [
  ["neg", g.neg, (x) => -x, signed],
  ["abs", g.abs, Math.abs, apart],
  ["sign", g.sign, Math.sign, apart],
  ["floor", g.floor, Math.floor, { shape: [5], values: [-1.7, -0.3, 0.4, 1.6, 2.2] }],
  ["ceil", g.ceil, Math.ceil, { shape: [5], values: [-1.7, -0.3, 0.4, 1.6, 2.2] }],
  ["round", g.round, roundEven, { shape: [5], values: [-1.7, -0.3, 0.4, 1.6, 2.2] }],
  ["exp", g.exp, Math.exp, signed],
  ["log", g.log, Math.log, positive],
  ["sqrt", g.sqrt, Math.sqrt, positive],
  ["rsqrt", g.rsqrt, (x) => 1 / Math.sqrt(x), positive],
  ["reciprocal", g.reciprocal, (x) => 1 / x, positive],
  ["square", g.square, (x) => x * x, signed],
  ["sin", g.sin, Math.sin, signed],
  ["cos", g.cos, Math.cos, signed],
  ["tanh", g.tanh, Math.tanh, signed],
  ["erf", g.erf, erfReference, signed],
  ["sigmoid", g.sigmoid, sigmoid, signed],
  ["relu", g.relu, (x) => Math.max(x, 0), apart],
  ["softplus", g.softplus, (x) => Math.log1p(Math.exp(x)), signed],
  ["silu", g.silu, (x) => x * sigmoid(x), signed],
  ["gelu", g.gelu, gelu, signed],
  ["geluTanh", g.geluTanh, geluTanh, signed],
  ["quickGelu", g.quickGelu, (x) => x * sigmoid(1.702 * x), signed],
];

const pairs: [string, Pair, (a: number, b: number) => number, OperandSpec][] = [
  ["add", g.add, (a, b) => a + b, signed],
  ["sub", g.sub, (a, b) => a - b, signed],
  ["mul", g.mul, (a, b) => a * b, signed],
  ["div", g.div, (a, b) => a / b, positive],
  ["pow", g.pow, (a, b) => a ** b, positive],
  ["minimum", g.minimum, Math.min, apart],
  ["maximum", g.maximum, Math.max, apart],
];

const comparisons: [string, Pair, (a: number, b: number) => boolean][] = [
  ["equal", g.equal, (a, b) => a === b],
  ["less", g.less, (a, b) => a < b],
  ["lessOrEqual", g.lessOrEqual, (a, b) => a <= b],
  ["greater", g.greater, (a, b) => a > b],
  ["greaterOrEqual", g.greaterOrEqual, (a, b) => a >= b],
];

const pair =
  (combine: (a: number, b: number) => number | boolean) =>
  ({ a, b }: NamedValues) =>
    broadcastReference(a!, b!, (x, y) => Number(combine(x, y)));

const each =
  (map: (x: number) => number) =>
  ({ a }: NamedValues) =>
    a!.data.map(map);

const few: OperandSpec = { shape: [2, 3], values: [0, 1, 2, 2, 1, 0] };
const others: OperandSpec = { shape: [2, 3], values: [2, 1, 0, 2, 0, 1] };
const isPositive = (x: Tensor) => g.greater(x, 0);

export const elementwiseCases: readonly OperationCase[] = [
  ...unaries.map(([name, build, map, spec]) =>
    operandCase(name, name, [spec], build, { expected: each(map) }),
  ),
  // Both kinked operands have distinct values; shifting one by half a step keeps the pairs apart.
  ...pairs.map(([name, build, combine, spec]) =>
    operandCase(
      name,
      name,
      [spec, spec.distinct ? { ...spec, shape: [2, 1], values: [0.32, -0.32] } : spec],
      build,
      {
        expected: pair(combine),
      },
    ),
  ),
  ...comparisons.map(([name, build, compare]) =>
    operandCase(name, name, [few, others], build, { frozen: true, expected: pair(compare) }),
  ),
  ...(
    [
      ["a row", [2, 3], [3]],
      ["a column", [2, 3], [2, 1]],
      ["both", [2, 1, 3], [4, 1]],
      ["a scalar", [2, 3], []],
      ["longer second", [3], [2, 2, 3]],
      ["ones on both sides", [1, 3], [2, 1]],
    ] as const
  ).map(([name, a, b]) =>
    operandCase(`mul broadcasting ${name}`, "mul", [a, b], g.mul, { expected: pair((x, y) => x * y) }),
  ),
  operandCase("div broadcasting both", "div", [positive, { shape: [4, 1, 1], from: [0.5, 2] }], g.div, {
    expected: pair((x, y) => x / y),
  }),
  operandCase("sub broadcasting a symbol", "sub", [["batch", 3], [3]], g.sub, {
    expected: pair((x, y) => x - y),
    sizes: [{ batch: 1 }, { batch: 4 }],
  }),
  operandCase(
    "numbers on the left",
    "add sub mul div",
    [positive],
    (x) => g.add(2, g.mul(3, g.sub(1, g.div(2, x)))),
    { expected: each((x) => 2 + 3 * (1 - 2 / x)) },
  ),
  operandCase("number to the power", "pow", [positive], (x) => g.pow(2, x), {
    expected: each((x) => 2 ** x),
  }),
  operandCase("to the power of a number", "pow", [signed], (x) => g.pow(x, 3), {
    expected: each((x) => x ** 3),
  }),
  operandCase("the same operand twice", "mul", [signed], (x) => g.mul(x, x), {
    expected: each((x) => x * x),
  }),
  operandCase("clamp", "clamp", [apart], (x) => g.clamp(x, -0.35, 0.45), {
    expected: each((x) => Math.min(Math.max(x, -0.35), 0.45)),
  }),
  operandCase(
    "where",
    "where",
    [{ shape: [2, 5], distinct: true }, [5], [2, 1]],
    (a, b, c) => g.where(isPositive(a), b, c),
    {
      expected: ({ a, b, c }) =>
        a!.data.map((x, i) => (x > 0 ? b!.data[i % 5]! : c!.data[Math.floor(i / 5)]!)),
    },
  ),
  operandCase(
    "where with numbers",
    "where",
    [apart],
    (x) => g.add(g.where(isPositive(x), x, 0.5), g.where(isPositive(x), 2, x)),
    {
      expected: each((x) => (x > 0 ? x + 2 : 0.5 + x)),
    },
  ),
  operandCase(
    "logic",
    "logicalAnd logicalOr logicalNot",
    [few, others],
    (a, b) =>
      g.logicalOr(g.logicalAnd(g.greater(a, 0), g.greater(b, 1)), g.logicalNot(g.greater(g.add(a, b), 2))),
    { frozen: true, expected: pair((x, y) => (x > 0 && y > 1) || !(x + y > 2)) },
  ),
  operandCase(
    "halves to even",
    "round",
    [{ shape: [6], values: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5] }],
    g.round,
    {
      frozen: true,
      expected: each(roundEven),
    },
  ),
  operandCase("stopGradient", "stopGradient", [signed, signed], (a, b) => g.mul(g.stopGradient(a), b), {
    frozen: ["a"],
    expected: pair((x, y) => x * y),
  }),
  operandCase("a mask as factor", "cast", [apart], (x) => g.mul(x, g.cast(isPositive(x), "f32")), {
    expected: each((x) => Math.max(x, 0)),
  }),
  operandCase(
    "cast through float16",
    "cast",
    [{ shape: [4], values: [0.5, -1.25, 3, 1024] }],
    (x) => g.cast(g.cast(x, "f16"), "f32"),
    {
      frozen: true,
      expected: each((x) => x),
    },
  ),
  operandCase(
    "cast through integers",
    "cast",
    [{ shape: [4], values: [0.5, -1.75, 3, 4.99] }],
    (x) => g.cast(g.cast(x, "i32"), "f32"),
    {
      frozen: true,
      expected: each(Math.trunc),
    },
  ),
  operandCase(
    "fill and constant",
    "fill constant zerosLike",
    [["batch", 3]],
    (x) => {
      const row = g.constant(x.graph, new Float32Array([1, 2, 3]), [3]);
      return g.add(g.add(g.mul(g.fill(x.graph, x.shape, 2.5), x), row), g.zerosLike(x));
    },
    {
      sizes: [{ batch: 2 }, { batch: 3 }],
      expected: ({ a }) => a!.data.map((x, i) => 2.5 * x + 1 + (i % 3)),
    },
  ),
];

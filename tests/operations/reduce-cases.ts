// Reductions, softmax and norms.
import * as g from "../../src/graph/index.js";
import { type NamedValues, type OperandSpec, type OperationCase, operandCase } from "./case.js";
import { meanOf, normalizeRow, rowsReference, softmaxRow, transposeReference } from "./reference.js";

const apart: OperandSpec = { shape: [2, 3, 4], distinct: true };
const lastAxis =
  (width: number, map: (row: Float64Array) => ArrayLike<number>) =>
  ({ a }: NamedValues) =>
    rowsReference(a!, width, map);
/** Reduces axis 1 of [2, 3, 4]. */
const middleAxis =
  (map: (row: Float64Array) => number) =>
  ({ a }: NamedValues) =>
    rowsReference(transposeReference(a!, [0, 2, 1]), 3, (row) => [map(row)]);
const total = (row: Float64Array) => row.reduce((a, b) => a + b, 0);
const top = (row: Float64Array) => Math.max(...row);
const logTotal = (row: Float64Array) => Math.log(total(row.map(Math.exp)));

const reductions: [string, typeof g.sum, (row: Float64Array) => number, OperandSpec][] = [
  ["sum", g.sum, total, { shape: [2, 3, 4] }],
  ["sumSquares", g.sumSquares, (row) => total(row.map((value) => value * value)), { shape: [2, 3, 4] }],
  ["mean", g.mean, meanOf, { shape: [2, 3, 4] }],
  ["max", g.max, top, apart],
  ["min", g.min, (row) => Math.min(...row), apart],
];

export const reduceCases: readonly OperationCase[] = [
  ...reductions.flatMap(([name, build, map, spec]) => [
    operandCase(`${name} of all`, name, [spec], (x) => build(x), { expected: ({ a }) => [map(a!.data)] }),
    operandCase(`${name} of a middle axis`, name, [spec], (x) => build(x, 1), { expected: middleAxis(map) }),
    operandCase(`${name} of the last axis, kept`, name, [spec], (x) => build(x, -1, { keepAxes: true }), {
      expected: lastAxis(4, (row) => [map(row)]),
    }),
    operandCase(`${name} of two axes`, name, [spec], (x) => build(x, [2, 1, -1]), {
      expected: lastAxis(12, (row) => [map(row)]),
    }),
  ]),
  operandCase("max with ties", "max", [{ shape: [2, 3], values: [1, 2, 2, 0, 0, 0] }], (x) => g.max(x, 1), {
    frozen: true,
    expected: () => [2, 0],
  }),
  operandCase("mean over a symbol", "mean", [["n", 3]], (x) => g.mean(x, 0), {
    sizes: [{ n: 2 }, { n: 5 }],
    expected: ({ a }) => rowsReference(transposeReference(a!, [1, 0]), a!.shape[0]!, (row) => [meanOf(row)]),
  }),
  operandCase(
    "sum over a symbol, kept",
    "sum",
    [["n", 3]],
    (x) => g.mul(g.sum(x, 0, { keepAxes: true }), x),
    {
      sizes: [{ n: 2 }, { n: 5 }],
    },
  ),
  operandCase("logSumExp", "logSumExp", [apart], (x) => g.logSumExp(x, 1), {
    expected: middleAxis(logTotal),
  }),
  operandCase("logSumExp, kept", "logSumExp", [apart], (x) => g.logSumExp(x, -1, { keepAxes: true }), {
    expected: lastAxis(4, (row) => [logTotal(row)]),
  }),
  operandCase(
    "logSumExp of large values",
    "logSumExp",
    [{ shape: [2, 2], values: [300, 300.5, -400, -400.25] }],
    (x) => g.logSumExp(x, 1),
    {
      frozen: true,
      expected: () => [300.5 + Math.log1p(Math.exp(-0.5)), -400 + Math.log1p(Math.exp(-0.25))],
    },
  ),
  operandCase("sumTo", "sumTo", [[2, 3, 4]], (x) => g.sumTo(x, [3, 1]), {
    expected: ({ a }) => rowsReference(transposeReference(a!, [1, 0, 2]), 8, (row) => [total(row)]),
  }),
  operandCase("argMax", "argMax", [apart], (x) => g.argMax(x, 1), {
    frozen: true,
    expected: middleAxis((row) => row.indexOf(top(row))),
  }),
  operandCase("softmax", "softmax", [[2, 2, 4]], g.softmax, { expected: lastAxis(4, softmaxRow) }),
  operandCase("softmax of a symbol", "softmax", [["n", "m"]], g.softmax, {
    sizes: [
      { n: 2, m: 3 },
      { n: 1, m: 4 },
    ],
    expected: ({ a }) => rowsReference(a!, a!.shape[1]!, softmaxRow),
  }),
  operandCase(
    "softmax of large values",
    "softmax",
    [{ shape: [1, 3], values: [500, 501, -300] }],
    g.softmax,
    {
      frozen: true,
      expected: lastAxis(3, softmaxRow),
    },
  ),
  operandCase("logSoftmax", "logSoftmax", [{ shape: [3, 4], distinct: true }], g.logSoftmax, {
    expected: lastAxis(4, (row) => softmaxRow(row).map(Math.log)),
  }),
  operandCase("layerNorm", "layerNorm", [[3, 5]], (x) => g.layerNorm(x), {
    expected: lastAxis(5, normalizeRow(1e-5)),
  }),
  operandCase(
    "layerNorm with weight and bias",
    "layerNorm",
    [[2, 2, 5], [5], [5]],
    (x, weight, bias) => g.layerNorm(x, { weight, bias, epsilon: 0.1 }),
    {
      expected: ({ a, b, c }) =>
        rowsReference(a!, 5, (row) => normalizeRow(0.1)(row).map((v, i) => v * b!.data[i]! + c!.data[i]!)),
    },
  ),
  operandCase(
    "layerNorm of symbols",
    "layerNorm",
    [["batch", "tokens", 4], [4]],
    (x, weight) => g.layerNorm(x, { weight }),
    {
      sizes: [
        { batch: 1, tokens: 3 },
        { batch: 2, tokens: 2 },
      ],
      expected: ({ a, b }) =>
        rowsReference(a!, 4, (row) => normalizeRow(1e-5)(row).map((v, i) => v * b!.data[i]!)),
    },
  ),
  operandCase(
    "layerNorm with a modulation",
    "layerNorm",
    [
      [2, 3, 4],
      [2, 1, 4],
      [2, 1, 4],
    ],
    (x, scale, shift) => g.add(g.mul(g.layerNorm(x), g.add(scale, 1)), shift),
  ),
  operandCase("rmsNorm", "rmsNorm", [[3, 5], [5], [5]], (x, weight, bias) => g.rmsNorm(x, { weight, bias }), {
    expected: ({ a, b, c }) =>
      rowsReference(a!, 5, (row) => {
        const root = Math.sqrt(meanOf(row.map((v) => v * v)) + 1e-6);
        return row.map((v, i) => (v / root) * b!.data[i]! + c!.data[i]!);
      }),
  }),
  operandCase("l2Normalize", "l2Normalize", [[3, 4]], (x) => g.l2Normalize(x), {
    expected: lastAxis(4, (row) => row.map((v) => v / Math.sqrt(total(row.map((u) => u * u)) + 1e-6))),
  }),
  operandCase("groupNorm", "groupNorm", [[2, 4, 2, 3], [4], [4]], (x, w, b) => g.groupNorm(x, 2, w, b), {
    expected: (values) => groupNormReference(values, 12),
  }),
  operandCase(
    "groupNorm of tokens",
    "groupNorm",
    [[2, 6, 3], [6], [6]],
    (x, w, b) => g.groupNorm(x, 3, w, b, 1e-5),
    {
      expected: (values) => groupNormReference(values, 6),
    },
  ),
  operandCase(
    "groupNorm of symbols",
    "groupNorm",
    [["batch", 4, "height", "width"], [4], [4]],
    (x, w, b) => g.groupNorm(x, 2, w, b),
    {
      sizes: [
        { batch: 1, height: 3, width: 2 },
        { batch: 2, height: 2, width: 4 },
      ],
      expected: (values) => groupNormReference(values, 2 * values.a!.shape[2]! * values.a!.shape[3]!),
    },
  ),
  operandCase(
    "groupNorm, channels last",
    "groupNormLast",
    [["batch", "height", 2, 4], [4], [4]],
    (x, w, b) => g.groupNormLast(x, 2, w, b, 1e-5),
    {
      sizes: [
        { batch: 1, height: 3 },
        { batch: 2, height: 2 },
      ],
      expected: groupNormLastReference,
    },
  ),
];

/** Two groups of two channels, which are last. */
function groupNormLastReference({ a, b, c }: NamedValues): Float64Array {
  const [batch, height, width, channels] = a!.shape as [number, number, number, number];
  const plane = height * width;
  const toFirst = (at: number) => {
    const [image, place, channel] = [
      Math.floor(at / (plane * channels)),
      Math.floor(at / channels) % plane,
      at % channels,
    ];
    return (image * channels + channel) * plane + place;
  };
  const data = new Float64Array(a!.data.length);
  a!.data.forEach((value, at) => {
    data[toFirst(at)] = value;
  });
  const first = { ...a!, shape: [batch, channels, height, width], data };
  const expected = groupNormReference({ a: first, b: b!, c: c! }, 2 * plane);
  return expected.map((_, at) => expected[toFirst(at)]!);
}

/** `size`: elements of one group. */
function groupNormReference({ a, b, c }: NamedValues, size: number): Float64Array {
  const [, channels, ...space] = a!.shape as [number, number, ...number[]];
  const plane = space.reduce((x, y) => x * y, 1);
  const normalized = rowsReference(a!, size, normalizeRow(1e-5));
  return Float64Array.from(normalized, (value, at) => {
    const channel = Math.floor(at / plane) % channels;
    return value * b!.data[channel]! + c!.data[channel]!;
  });
}

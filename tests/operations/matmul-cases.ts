// Matrix products and attention.
import * as g from "../../src/graph/index.js";
import { type NamedValues, type OperationCase, operandCase, type Values } from "./case.js";
import { attentionReference, matmulReference, transposeReference } from "./reference.js";

/** Last two axes exchanged. */
function swap(x: Values): Values {
  const rank = x.shape.length;
  return transposeReference(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

const product =
  ({ transposeA = false, transposeB = false } = {}) =>
  ({ a, b }: NamedValues) =>
    matmulReference(transposeA ? swap(a!) : a!, transposeB ? swap(b!) : b!);

const flagRows = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

function flagged(lead: readonly number[], leadB: readonly number[]): OperationCase[] {
  return flagRows.map((flags) => {
    const a = [...lead, ...(flags.transposeA ? [4, 3] : [3, 4])];
    const b = [...leadB, ...(flags.transposeB ? [2, 4] : [4, 2])];
    const marks = `${flags.transposeA ? "ᵀ" : ""} × [${b}]${flags.transposeB ? "ᵀ" : ""}`;
    const expected = leadB.length === 0 || `${lead}` === `${leadB}` ? product(flags) : undefined;
    return operandCase(`matmul [${a}]${marks}`, "matmul", [a, b], (x, y) => g.matmul(x, y, flags), {
      expected,
    });
  });
}

const tokens = (name: string, width: number) => ["batch", name, width] as const;
const attentionExpected =
  (heads: number, scale?: number) =>
  ({ a, b, c, d }: NamedValues) =>
    attentionReference([a!, b!, c!, d], heads, { scale });

export const matmulCases: readonly OperationCase[] = [
  ...flagged([], []),
  ...flagged([2], [2]),
  ...flagged([2], []),
  ...flagged([2, 1], [1, 3]),
  ...flagged([], [2]),
  operandCase(
    "matmul of symbols",
    "matmul",
    [
      ["batch", 2, "n"],
      ["batch", "n", 3],
    ],
    (a, b) => g.matmul(a, b),
    {
      sizes: [
        { batch: 1, n: 4 },
        { batch: 3, n: 2 },
      ],
      expected: product(),
    },
  ),
  operandCase("linear", "linear", [[4, 3], [2, 3], [2]], g.linear, {
    expected: ({ a, b, c }) => matmulReference(a!, swap(b!)).map((v, i) => v + c!.data[i % 2]!),
  }),
  operandCase(
    "linear of a batch",
    "linear",
    [
      [2, 2, 3],
      [4, 3],
    ],
    (x, w) => g.linear(x, w),
    {
      expected: ({ a, b }) => matmulReference(a!, swap(b!)),
    },
  ),
  // Long enough for the weight gradient to be summed in pieces.
  operandCase("linear of many rows", "linear", [[4096, 2], [3, 2], [3]], g.linear, {
    expected: ({ a, b, c }) => matmulReference(a!, swap(b!)).map((v, i) => v + c!.data[i % 3]!),
  }),
  operandCase(
    "matmul with a factor",
    "matmul",
    [
      [2, 3],
      [4, 3],
    ],
    (a, b) => g.matmul(a, b, { transposeB: true, scale: -0.7 }),
    {
      expected: ({ a, b }) => matmulReference(a!, swap(b!)).map((v) => -0.7 * v),
    },
  ),
  operandCase(
    "matmul of batches with a factor",
    "matmul",
    [
      [2, 2, 3],
      [2, 3, 2],
    ],
    (a, b) => g.matmul(a, b, { scale: 3 }),
    {
      expected: ({ a, b }) => matmulReference(a!, b!).map((v) => 3 * v),
    },
  ),
  operandCase(
    "addProduct",
    "addProduct",
    [
      [4, 3],
      [4, 2],
      [2, 3],
    ],
    (a, b, c) => g.addProduct(a, b, c!, -0.7),
    {
      expected: ({ a, b, c }) => matmulReference(b!, c!).map((v, i) => a!.data[i]! - 0.7 * v),
    },
  ),
  operandCase("linear of a row", "linear", [[3], [2, 3], [2]], g.linear, {
    expected: ({ a, b, c }) =>
      matmulReference({ shape: [1, 3], data: a!.data }, swap(b!)).map((v, i) => v + c!.data[i % 2]!),
  }),
  operandCase("linear of symbols", "linear", [["batch", "tokens", 3], [2, 3], [2]], g.linear, {
    sizes: [
      { batch: 1, tokens: 3 },
      { batch: 2, tokens: 2 },
    ],
    expected: ({ a, b, c }) => matmulReference(a!, swap(b!)).map((v, i) => v + c!.data[i % 2]!),
  }),
  operandCase(
    "linear of a symbolic batch of fixed tokens",
    "linear",
    [["batch", 2, 3], [2, 3], [2]],
    g.linear,
    {
      sizes: [{ batch: 1 }, { batch: 3 }],
      expected: ({ a, b, c }) => matmulReference(a!, swap(b!)).map((v, i) => v + c!.data[i % 2]!),
    },
  ),
  operandCase(
    "attention",
    "attention",
    [
      [2, 3, 4],
      [2, 3, 4],
      [2, 3, 4],
    ],
    (q, k, v) => g.attention(q, k, v, { heads: 2 }),
    {
      expected: attentionExpected(2),
    },
  ),
  operandCase(
    "attention across, other value width",
    "attention",
    [
      [2, 3, 4],
      [2, 2, 4],
      [2, 2, 6],
    ],
    (q, k, v) => g.attention(q, k, v, { heads: 2 }),
    {
      expected: attentionExpected(2),
    },
  ),
  operandCase(
    "attention with one head and a scale",
    "attention",
    [
      [1, 3, 4],
      [1, 2, 4],
      [1, 2, 4],
    ],
    (q, k, v) => g.attention(q, k, v, { heads: 1, scale: 0.9 }),
    {
      expected: attentionExpected(1, 0.9),
    },
  ),
  ...(
    [
      ["for all heads", [1, 1, 3, 2]],
      ["for each head", [1, 2, 3, 2]],
      ["for each of the batch", [2, 1, 3, 2]],
      ["for everything", [2, 2, 3, 2]],
      ["for each key", [2, 1, 1, 2]],
    ] as const
  ).map(([name, shape]) =>
    operandCase(
      `attention with a bias ${name}`,
      "attention",
      [[2, 3, 4], [2, 2, 4], [2, 2, 4], shape],
      (q, k, v, bias) => g.attention(q, k, v, { heads: 2, bias }),
      {
        expected: attentionExpected(2),
      },
    ),
  ),
  operandCase(
    "attention of symbols",
    "attention",
    [tokens("n", 4), tokens("m", 4), tokens("m", 4)],
    (q, k, v) => g.attention(q, k, v, { heads: 2 }),
    {
      sizes: [
        { batch: 1, n: 3, m: 2 },
        { batch: 2, n: 2, m: 3 },
      ],
      expected: attentionExpected(2),
    },
  ),
  operandCase(
    "attentionParts: the map",
    "attentionParts",
    [
      [2, 3, 4],
      [2, 2, 4],
      [2, 2, 4],
    ],
    (q, k, v) => g.attentionParts(q, k, v, { heads: 2 }).weights,
    {
      frozen: ["c"],
      expected: ({ a, b, c }) => attentionReference([a!, b!, c!], 2, { weights: true }),
    },
  ),
];

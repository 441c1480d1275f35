// Operations that move elements, and reading and adding by index.

import type { Tensor } from "../../src/graph/index.js";
import * as g from "../../src/graph/index.js";
import { type NamedValues, type OperationCase, operandCase } from "./case.js";
import { rowsReference, transposeReference } from "./reference.js";

const same = ({ a }: NamedValues) => a!.data;
/** Rows of a table [n, width] by index. */
const rowsOf = (width: number, ids: readonly number[], data: Float64Array) =>
  ids.flatMap((id) => [...data.slice(id * width, (id + 1) * width)]);
const integers = (
  x: Tensor,
  ids: readonly number[],
  shape: readonly number[] = [ids.length],
  dtype: "i64" | "i32" = "i64",
) =>
  dtype === "i64"
    ? g.constant(x.graph, BigInt64Array.from(ids, BigInt), shape, "i64")
    : g.constant(x.graph, Int32Array.from(ids), shape, "i32");

const permutations = [
  [1, 0, 2],
  [2, 0, 1],
  [0, 2, 1],
  [2, 1, 0],
] as const;

const moving: readonly OperationCase[] = [
  operandCase("reshape", "reshape", [[2, 3, 4]], (x) => g.mul(g.reshape(x, [4, -1]), 2), {
    expected: ({ a }) => a!.data.map((v) => 2 * v),
  }),
  operandCase(
    "reshape of symbols",
    "reshape",
    [["batch", "n", 6]],
    (x) => g.reshape(g.reshape(x, [-1, 2, 3]), ["batch", "n", 3, 2]),
    {
      sizes: [
        { batch: 1, n: 2 },
        { batch: 2, n: 3 },
      ],
      expected: same,
    },
  ),
  operandCase(
    "reshape that joins a symbol and numbers",
    "reshape",
    [["batch", 2, 3]],
    (x) => {
      const joined = g.exp(g.reshape(x, [-1, 3]));
      return g.reshape(joined, ["batch", -1]);
    },
    {
      sizes: [{ batch: 1 }, { batch: 3 }],
      expected: ({ a }) => a!.data.map(Math.exp),
    },
  ),
  operandCase("unsqueeze", "unsqueeze", [[2, 3]], (x) => g.unsqueeze(g.unsqueeze(x, 1), -1), {
    expected: same,
  }),
  ...permutations.map((order) =>
    operandCase(`transpose [${order}]`, "transpose", [[2, 3, 4]], (x) => g.transpose(x, order), {
      expected: ({ a }) => transposeReference(a!, order).data,
    }),
  ),
  operandCase("transpose of the last two axes", "transpose", [["batch", 2, 3]], (x) => g.transpose(x), {
    sizes: [{ batch: 1 }, { batch: 2 }],
    expected: ({ a }) => transposeReference(a!, [0, 2, 1]).data,
  }),
  operandCase("expand", "expand", [[2, 1]], (x) => g.expand(x, [3, 2, 2]), {
    expected: ({ a }) => [0, 1, 2].flatMap(() => [...a!.data].flatMap((v) => [v, v])),
  }),
  operandCase(
    "expand to a symbol",
    "expand",
    [
      [1, 2],
      ["n", 2],
    ],
    (x, y) => g.mul(g.expand(x, ["n", 2]), y),
    {
      sizes: [{ n: 1 }, { n: 3 }],
      expected: ({ a, b }) => b!.data.map((v, i) => v * a!.data[i % 2]!),
    },
  ),
  operandCase(
    "concat",
    "concat",
    [
      [2, 1],
      [2, 3],
      [2, 2],
    ],
    (a, b, c) => g.concat([a, b, c], -1),
    {
      expected: ({ a, b, c }) =>
        [0, 1].flatMap((r) => [
          ...a!.data.slice(r, r + 1),
          ...b!.data.slice(3 * r, 3 * r + 3),
          ...c!.data.slice(2 * r, 2 * r + 2),
        ]),
    },
  ),
  operandCase("concat of one tensor twice", "concat", [[2, 3]], (x) => g.concat([x, x, g.mul(x, 2)], 0), {
    expected: ({ a }) => [...a!.data, ...a!.data, ...a!.data.map((v) => 2 * v)],
  }),
  operandCase(
    "concat along another axis than the symbol",
    "concat",
    [
      ["n", 2],
      ["n", 1],
    ],
    (a, b) => g.concat([a, b], 1),
    {
      sizes: [{ n: 1 }, { n: 3 }],
    },
  ),
  operandCase(
    "concat along a symbol",
    "concat",
    [
      ["n", 2],
      [3, 2],
    ],
    (a, b) => g.concat([a, b], 0),
    {
      sizes: [{ n: 1 }, { n: 2 }],
      frozen: true,
      expected: ({ a, b }) => [...a!.data, ...b!.data],
    },
  ),
  operandCase(
    "concat along a symbol, then a product with its size",
    "concat fill",
    [
      ["n", 2],
      ["m", 2],
    ],
    (a, b) => {
      const joined = g.concat([a, b], 0);
      return g.add(joined, g.fill(a.graph, joined.shape, 1));
    },
    {
      sizes: [
        { n: 1, m: 2 },
        { n: 2, m: 2 },
      ],
      frozen: true,
      expected: ({ a, b }) => [...a!.data, ...b!.data].map((v) => v + 1),
    },
  ),
  ...(
    [
      ["from the middle", 1, 3, 1],
      ["to the end", 2, undefined, 1],
      ["from the end", -2, undefined, 1],
      ["up to one before the end", 0, -1, 1],
      ["by twos", 0, undefined, 2],
      ["by twos from 1", 1, 5, 2],
      ["by threes with a rest", 0, 5, 3],
      ["by threes, last element left out", 1, 4, 3],
    ] as const
  ).map(([name, start, end, step]) =>
    operandCase(`slice ${name}`, "slice", [[5, 2]], (x) => g.slice(x, 0, start, end, step), {
      expected: ({ a }) => {
        const [from, to] = [start < 0 ? start + 5 : start, end === undefined ? 5 : end < 0 ? end + 5 : end];
        const ids = [0, 1, 2, 3, 4].filter((i) => i >= from && i < to && (i - from) % step === 0);
        return rowsOf(2, ids, a!.data);
      },
    }),
  ),
  operandCase("crop", "crop", [[5, 2]], (x) => g.crop(x, 0, 3), {
    expected: ({ a }) => rowsOf(2, [0, 1, 2], a!.data),
  }),
  operandCase(
    "crop to the size of another",
    "crop",
    [
      ["n", 2],
      ["m", 2],
    ],
    (a, b) => g.add(g.crop(a, 0, b.shape[0]!), b),
    {
      sizes: [
        { n: 5, m: 3 },
        { n: 4, m: 4 },
      ],
      frozen: true,
      expected: ({ a, b }) => [...b!.data].map((v, i) => v + a!.data[i]!),
    },
  ),
  operandCase(
    "slice of a symbol",
    "slice",
    [["n", 2]],
    (x) => g.concat([g.slice(x, 0, 1), g.slice(x, 0, 0, 2), g.slice(x, 0, 1, undefined, 2)], 0),
    {
      sizes: [{ n: 3 }, { n: 4 }],
      frozen: true,
      expected: ({ a }) => {
        const rows = Array.from({ length: a!.shape[0]! }, (_, i) => i);
        return rowsOf(2, [...rows.slice(1), 0, 1, ...rows.filter((i) => i % 2 === 1)], a!.data);
      },
    },
  ),
  operandCase("slice beside a symbol", "slice", [["n", 5]], (x) => g.slice(x, 1, 1, 4, 2), {
    sizes: [{ n: 1 }, { n: 2 }],
    expected: ({ a }) => rowsReference(a!, 5, (row) => [row[1]!, row[3]!]),
  }),
  operandCase(
    "split into equal parts",
    "split",
    [[2, 6]],
    (x) => {
      const [a, b, c] = g.split(x, 1, 3);
      return g.add(g.mul(a!, b!), c!);
    },
    {
      expected: ({ a }) =>
        rowsReference(a!, 6, (row) => [row[0]! * row[2]! + row[4]!, row[1]! * row[3]! + row[5]!]),
    },
  ),
  operandCase(
    "split into given parts",
    "split",
    [[4, 2]],
    (x) => g.concat([...g.split(x, 0, [1, 3])].reverse(), 0),
    {
      expected: ({ a }) => rowsOf(2, [1, 2, 3, 0], a!.data),
    },
  ),
  operandCase("pad", "pad", [[2, 2]], (x) => g.pad(x, [1, 0], [0, 2]), {
    expected: ({ a }) => [0, 0, 0, 0, a!.data[0]!, a!.data[1]!, 0, 0, a!.data[2]!, a!.data[3]!, 0, 0],
  }),
  operandCase("pad with a value beside a symbol", "pad", [["n", 2]], (x) => g.pad(x, [0, 1], [0, 0], -2.5), {
    sizes: [{ n: 1 }, { n: 2 }],
    expected: ({ a }) => rowsReference(a!, 2, (row) => [-2.5, ...row]),
  }),
  operandCase("pad of a symbol", "pad", [["n", 2]], (x) => g.mul(g.pad(x, [1, 0], [2, 0]), 3), {
    sizes: [{ n: 1 }, { n: 2 }],
    frozen: true,
    expected: ({ a }) => [0, 0, ...a!.data.map((v) => 3 * v), 0, 0, 0, 0],
  }),
];

const byIndex: readonly OperationCase[] = [
  operandCase("gather rows, repeated", "gather", [[4, 3]], (x) => g.gather(x, integers(x, [2, 0, 2, 2])), {
    expected: ({ a }) => rowsOf(3, [2, 0, 2, 2], a!.data),
  }),
  operandCase(
    "gather a batch of rows, i32",
    "gather",
    [[4, 2]],
    (x) => g.gather(x, integers(x, [1, 3, 3, 0, 1, 1], [3, 2], "i32")),
    {
      expected: ({ a }) => rowsOf(2, [1, 3, 3, 0, 1, 1], a!.data),
    },
  ),
  operandCase("gather columns", "gather", [[2, 4]], (x) => g.gather(x, integers(x, [3, 1, 3]), 1), {
    expected: ({ a }) => rowsReference(a!, 4, (row) => [row[3]!, row[1]!, row[3]!]),
  }),
  operandCase(
    "gather a grid of columns",
    "gather",
    [[2, 4, 2]],
    (x) => g.gather(x, integers(x, [3, 1, 3, 0], [2, 2]), -2),
    {
      expected: ({ a }) => rowsReference(a!, 8, (row) => rowsOf(2, [3, 1, 3, 0], row)),
    },
  ),
  operandCase("gather one row", "gather", [[3, 2]], (x) => g.gather(x, integers(x, [1], [])), {
    expected: ({ a }) => rowsOf(2, [1], a!.data),
  }),
  operandCase(
    "gather by symbolic indices",
    "gather cast",
    [[3, 2], { shape: ["n"], values: [2, 0, 2, 1] }],
    (x, ids) => g.gather(x, g.cast(ids, "i64")),
    {
      sizes: [{ n: 2 }, { n: 4 }],
      frozen: ["b"],
      expected: ({ a, b }) => rowsOf(2, [...b!.data], a!.data),
    },
  ),
  operandCase(
    "oneHot",
    "oneHot",
    [{ shape: [2, 2], values: [1, 0, 2, 1] }],
    (x) => g.oneHot(g.cast(x, "i32"), 3, x),
    {
      frozen: true,
      expected: () => [0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0],
    },
  ),
  ...([g.scatterAdd, g.scatterAddByProduct] as const).flatMap((scatter) => [
    operandCase(
      `${scatter.name}, repeated`,
      scatter.name,
      [
        [4, 2],
        [3, 2],
      ],
      (x, updates) => scatter(x, integers(x, [1, 3, 1]), updates),
      {
        expected: ({ a, b }) => a!.data.map((v, i) => v + added(b!.data, [1, 3, 1], 2, i)),
      },
    ),
    operandCase(
      `${scatter.name}, i32, planes`,
      scatter.name,
      [
        [3, 2, 2],
        [2, 2, 2],
      ],
      (x, updates) => scatter(x, integers(x, [2, 2], [2], "i32"), updates),
      {
        expected: ({ a, b }) => a!.data.map((v, i) => v + added(b!.data, [2, 2], 4, i)),
      },
    ),
  ]),
  operandCase(
    "gatherElements",
    "gatherElements",
    [[2, 3]],
    (x) => g.gatherElements(x, integers(x, [2, 2, 0, 1], [2, 2]), 1),
    {
      expected: ({ a }) => [a!.data[2]!, a!.data[2]!, a!.data[3]!, a!.data[4]!],
    },
  ),
  operandCase(
    "gatherElements of the first axis",
    "gatherElements",
    [[3, 2]],
    (x) => g.gatherElements(x, integers(x, [2, 0, 2, 1], [2, 2]), 0),
    {
      expected: ({ a }) => [a!.data[4]!, a!.data[1]!, a!.data[4]!, a!.data[3]!],
    },
  ),
  operandCase(
    "scatterAddElements",
    "scatterAddElements",
    [
      [2, 3],
      [2, 2],
    ],
    (x, updates) => g.scatterAddElements(x, integers(x, [2, 2, 0, 1], [2, 2]), updates, 1),
    {
      expected: ({ a, b }) => {
        const y = a!.data.slice();
        [2, 2, 3, 4].forEach((at, i) => {
          y[at]! += b!.data[i]!;
        });
        return y;
      },
    },
  ),
];

/** What rows of `updates` add to element `at` of the base. */
function added(updates: Float64Array, ids: readonly number[], width: number, at: number): number {
  const row = Math.floor(at / width);
  return ids.reduce((sum, id, i) => (id === row ? sum + updates[i * width + (at % width)]! : sum), 0);
}

export const shapeCases: readonly OperationCase[] = [...moving, ...byIndex];

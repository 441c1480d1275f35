// Convolution, pooling, up-sampling, folding of pixels.
import * as g from "../../src/graph/index.js";
import { type NamedValues, type OperandSpec, type OperationCase, operandCase } from "./case.js";
import {
  bilinearSample,
  convReference,
  convTransposeReference,
  enlargeReference,
  meanOf,
  poolReference,
  transposeReference,
} from "./reference.js";

type Padding = readonly [number, number, number, number];
interface Row {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly stride?: number;
  readonly padding?: number | Padding;
  readonly dilation?: number;
  readonly groups?: number;
  readonly outputPadding?: number;
}

const sides = (padding: number | Padding = 0): Padding =>
  typeof padding === "number" ? [padding, padding, padding, padding] : padding;

const convRows: readonly Row[] = [
  { name: "3×3", x: [2, 2, 4, 5], w: [3, 2, 3, 3] },
  { name: "1×1", x: [2, 2, 3, 2], w: [3, 2, 1, 1] },
  { name: "padding", x: [1, 2, 3, 4], w: [2, 2, 3, 3], padding: 1 },
  { name: "stride that leaves a row", x: [1, 2, 6, 5], w: [2, 2, 3, 3], stride: 2, padding: 1 },
  { name: "stride without a rest", x: [1, 1, 5, 5], w: [2, 1, 3, 3], stride: 2 },
  { name: "stride larger than the kernel", x: [1, 2, 7, 8], w: [1, 2, 2, 2], stride: 3 },
  { name: "patches", x: [1, 2, 4, 4], w: [3, 2, 2, 2], stride: 2 },
  { name: "dilation", x: [1, 1, 6, 7], w: [2, 1, 3, 3], dilation: 2 },
  {
    name: "dilation, stride and padding",
    x: [1, 1, 7, 8],
    w: [2, 1, 2, 3],
    dilation: 2,
    stride: 2,
    padding: 1,
  },
  { name: "groups", x: [2, 4, 3, 4], w: [6, 2, 2, 3], groups: 2, padding: 1 },
  { name: "depthwise", x: [1, 3, 4, 4], w: [3, 1, 3, 3], groups: 3, padding: 1 },
  { name: "depthwise with stride", x: [1, 2, 5, 6], w: [4, 1, 3, 3], groups: 2, stride: 2, padding: 1 },
  { name: "uneven padding", x: [1, 2, 4, 4], w: [2, 2, 3, 3], padding: [0, 1, 1, 2], stride: 2 },
  { name: "kernel of two shapes", x: [1, 1, 4, 5], w: [2, 1, 1, 4], padding: [0, 2, 0, 1] },
];

const transposeRows: readonly Row[] = [
  { name: "3×3", x: [2, 2, 3, 2], w: [2, 3, 3, 3] },
  { name: "padding", x: [1, 2, 3, 3], w: [2, 2, 3, 3], padding: 1 },
  { name: "stride", x: [1, 2, 3, 2], w: [2, 1, 2, 2], stride: 2 },
  {
    name: "stride, padding, output padding",
    x: [2, 2, 3, 2],
    w: [2, 2, 3, 3],
    stride: 2,
    padding: 1,
    outputPadding: 1,
  },
  { name: "overlapping stride", x: [1, 1, 3, 3], w: [1, 2, 4, 4], stride: 2, padding: 1 },
  { name: "dilation", x: [1, 1, 3, 2], w: [1, 2, 2, 3], dilation: 2 },
  { name: "groups", x: [1, 4, 2, 3], w: [4, 3, 2, 2], groups: 2, stride: 2 },
  { name: "depthwise", x: [1, 3, 3, 2], w: [3, 1, 3, 3], groups: 3, padding: 1 },
  { name: "uneven padding", x: [1, 2, 3, 3], w: [2, 1, 3, 3], padding: [1, 0, 2, 1], stride: 2 },
];

const poolRows = [
  { name: "2×2", x: [1, 2, 4, 4], kernel: 2 },
  { name: "with a rest", x: [1, 1, 5, 5], kernel: 2 },
  { name: "overlapping", x: [1, 1, 5, 6], kernel: 3, stride: 1 },
  { name: "stride and padding", x: [2, 1, 6, 5], kernel: 3, stride: 2, padding: 1 },
  { name: "stride larger than the kernel", x: [1, 1, 7, 7], kernel: 2, stride: 3 },
];

const channelsFirst = [0, 3, 1, 2];
const apart = (shape: readonly number[]): OperandSpec => ({ shape, distinct: true });
const average = (window: readonly (number | undefined)[]) => meanOf(Float64Array.from(window, (v) => v ?? 0));
const largest = (window: readonly (number | undefined)[]) => Math.max(...window.map((v) => v ?? -Infinity));

/** Channels-last convolution by the loops of the other layout. */
function lastReference({ a, b }: NamedValues): Float64Array {
  const margin = (b!.shape[1]! - 1) / 2;
  const [x, w] = [transposeReference(a!, channelsFirst), transposeReference(b!, channelsFirst)];
  const data = convReference(x, w, { padding: sides(margin) });
  const shape = [a!.shape[0]!, b!.shape[0]!, a!.shape[1]!, a!.shape[2]!];
  return transposeReference({ shape, data }, [0, 2, 3, 1]).data;
}

const withBias = (values: Float64Array, bias: Float64Array, plane: number) =>
  values.map((v, i) => v + bias[Math.floor(i / plane) % bias.length]!);

export const imageCases: readonly OperationCase[] = [
  ...convRows.map(({ name, x, w, ...options }) =>
    operandCase(`conv2d ${name}`, "conv2d", [x, w], (a, b) => g.conv2d(a, b, options), {
      expected: ({ a, b }) => convReference(a!, b!, { ...options, padding: sides(options.padding) }),
    }),
  ),
  operandCase(
    "conv2d with a bias",
    "conv2d",
    [[2, 1, 3, 3], [2, 1, 3, 3], [2]],
    (x, w, bias) => g.conv2d(x, w, { bias, padding: 1 }),
    {
      expected: ({ a, b, c }) => withBias(convReference(a!, b!, { padding: sides(1) }), c!.data, 9),
    },
  ),
  operandCase(
    "conv2d of a symbolic batch",
    "conv2d",
    [
      ["batch", 2, 4, 4],
      [2, 2, 3, 3],
    ],
    (x, w) => g.conv2d(x, w, { padding: 1, stride: 2 }),
    {
      sizes: [{ batch: 1 }, { batch: 3 }],
      expected: ({ a, b }) => convReference(a!, b!, { padding: sides(1), stride: 2 }),
    },
  ),
  operandCase(
    "conv2d of symbolic sizes",
    "conv2d",
    [
      [1, 1, "height", "width"],
      [2, 1, 3, 3],
    ],
    (x, w) => g.conv2d(x, w, { padding: 1, stride: 2 }),
    {
      sizes: [
        { height: 4, width: 5 },
        { height: 3, width: 6 },
      ],
      frozen: true,
      expected: ({ a, b }) => convReference(a!, b!, { padding: sides(1), stride: 2 }),
    },
  ),
  ...transposeRows.map(({ name, x, w, outputPadding = 0, ...options }) =>
    operandCase(
      `convTranspose2d ${name}`,
      "convTranspose2d",
      [x, w],
      (a, b) => g.convTranspose2d(a, b, { ...options, outputPadding }),
      {
        expected: ({ a, b }) =>
          convTransposeReference(a!, b!, { ...options, padding: sides(options.padding) }, outputPadding),
      },
    ),
  ),
  operandCase(
    "convTranspose2d with a bias",
    "convTranspose2d",
    [["batch", 2, 2, 3], [2, 2, 2, 2], [2]],
    (x, w, bias) => g.convTranspose2d(x, w, { bias, stride: 2 }),
    {
      sizes: [{ batch: 1 }, { batch: 2 }],
      expected: ({ a, b, c }) => withBias(convTransposeReference(a!, b!, { stride: 2 }), c!.data, 24),
    },
  ),
  ...([1, 3, 5] as const).map((kernel) =>
    operandCase(
      `convChannelsLast ${kernel}×${kernel}`,
      "convChannelsLast",
      [
        [2, 3, 4, 2],
        [3, kernel, kernel, 2],
      ],
      (x, w) => g.convChannelsLast(x, w),
      {
        expected: lastReference,
      },
    ),
  ),
  operandCase(
    "convChannelsLast with a bias",
    "convChannelsLast",
    [["batch", 3, 3, 2], [2, 3, 3, 2], [2]],
    g.convChannelsLast,
    {
      sizes: [{ batch: 1 }, { batch: 2 }],
      expected: (values) => lastReference(values).map((v, i) => v + values.c!.data[i % 2]!),
    },
  ),
  ...poolRows.flatMap(({ name, x, kernel, stride = kernel, padding = 0 }) => [
    operandCase(
      `averagePool2d ${name}`,
      "averagePool2d",
      [x],
      (a) => g.averagePool2d(a, kernel, { stride, padding }),
      {
        expected: ({ a }) => poolReference(a!, kernel, stride, padding, average),
      },
    ),
    operandCase(
      `maxPool2d ${name}`,
      "maxPool2d",
      [apart(x)],
      (a) => g.maxPool2d(a, kernel, { stride, padding }),
      {
        expected: ({ a }) => poolReference(a!, kernel, stride, padding, largest),
      },
    ),
  ]),
  operandCase(
    "pooling of a symbolic batch",
    "averagePool2d maxPool2d",
    [{ shape: ["batch", 1, 4, 4], distinct: true }],
    (x) => g.add(g.averagePool2d(x, 2), g.maxPool2d(x, 2)),
    {
      sizes: [{ batch: 1 }, { batch: 2 }],
      expected: ({ a }) => {
        const tops = poolReference(a!, 2, 2, 0, largest);
        return poolReference(a!, 2, 2, 0, average).map((v, i) => v + tops[i]!);
      },
    },
  ),
  operandCase(
    "maxPool2d of symbolic sizes",
    "maxPool2d",
    [[1, 2, "height", "width"]],
    (x) => g.maxPool2d(x, 2),
    {
      sizes: [
        { height: 4, width: 5 },
        { height: 5, width: 2 },
      ],
      frozen: true,
      expected: ({ a }) => poolReference(a!, 2, 2, 0, largest),
    },
  ),
  ...([1, 2, 3] as const).map((factor) =>
    operandCase(
      `upsampleNearest2d ×${factor}`,
      "upsampleNearest2d",
      [[2, 1, 2, 3]],
      (x) => g.upsampleNearest2d(x, factor),
      {
        expected: ({ a }) =>
          enlargeReference(a!, factor, (read, r, s) => read(Math.floor(r / factor), Math.floor(s / factor))),
      },
    ),
  ),
  operandCase(
    "upsampleNearest2d of symbols",
    "upsampleNearest2d",
    [["batch", 2, "height", "width"]],
    (x) => g.upsampleNearest2d(x, 2),
    {
      sizes: [
        { batch: 1, height: 2, width: 3 },
        { batch: 2, height: 3, width: 1 },
      ],
      expected: ({ a }) =>
        enlargeReference(a!, 2, (read, r, s) => read(Math.floor(r / 2), Math.floor(s / 2))),
    },
  ),
  ...([2, 3] as const).map((factor) =>
    operandCase(
      `upsampleBilinear2d ×${factor}`,
      "upsampleBilinear2d",
      [[1, 2, 2, 3]],
      (x) => g.upsampleBilinear2d(x, factor),
      {
        expected: ({ a }) => enlargeReference(a!, factor, bilinearSample(factor)),
      },
    ),
  ),
  operandCase("foldPixels", "foldPixels", [["batch", 4, 2, 3]], (x) => g.foldPixels(x, 2), {
    sizes: [{ batch: 1 }, { batch: 2 }],
    expected: ({ a }) => foldReference(a!.data, a!.shape),
  }),
  operandCase(
    "unfoldPixels undoes foldPixels",
    "unfoldPixels",
    [[2, 4, 6, 2]],
    (x) => g.unfoldPixels(g.foldPixels(x, 2), 2),
    {
      expected: ({ a }) => a!.data,
    },
  ),
];

/** [n, h, w, c] with 2×2 blocks as channels: row in block, column in block, channel. */
function foldReference(data: Float64Array, shape: readonly number[]): number[] {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < height; r += 2)
      for (let s = 0; s < width; s += 2)
        for (const [i, j] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const)
          for (let c = 0; c < channels; c++)
            y.push(data[((n * height + r + i) * width + s + j) * channels + c]!);
  return y;
}

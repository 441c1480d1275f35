// What does not fit is told while tracing, in a message that names the operation, the parameter or input, and the shapes.
import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import type { DType, Shape, Tensor } from "./index.js";
import * as g from "./index.js";

/** Traces with inputs a, b, c of these shapes, and a parameter "layer.weight". */
function messageOf(build: (make: Make) => unknown): string {
  let message: unknown;
  try {
    g.trace((tracer) => {
      const input = (name: string, shape: Shape, dtype: DType = "f32") => tracer.input(name, shape, dtype);
      const weight = (...shape: number[]) => tracer.scope("layer").parameter("weight", shape);
      build({ input, weight, tracer });
      return { y: tracer.input("unused", [1]) };
    });
  } catch (error) {
    expect(error).toBeInstanceOf(NishikiError);
    expect((error as NishikiError).code).toBe("shape");
    message = (error as NishikiError).message;
  }
  expect(message, "nothing was refused").toBeDefined();
  return message as string;
}

interface Make {
  input(name: string, shape: Shape, dtype?: DType): Tensor;
  weight(...shape: number[]): Tensor;
  readonly tracer: g.Tracer;
}

type Row = readonly [name: string, build: (make: Make) => unknown, message: string];

const x = (make: Make, ...shape: Shape) => make.input("x", shape);
const ids = (make: Make, ...shape: Shape) => make.input("ids", shape, "i64");

const rows: readonly Row[] = [
  [
    "add",
    (m) => g.add(x(m, 2, 3), m.weight(4)),
    'add: expected shapes that broadcast, got input "x" [2, 3] and parameter "layer.weight" [4].',
  ],
  [
    "add of symbols",
    (m) => g.add(x(m, "batch", 3), m.input("y", ["n", 3])),
    'add: expected shapes that broadcast, got input "x" [batch, 3] and input "y" [n, 3].',
  ],
  [
    "mul of types",
    (m) => g.mul(x(m, 2), ids(m, 2)),
    'mul: expected operands of one type (these are f32 and i64), got input "x" [2] and input "ids" [2].',
  ],
  [
    "an intermediate result",
    (m) => g.sub(g.exp(x(m, 2)), m.weight(3)),
    'sub: expected shapes that broadcast, got [2] and parameter "layer.weight" [3].',
  ],
  [
    "less",
    (m) => g.less(x(m, 2), m.weight(3)),
    'less: expected shapes that broadcast, got input "x" [2] and parameter "layer.weight" [3].',
  ],
  [
    "logicalAnd",
    (m) => g.logicalAnd(x(m, 2), m.weight(2)),
    'logicalAnd: expected bools (these are f32), got input "x" [2] and parameter "layer.weight" [2].',
  ],
  [
    "logicalNot",
    (m) => g.logicalNot(x(m, 2)),
    'logicalNot: expected bools (these are f32), got input "x" [2].',
  ],
  [
    "where",
    (m) => g.where(x(m, 2), m.weight(2), 0),
    'where: expected a bool condition that broadcasts, got input "x" [2] and parameter "layer.weight" [2] and [].',
  ],
  ["exp", (m) => g.exp(ids(m, 2)), 'exp: expected floats (these are i64), got input "ids" [2].'],
  ["neg", (m) => g.neg(g.greater(x(m, 2), 0)), "neg: expected numbers (these are bool), got [2]."],
  [
    "a fraction for integers",
    (m) => g.add(ids(m, 2), 0.5),
    "fill: expected a whole number for i64, got 0.5.",
  ],
  [
    "constant",
    (m) => g.constant(m.tracer.graph, new Float32Array(3), [2, 2]),
    "constant: expected one element per position, got 3 elements for [2, 2].",
  ],
  ["sum", (m) => g.sum(x(m, 2, 3), 2), "sum: expected an axis from -2 to 1 of [2, 3], got axis 2."],
  ["max", (m) => g.max(x(m, "n", 3), [0, -3]), "max: expected an axis from -2 to 1 of [n, 3], got axis -3."],
  ["argMax", (m) => g.argMax(x(m), 0), "argMax: expected a tensor that has axes, got axis 0."],
  [
    "softmax",
    (m) => g.softmax(ids(m, 2)),
    'softmax: expected floats of rank 1 or more (these are i64), got input "ids" [2].',
  ],
  [
    "matmul",
    (m) => g.matmul(x(m, 2, 3), m.weight(4, 5)),
    'matmul: expected inner dimensions that agree, got input "x" [2, 3] and parameter "layer.weight" [4, 5].',
  ],
  [
    "matmul, transposed",
    (m) => g.matmul(x(m, 2, 3), m.weight(3, 2), { transposeB: true }),
    'matmul: expected inner dimensions that agree, the second transposed, got input "x" [2, 3] and parameter "layer.weight" [3, 2].',
  ],
  [
    "matmul of batches",
    (m) => g.matmul(x(m, 2, 3, 4), m.weight(3, 4, 5)),
    'matmul: expected inner dimensions that agree, got input "x" [2, 3, 4] and parameter "layer.weight" [3, 4, 5].',
  ],
  [
    "matmul of a vector",
    (m) => g.matmul(x(m, 3), m.weight(3, 2)),
    'matmul: expected tensors of rank 2 or more, got input "x" [3] and parameter "layer.weight" [3, 2].',
  ],
  [
    "linear",
    (m) => g.linear(x(m, "batch", 3), m.weight(5, 4)),
    'linear: expected the last axis to equal the weight\'s second, got input "x" [batch, 3] and parameter "layer.weight" [5, 4].',
  ],
  [
    "linear's bias",
    (m) => g.linear(x(m, "batch", 4), m.weight(5, 4), m.input("bias", [4])),
    'linear: expected one bias per row of the weight, got parameter "layer.weight" [5, 4] and input "bias" [4].',
  ],
  [
    "conv2d's channels",
    (m) => g.conv2d(x(m, 1, 3, 8, 8), m.weight(4, 2, 3, 3)),
    'conv2d: expected [batch, channels, height, width] and a weight [out, channels/groups, kh, kw] of the same type with 1 groups, got input "x" [1, 3, 8, 8] and parameter "layer.weight" [4, 2, 3, 3].',
  ],
  [
    "conv2d's groups",
    (m) => g.conv2d(x(m, 1, 4, 8, 8), m.weight(3, 2, 3, 3), { groups: 2 }),
    'with 2 groups, got input "x" [1, 4, 8, 8] and parameter "layer.weight" [3, 2, 3, 3].',
  ],
  [
    "conv2d of a small picture",
    (m) => g.conv2d(x(m, 1, 1, 2, 8), m.weight(1, 1, 5, 5), { padding: 1 }),
    'conv2d: expected an image, with its padding, at least as large as the kernel, got input "x" [1, 1, 2, 8] and parameter "layer.weight" [1, 1, 5, 5].',
  ],
  [
    "conv2d's stride",
    (m) => g.conv2d(x(m, 1, 1, 8, 8), m.weight(1, 1, 3, 3), { stride: 0 }),
    "conv2d: expected whole numbers: stride, dilation and groups from 1, padding from 0, got",
  ],
  [
    "conv2d's bias",
    (m) => g.conv2d(x(m, 1, 2, 8, 8), m.weight(4, 2, 3, 3), { bias: m.input("bias", [2]) }),
    'conv2d: expected a bias per channel (4 channels), got [1, 4, 6, 6] and input "bias" [2].',
  ],
  [
    "convTranspose2d",
    (m) => g.convTranspose2d(x(m, 1, 3, 8, 8), m.weight(4, 2, 3, 3)),
    'convTranspose2d: expected [batch, channels, height, width] and a weight [channels, out/groups, kh, kw] of the same type with 1 groups, got input "x" [1, 3, 8, 8] and parameter "layer.weight" [4, 2, 3, 3].',
  ],
  [
    "convTranspose2d's output padding",
    (m) => g.convTranspose2d(x(m, 1, 2, 8, 8), m.weight(2, 2, 3, 3), { outputPadding: 1 }),
    "convTranspose2d: expected an output padding from 0 and less than stride or dilation, not 1, got",
  ],
  [
    "convChannelsLast",
    (m) => g.convChannelsLast(x(m, 1, 8, 8, 3), m.weight(4, 2, 2, 3)),
    'convChannelsLast: expected [batch, h, w, in] and an odd kernel [out, k, k, in], got input "x" [1, 8, 8, 3] and parameter "layer.weight" [4, 2, 2, 3].',
  ],
  [
    "averagePool2d",
    (m) => g.averagePool2d(x(m, 3, 8, 8), 2),
    'averagePool2d: expected floats [batch, channels, height, width], got input "x" [3, 8, 8].',
  ],
  [
    "maxPool2d of a small picture",
    (m) => g.maxPool2d(x(m, 1, 1, 2, 2), 3),
    'maxPool2d: expected an image, with its padding, no smaller than the 3×3 window, got input "x" [1, 1, 2, 2].',
  ],
  [
    "maxPool2d's padding",
    (m) => g.maxPool2d(x(m, 1, 1, 8, 8), 2, { padding: 2 }),
    "maxPool2d: expected a kernel and stride from 1 and a padding of at most half the kernel, got",
  ],
  [
    "upsampleNearest2d",
    (m) => g.upsampleNearest2d(x(m, 1, 8, 8), 2),
    "upsampleNearest2d: expected floats [batch, channels, height, width] and a whole factor from 1, not 2, got",
  ],
  [
    "upsampleBilinear2d",
    (m) => g.upsampleBilinear2d(x(m, 1, 1, "height", 8), 2),
    'upsampleBilinear2d: expected a fixed height and width, got input "x" [1, 1, height, 8].',
  ],
  [
    "foldPixels",
    (m) => g.foldPixels(x(m, 1, 3, 4, 1), 2),
    'foldPixels: expected [batch, h, w, c] with fixed sizes that 2 divides, got input "x" [1, 3, 4, 1].',
  ],
  [
    "unfoldPixels",
    (m) => g.unfoldPixels(x(m, 1, 3, 4, 6), 2),
    'unfoldPixels: expected [batch, h, w, c] with fixed sizes and channels that 2² divides, got input "x" [1, 3, 4, 6].',
  ],
  [
    "layerNorm",
    (m) => g.layerNorm(x(m, 2, 3), { weight: m.weight(2) }),
    'layerNorm: expected weight and bias as wide as the last axis, got input "x" [2, 3] and parameter "layer.weight" [2].',
  ],
  [
    "rmsNorm",
    (m) => g.rmsNorm(x(m, 2, 3), { bias: m.weight(4, 2, 3) }),
    'rmsNorm: expected weight and bias as wide as the last axis, got input "x" [2, 3] and parameter "layer.weight" [4, 2, 3].',
  ],
  [
    "groupNorm",
    (m) => g.groupNorm(x(m, 2, 6, 4), 4, m.weight(6), m.input("bias", [6])),
    'groupNorm: expected channels that 4 groups divide, and one weight for each, got input "x" [2, 6, 4] and parameter "layer.weight" [6] and input "bias" [6].',
  ],
  [
    "attention",
    (m) => g.attention(x(m, 2, 3, 4), x2(m, 2, 5, 6), x3(m, 2, 5, 6), { heads: 2 }),
    'attention: expected q, k, v [batch, tokens, width] with widths that 2 heads divide, got input "x" [2, 3, 4] and input "y" [2, 5, 6] and input "z" [2, 5, 6].',
  ],
  [
    "attention's bias",
    (m) =>
      g.attention(x(m, 2, 3, 4), x2(m, 2, 5, 4), x3(m, 2, 5, 4), { heads: 2, bias: m.weight(1, 1, 5, 3) }),
    'attention: expected a bias of [2, 2, 3, 5], with 1 where it broadcasts, got parameter "layer.weight" [1, 1, 5, 3].',
  ],
  [
    "gather",
    (m) => g.gather(m.weight(5, 2), x(m, 3)),
    'gather: expected integer indices (these are f32), got parameter "layer.weight" [5, 2] and input "x" [3].',
  ],
  [
    "gather's axis",
    (m) => g.gather(m.weight(5, 2), ids(m, 3), 2),
    "gather: expected an axis from -2 to 1 of [5, 2], got axis 2.",
  ],
  [
    "gatherElements",
    (m) => g.gatherElements(x(m, 2, 3), ids(m, 3, 3), 1),
    'gatherElements: expected integer indices of the same rank, no larger than the tensor beside axis 1, got input "x" [2, 3] and input "ids" [3, 3].',
  ],
  [
    "scatterAdd",
    (m) => g.scatterAdd(m.weight(4, 2), ids(m, 3), x(m, 2, 2)),
    'scatterAdd: expected integer indices [n] and updates [3, 2] of the base\'s type, got parameter "layer.weight" [4, 2] and input "ids" [3] and input "x" [2, 2].',
  ],
  [
    "scatterAddElements",
    (m) => g.scatterAddElements(m.weight(4, 2), ids(m, 3, 2), x(m, 2, 2), 0),
    "scatterAddElements: expected one integer index for each update",
  ],
  [
    "reshape",
    (m) => g.reshape(x(m, 2, 3), [4, -1]),
    'reshape: expected a tensor that can take the shape [4, -1], got input "x" [2, 3].',
  ],
  [
    "reshape of a symbol",
    (m) => g.reshape(x(m, "batch", 6), ["batch", 4]),
    'reshape: expected a tensor that can take the shape [batch, 4], got input "x" [batch, 6].',
  ],
  [
    "reshape without the symbol",
    (m) => g.reshape(x(m, "batch", 6), [2, 3]),
    'reshape: expected a tensor that can take the shape [2, 3], got input "x" [batch, 6].',
  ],
  [
    "reshape to another symbol",
    (m) => g.reshape(x(m, "batch", 6), ["n", 6]),
    'reshape: expected a tensor that can take the shape [n, 6], got input "x" [batch, 6].',
  ],
  [
    "transpose",
    (m) => g.transpose(x(m, 2, 3), [0, 1, 2]),
    'transpose: expected a tensor whose 3 axes are [0, 1, 2], got input "x" [2, 3].',
  ],
  [
    "unsqueeze",
    (m) => g.unsqueeze(x(m, 2, 3), 4),
    "unsqueeze: expected an axis from -3 to 2 of [2, 3, 1], got axis 4.",
  ],
  [
    "expand",
    (m) => g.expand(x(m, 2, 3), [2, 4]),
    'expand: expected a tensor that expands to [2, 4], got input "x" [2, 3].',
  ],
  [
    "concat",
    (m) => g.concat([x(m, 2, 3), m.weight(3, 4)], 1),
    'concat: expected tensors of one type that differ only in axis 1, got input "x" [2, 3] and parameter "layer.weight" [3, 4].',
  ],
  ["concat of nothing", () => g.concat([], 0), "concat: expected at least one tensor, got none."],
  [
    "slice",
    (m) => g.slice(x(m, 2, 3), 1, 1, 5),
    'slice: expected bounds 1 to 5 with a step of 1 inside axis 1, got input "x" [2, 3].',
  ],
  [
    "slice's step",
    (m) => g.slice(x(m, "n"), 0, 0, 4, 0),
    'slice: expected bounds 0 to 4 with a step of 0 inside axis 0, got input "x" [n].',
  ],
  [
    "slice of a symbol",
    (m) => g.slice(x(m, "n"), 0, 3, 2),
    'slice: expected bounds 3 to 2 with a step of 1 inside axis 0, got input "x" [n].',
  ],
  [
    "split",
    (m) => g.split(x(m, 2, 5), 1, 2),
    'split: expected axis 1 to divide into [2.5, 2.5], got input "x" [2, 5].',
  ],
  [
    "split of a symbol",
    (m) => g.split(x(m, "n", 5), 0, 2),
    'split: expected a fixed size along axis 0, got input "x" [n, 5].',
  ],
  [
    "pad",
    (m) => g.pad(x(m, 2, 3), [1], [0]),
    'pad: expected 2 non-negative paddings on each side, got input "x" [2, 3].',
  ],
  [
    "a symbol with spaces",
    (m) => x(m, "batch size"),
    '"batch size" is not a dimension: expected a name such as "batch", or a formula of names such as "height*8".',
  ],
  [
    "a parameter twice",
    (m) => [m.weight(2, 3), m.weight(3, 2)],
    'parameter "layer.weight" is asked for as [2, 3] and then as [3, 2].',
  ],
  ["an input twice", (m) => [x(m, 2), x(m, 2)], '"x" is the name of two inputs.'],
  [
    "an input and a parameter",
    (m) => [m.input("layer.weight", [2]), m.weight(2)],
    '"layer.weight" is the name of an input and a parameter.',
  ],
  ["gradients of a vector", (m) => g.gradients(x(m, 2), []), "gradients: expected a scalar loss, got [2]."],
  [
    "gradient of conv2d with symbolic sizes",
    (m) => gradient(m, ["n", 1, "height", 8], (a) => g.conv2d(a, m.weight(1, 1, 3, 3))),
    'gradient of conv2d: expected a fixed height and width, got input "x" [n, 1, height, 8].',
  ],
  [
    "gradient of slice along a symbol",
    (m) => gradient(m, ["n"], (a) => g.slice(a, 0, 1)),
    'gradient of slice: expected a fixed size along the axis, got input "x" [n].',
  ],
  [
    "gradient of concat along a symbol",
    (m) => gradient(m, ["n"], (a) => g.concat([a, m.weight(2)], 0)),
    'gradient of concat: expected fixed sizes along the axis, got input "x" [n].',
  ],
  [
    "gradient of pad along a symbol",
    (m) => gradient(m, ["n"], (a) => g.pad(a, [1], [0])),
    'gradient of pad: expected a fixed size along padded axes, got input "x" [n].',
  ],
  [
    "gradient of maxPool2d of symbolic sizes",
    (m) => gradient(m, ["n", 1, "height", 8], (a) => g.maxPool2d(a, 2)),
    "maxPool2d has no gradient; use stopGradient before it.",
  ],
];

const x2 = (make: Make, ...shape: Shape) => make.input("y", shape);
const x3 = (make: Make, ...shape: Shape) => make.input("z", shape);

function gradient(make: Make, shape: Shape, build: (a: Tensor) => Tensor): unknown {
  const a = make.input("x", shape);
  return g.gradients(g.sum(build(a)), [a]);
}

describe("tracing refuses", () => {
  it.each(rows)("%s", (_, build, message) => {
    expect(messageOf(build)).toContain(message);
  });

  it("operands of two programs", () => {
    let other: Tensor | undefined;
    g.trace((t) => {
      other = t.input("x", [2]);
      return { y: other };
    });
    expect(messageOf((m) => g.add(x(m, 2), other!))).toBe("add: an operand belongs to another program.");
  });

  it("an output with an input's name, and a program without outputs", () => {
    expect(() => g.trace((t) => ({ x: g.exp(t.input("x", [2])) }))).toThrow(
      '"x" is the name of an input and an output.',
    );
    expect(() => g.trace(() => ({}))).toThrow("The program has no output.");
  });

  it("dimensions that no input tells, when it is written", () => {
    const program = g.trace((t) => ({ y: g.fill(t.graph, ["n", 2], 1) }));
    expect(() => g.lowerProgram(program, { target: "cpu" })).toThrow('No input determines the dimension "n"');
  });
});

// Normalisation and softmax.

import { apply, type Graph, type Operation, shapeError, type Tensor } from "../graph.js";
import { broadcastShapes, sameShape } from "../shape.js";
import { type Dim, isFloat } from "../types.js";
import { reshape, sum } from "./broadcast.js";
import { constant, fill, sharedData } from "./constant.js";
import { add, div, exp, log, mul, rsqrt, sqrt, square, sub } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { max, mean } from "./reduce.js";

/** Operations over the last axis require floats of rank 1 or more. */
function floatRows(name: string, x: Tensor): Tensor {
  if (x.shape.length === 0 || !isFloat(x.dtype)) {
    throw shapeError(name, `floats of rank 1 or more (these are ${x.dtype})`, x);
  }
  return x;
}

const softmaxOp: Operation = {
  name: "softmax",
  infer: ([x]) => [{ shape: floatRows("softmax", x!).shape, dtype: x!.dtype }],
  gradient: ({ outputs: [y], gradients: [g] }) => {
    const inner = sum(mul(g!, y!), -1, { keepAxes: true });
    return [mul(y!, sub(g!, inner))];
  },
  lower: (lowering, [x]) => [lowering.node("Softmax", [x!], { axis: -1 })],
};

/** exp(x) / Σ exp(x) over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxOp, [x]);
}

/** log softmax over the last axis, without overflow. */
export function logSoftmax(x: Tensor): Tensor {
  const shifted = sub(x, max(x, -1, { keepAxes: true }));
  return sub(shifted, log(sum(exp(shifted), -1, { keepAxes: true })));
}

/**
 * Layer normalisation without the affine part: outputs x̂ and the inverse deviation, which its gradient
 * needs. WebGPU's kernel does not return the second output, so it uses means there.
 */
export const layerNormOp: Operation = {
  name: "layerNorm",
  infer: ([x]) => [x!, { shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype }],
  gradient: ({ outputs: [normalized, inverse], gradients: [g, gInverse] }) => {
    if (gInverse)
      throw shapeError("gradient of layerNorm", "only the normalised output to be used", gInverse);
    const centred = sub(g!, mean(g!, -1, { keepAxes: true }));
    return [
      mul(sub(centred, mul(normalized!, mean(mul(g!, normalized!), -1, { keepAxes: true }))), inverse!),
    ];
  },
  lower: (lowering, [x], { inputs: [input], attributes }) => {
    const epsilon = attributes.epsilon as number;
    const width = input!.shape.at(-1)!;
    if (lowering.can.layerNormStatistics && typeof width === "number" && input!.dtype === "f32") {
      const ones = lowering.constant("f32", [width], new Float32Array(width).fill(1));
      const options = { axis: -1, epsilon: { float: epsilon } };
      const [y, , inverse] = lowering.nodes("LayerNormalization", [x!, ones], 3, options);
      return [y!, inverse!];
    }
    const axes = lowering.integers([-1]);
    const centre = lowering.node("Sub", [x!, lowering.node("ReduceMean", [x!, axes], { keepdims: 1 })]);
    const variance = lowering.node("ReduceMean", [lowering.node("Mul", [centre, centre]), axes], {
      keepdims: 1,
    });
    const shifted = lowering.node("Add", [variance, lowering.scalar(input!.dtype, epsilon)]);
    const inverse = lowering.node("Reciprocal", [lowering.node("Sqrt", [shifted])]);
    return [lowering.node("Mul", [centre, inverse]), inverse];
  },
};

export interface NormOptions {
  readonly weight?: Tensor;
  readonly bias?: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

function affine(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const scaled = weight ? mul(x, weight) : x;
  return bias ? add(scaled, bias) : scaled;
}

function checkAffine(name: string, x: Tensor, ...affineTensors: readonly (Tensor | undefined)[]): void {
  floatRows(name, x);
  for (const tensor of affineTensors) {
    // A wider weight or bias varies by row, but must not enlarge the result.
    const shape = tensor && broadcastShapes(x.shape, tensor.shape);
    if (tensor && (tensor.shape.at(-1) !== x.shape.at(-1) || !shape || !sameShape(shape, x.shape))) {
      throw shapeError(name, "weight and bias as wide as the last axis", x, tensor);
    }
  }
}

/** Zero mean and unit variance over the last axis (Ba et al. 2016, arXiv:1607.06450). */
export function layerNorm(x: Tensor, { weight, bias, epsilon = 1e-5 }: NormOptions = {}): Tensor {
  checkAffine("layerNorm", x, weight, bias);
  return affine(x.graph.apply(layerNormOp, [x], { epsilon })[0]!, weight, bias);
}

/** Outputs x̂ = x / rms(x) and the inverse, which its gradient needs. */
export const rmsNormOp: Operation = {
  name: "rmsNorm",
  infer: ([x]) => [x!, { shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype }],
  gradient: ({ outputs: [normalized, inverse], gradients: [g, gInverse] }) => {
    if (gInverse) throw shapeError("gradient of rmsNorm", "only the normalised output to be used", gInverse);
    return [mul(sub(g!, mul(normalized!, mean(mul(g!, normalized!), -1, { keepAxes: true }))), inverse!)];
  },
  lower: (lowering, [x], { inputs: [input], attributes }) => {
    const epsilon = attributes.epsilon as number;
    const width = input!.shape.at(-1)!;
    if (lowering.can.layerNormStatistics && typeof width === "number" && input!.dtype === "f32") {
      const ones = lowering.constant("f32", [width], new Float32Array(width).fill(1));
      const options = { axis: -1, epsilon: { float: epsilon } };
      const [y, inverse] = lowering.nodes("SimplifiedLayerNormalization", [x!, ones], 2, options);
      return [y!, inverse!];
    }
    const squares = lowering.node("Mul", [x!, x!]);
    const meanSquare = lowering.node("ReduceMean", [squares, lowering.integers([-1])], { keepdims: 1 });
    const shifted = lowering.node("Add", [meanSquare, lowering.scalar(input!.dtype, epsilon)]);
    const inverse = lowering.node("Reciprocal", [lowering.node("Sqrt", [shifted])]);
    return [lowering.node("Mul", [x!, inverse]), inverse];
  },
};

/** Unit mean square over the last axis (Zhang and Sennrich 2019, arXiv:1910.07467). */
export function rmsNorm(x: Tensor, { weight, bias, epsilon = 1e-6 }: NormOptions = {}): Tensor {
  checkAffine("rmsNorm", x, weight, bias);
  return affine(x.graph.apply(rmsNormOp, [x], { epsilon })[0]!, weight, bias);
}

export const groupNormOp: Operation = {
  name: "groupNorm",
  infer: ([x]) => [x!],
  lower: (lowering, inputs, { attributes }) => {
    if (!lowering.can.groupNormalization) return undefined;
    const options = {
      num_groups: attributes.groups as number,
      epsilon: { float: attributes.epsilon as number },
    };
    return [lowering.node("GroupNormalization", inputs, options)];
  },
};

/**
 * Zero mean and unit variance over groups of channels (Wu and He 2018, arXiv:1803.08494).
 * `x [batch, channels, …]`, `weight` and `bias` `[channels]`.
 */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const [batch, channels, ...space] = x.shape;
  const fits = typeof channels === "number" && channels % groups === 0 && isFloat(x.dtype);
  if (!fits || ![weight, bias].every((t) => t.shape.length === 1 && t.shape[0] === channels)) {
    throw shapeError(
      "groupNorm",
      `channels that ${groups} groups divide, and one weight for each`,
      x,
      weight,
      bias,
    );
  }
  const grouped = reshape(x, [batch!, groups, -1]);
  const normalized = reshape(layerNorm(grouped, { epsilon }), x.shape);
  const perChannel = [channels, ...space.map(() => 1)];
  const body = add(mul(normalized, reshape(weight, perChannel)), reshape(bias, perChannel));
  return apply(groupNormOp, [x, weight, bias], { groups, epsilon }, [body]);
}

/** Means over one axis as a product with [1/n, …, 1/n], which runs at the speed of memory. */
function meanByProduct(x: Tensor): Tensor {
  const size = x.shape.at(-2)!;
  const ones = fill(x.graph, [1, size], 1, x.dtype);
  return matmul(div(ones, sum(ones)), x);
}

/** 1 where a channel belongs to a group, `[groups, channels]`: sums over groups, and spreads their values. */
function groupMembers(graph: Graph, channels: number, groups: number): Tensor {
  const size = channels / groups;
  const data = sharedData(graph, `members ${channels} ${groups}`, () =>
    Float32Array.from({ length: groups * channels }, (_, i) => {
      return Math.floor((i % channels) / size) === Math.floor(i / channels) ? 1 : 0;
    }),
  );
  return constant(graph, data, [groups, channels]);
}

/**
 * {@link groupNorm} of channels-last images: `x [batch, height, width, channels]`. Means are taken over rows first: sums
 * stay short, so their rounding stays small.
 */
export function groupNormLast(
  x: Tensor,
  groups: number,
  weight: Tensor,
  bias: Tensor,
  epsilon: number,
): Tensor {
  const [batch, height, , channels] = x.shape as [Dim, Dim, Dim, number];
  const size = channels / groups;
  const members = groupMembers(x.graph, channels, groups);
  const groupMeans = (values: Tensor) => {
    const rows = reshape(meanByProduct(values), [batch, height, channels]);
    return matmul(meanByProduct(rows), members, { transposeB: true, scale: 1 / size }); // [batch, 1, groups]
  };
  const perChannel = (values: Tensor) => reshape(matmul(values, members), [batch, 1, 1, channels]);
  const centred = sub(x, perChannel(groupMeans(x)));
  const inverse = rsqrt(add(groupMeans(square(centred)), epsilon));
  return add(mul(centred, mul(perChannel(inverse), weight)), bias);
}

/** x / ‖x‖ over the last axis. */
export function l2Normalize(x: Tensor, epsilon = 1e-6): Tensor {
  return div(x, sqrt(add(sum(square(x), -1, { keepAxes: true }), epsilon)));
}

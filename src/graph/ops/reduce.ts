// Reductions over axes.
import { apply, numbers, type Operation, type Tensor } from "../graph.js";
import { normalizeAxis, sameShape } from "../shape.js";
import type { Dim, Shape } from "../types.js";
import { cast } from "./constant.js";
import { add, div, equal, exp, log, mul, sub } from "./elementwise.js";
import { expand, reshape } from "./shape-ops.js";

function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Dim[] {
  const result: Dim[] = [];
  shape.forEach((dim, axis) => {
    if (!axes.includes(axis)) result.push(dim);
    else if (keep) result.push(1);
  });
  return result;
}

/** Puts the reduced axes back as 1, so that the value broadcasts against the operand. */
function restoreAxes(value: Tensor, x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  return keep ? value : reshape(value, reducedShape(x.shape, axes, true));
}

export interface ReduceOptions {
  /** Keep the reduced axes as 1. Default false. */
  readonly keepAxes?: boolean;
}

type Reduce = (x: Tensor, axes?: readonly number[] | number, options?: ReduceOptions) => Tensor;
type ReduceGradient = (g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]) => Tensor;

function reduction(name: string, onnx: string, gradient: ReduceGradient): Reduce {
  const op: Operation = {
    name,
    infer: ([x], { axes, keep }) => [
      { shape: reducedShape(x!.shape, numbers(axes), keep === true), dtype: x!.dtype },
    ],
    gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => {
      const axes = numbers(attributes.axes);
      const keep = attributes.keep === true;
      return [gradient(restoreAxes(g!, x!, axes, keep), x!, restoreAxes(y!, x!, axes, keep), axes)];
    },
    lower: (lowering, [x], { attributes }) => [
      lowering.node(onnx, [x!, lowering.integers(numbers(attributes.axes))], {
        keepdims: attributes.keep === true ? 1 : 0,
      }),
    ],
  };
  return (x, axes = x.shape.map((_, axis) => axis), { keepAxes = false } = {}) => {
    const list = typeof axes === "number" ? [axes] : axes;
    const normalized = [...new Set(list.map((axis) => normalizeAxis(name, axis, x.shape)))];
    normalized.sort((a, b) => a - b);
    return normalized.length === 0 ? x : apply(op, [x], { axes: normalized, keep: keepAxes });
  };
}

/** Sum over the axes (all by default). */
export const sum: Reduce = reduction("sum", "ReduceSum", (g, x) => expand(g, x.shape));

/** Sum of squares over the axes (all by default), without writing the squares down. */
export const sumSquares: Reduce = reduction("sumSquares", "ReduceSumSquare", (g, x) => mul(mul(g, 2), x));

/** The gradient goes to every element that reaches the extreme, in equal parts. */
const extremeGradient: ReduceGradient = (g, x, y, axes) => {
  const mask = cast(equal(x, y), g.dtype);
  return mul(div(g, sum(mask, axes, { keepAxes: true })), mask);
};

export const max: Reduce = reduction("max", "ReduceMax", extremeGradient);
export const min: Reduce = reduction("min", "ReduceMin", extremeGradient);

/** Mean over the axes (all by default). */
export const mean: Reduce = reduction("mean", "ReduceMean", (g, x, y) =>
  expand(div(g, countOf(x, y)), x.shape),
);

/** How many elements went into each mean: a number, or where a symbol was reduced, a value known when the program runs. */
function countOf(x: Tensor, y: Tensor): Tensor | number {
  let count = 1;
  for (const [axis, dim] of x.shape.entries()) {
    if (y.shape[axis] === dim) continue;
    if (typeof dim === "string") {
      // Sum of ones over the reduced axes: folded by the engine once the sizes are known.
      const axes = x.shape.flatMap((_, i) => (y.shape[i] === x.shape[i] ? [] : [i]));
      return sum(expand(cast(equal(y, y), x.dtype), x.shape), axes, { keepAxes: true });
    }
    count *= dim;
  }
  return count;
}

/** log Σ exp over one axis, without overflow. */
export function logSumExp(x: Tensor, axis: number, options: ReduceOptions = {}): Tensor {
  const top = max(x, axis, { keepAxes: true });
  const result = sum(exp(sub(x, top)), axis, { keepAxes: true });
  const whole = add(log(result), top);
  const normalized = normalizeAxis("logSumExp", axis, x.shape);
  return options.keepAxes ? whole : reshape(whole, reducedShape(x.shape, [normalized], false));
}

/** Undoes broadcasting: sums a gradient over the axes along which an operand of `shape` was repeated. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes: number[] = [];
  gradient.shape.forEach((dim, axis) => {
    if (axis < lead || (shape[axis - lead] === 1 && dim !== 1)) axes.push(axis);
  });
  const summed = sum(gradient, axes, { keepAxes: true });
  return lead > 0 ? reshape(summed, shape) : summed;
}

const argMaxOp: Operation = {
  name: "argMax",
  infer: ([x], { axis }) => [{ shape: reducedShape(x!.shape, [axis as number], false), dtype: "i64" }],
  lower: (lowering, [x], { attributes }) => [
    lowering.node("ArgMax", [x!], { axis: attributes.axis as number, keepdims: 0 }),
  ],
};

/** Index (i64) of the largest element along an axis. */
export function argMax(x: Tensor, axis: number): Tensor {
  return apply(argMaxOp, [x], { axis: normalizeAxis("argMax", axis, x.shape) });
}

// Reductions over axes.
import { apply, type Operation, type Tensor } from "../graph.js";
import { normalizeAxis } from "../shape.js";
import {
  expand,
  type Reduce,
  type ReduceGradient,
  type ReduceOptions,
  reducedShape,
  reduction,
  reshape,
  sum,
} from "./broadcast.js";
import { cast } from "./constant.js";
import { add, div, equal, exp, log, mul, sub } from "./elementwise.js";

/** Sum of squares over the axes (all by default), without storing the squares. */
export const sumSquares: Reduce = reduction("sumSquares", "ReduceSumSquare", (g, x) => mul(mul(g, 2), x));

/** The gradient goes in equal parts to every element that equals the extreme. */
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

/** Counts the elements in each mean: a number, or a run-time value if a symbol was reduced. */
function countOf(x: Tensor, y: Tensor): Tensor | number {
  let count = 1;
  for (const [axis, dim] of x.shape.entries()) {
    if (y.shape[axis] === dim) continue;
    if (typeof dim === "string") {
      // Sum of ones over the reduced axes: the engine folds it once the sizes are known.
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

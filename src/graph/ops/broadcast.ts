// Broadcasting and its inverse, which are each other's gradients: reshape, expand, sum.

import { canonicalDim } from "../dimension.js";
import { apply, numbers, type Operation, shapeError, shapeOf, type Tensor } from "../graph.js";
import { broadcastShapes, formatShape, inferReshape, normalizeAxis, sameShape } from "../shape.js";
import type { Dim, Shape } from "../types.js";

export const reshapeOp: Operation = {
  name: "reshape",
  infer: ([x], { shape }) => [{ shape: shapeOf(shape), dtype: x!.dtype }],
  gradient: ({ inputs: [x], gradients: [g] }) => [reshape(g!, x!.shape)],
  lower: (lowering, [x], { attributes }) => [
    lowering.node("Reshape", [x!, lowering.shapeVector(shapeOf(attributes.shape), { inferOne: true })]),
  ],
};

/** The same elements in another shape; one dimension may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const target = inferReshape(x.shape, shape);
  if (!target) throw shapeError("reshape", `a tensor that can take the shape ${formatShape(shape)}`, x);
  if (sameShape(x.shape, target)) return x;
  return apply(reshapeOp, [x], { shape: target });
}

/** Adds an axis of size 1. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("unsqueeze", axis, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

export const expandOp: Operation = {
  name: "expand",
  infer: ([x], { shape }) => [{ shape: shapeOf(shape), dtype: x!.dtype }],
  gradient: ({ inputs: [x], gradients: [g] }) => [sumTo(g!, x!.shape)],
  lower: (lowering, [x], { attributes }) => [
    lowering.node("Expand", [x!, lowering.shapeVector(shapeOf(attributes.shape))]),
  ],
};

/** Repeats along axes of size 1 (and new leading axes) to reach a shape. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const target = shape.map(canonicalDim);
  if (sameShape(x.shape, target)) return x;
  const reached = broadcastShapes(x.shape, target);
  if (!reached || !sameShape(reached, target)) {
    throw shapeError("expand", `a tensor that expands to ${formatShape(shape)}`, x);
  }
  return apply(expandOp, [x], { shape: target });
}

export function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Dim[] {
  const result: Dim[] = [];
  shape.forEach((dim, axis) => {
    if (!axes.includes(axis)) result.push(dim);
    else if (keep) result.push(1);
  });
  return result;
}

/** Restores the reduced axes as 1, so that the value broadcasts against the operand. */
function restoreAxes(value: Tensor, x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  return keep ? value : reshape(value, reducedShape(x.shape, axes, true));
}

export interface ReduceOptions {
  /** Keeps the reduced axes as 1. Default false. */
  readonly keepAxes?: boolean;
}

export interface Reduce {
  (x: Tensor, axes?: readonly number[] | number, options?: ReduceOptions): Tensor;
  readonly op: Operation;
}
export type ReduceGradient = (g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]) => Tensor;

/**
 * Makes a reduction from its ONNX operator and its gradient, which gets all values with the reduced axes as
 * 1.
 */
export function reduction(name: string, onnx: string, gradient: ReduceGradient): Reduce {
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
  const reduce = (
    x: Tensor,
    axes: readonly number[] | number = x.shape.map((_, axis) => axis),
    { keepAxes = false }: ReduceOptions = {},
  ) => {
    const list = typeof axes === "number" ? [axes] : axes;
    const normalized = [...new Set(list.map((axis) => normalizeAxis(name, axis, x.shape)))];
    normalized.sort((a, b) => a - b);
    return normalized.length === 0 ? x : apply(op, [x], { axes: normalized, keep: keepAxes });
  };
  return Object.assign(reduce, { op });
}

/** Sum over the axes (all by default). */
export const sum: Reduce = reduction("sum", "ReduceSum", (g, x) => expand(g, x.shape));

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

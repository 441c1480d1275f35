// Inputs, parameters and constants: the leaves of a program.

import { NishikiError } from "../../errors.js";
import { canonicalDim } from "../dimension.js";
import { apply, type Graph, type Operation, shapeOf, type Tensor } from "../graph.js";
import { formatShape, sizeOf } from "../shape.js";
import { type DType, isFloat, type Shape, type TypedArray } from "../types.js";

/** A value passed to every run. */
export const inputOp: Operation = {
  name: "input",
  infer: (_, { shape, dtype }) => [{ shape: shapeOf(shape), dtype: dtype as DType }],
};

/** A learned value, found by name in a weight file. */
export const parameterOp: Operation = {
  name: "parameter",
  infer: (_, { shape, dtype }) => [{ shape: shapeOf(shape), dtype: dtype as DType }],
};

const constantOp: Operation = {
  name: "constant",
  infer: (_, { shape, dtype }) => [{ shape: shapeOf(shape), dtype: dtype as DType }],
  lower: (lowering, _, node) => {
    const { shape, dtype, data } = node.attributes;
    return [lowering.constant(dtype as DType, shapeOf(shape) as readonly number[], data as TypedArray)];
  },
};

const fillOp: Operation = {
  name: "fill",
  infer: (_, { shape, dtype }) => [{ shape: shapeOf(shape), dtype: dtype as DType }],
  lower: (lowering, _, node) => {
    const { dtype, value, shape } = node.attributes;
    const scalar = lowering.scalar(dtype as DType, value as number);
    const target = shapeOf(shape);
    return [target.length === 0 ? scalar : lowering.node("Expand", [scalar, lowering.shapeVector(target)])];
  },
};

const shared = new WeakMap<Graph, Map<string, TypedArray>>();

/** Caches data that a program needs repeatedly: constants are distinguished by the identity of their data. */
export function sharedData<T extends TypedArray>(graph: Graph, key: string, make: () => T): T {
  const known = shared.get(graph) ?? new Map<string, TypedArray>();
  shared.set(graph, known);
  const data = known.get(key) ?? make();
  known.set(key, data);
  return data as T;
}

/** Makes a constant tensor from data. */
export function constant(
  graph: Graph,
  data: TypedArray,
  shape: readonly number[],
  dtype: DType = "f32",
): Tensor {
  if (sizeOf(shape) !== data.length) {
    const came = `${data.length} elements for ${formatShape(shape)}`;
    throw new NishikiError("shape", `constant: expected one element per position, got ${came}.`);
  }
  return graph.apply(constantOp, [], { shape, dtype, data })[0]!;
}

/** Makes a tensor of one repeated value; the shape may contain symbols. */
export function fill(graph: Graph, shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  if (!isFloat(dtype) && !Number.isInteger(value)) {
    throw new NishikiError("shape", `fill: expected a whole number for ${dtype}, got ${value}.`);
  }
  return graph.apply(fillOp, [], { shape: shape.map(canonicalDim), dtype, value })[0]!;
}

export function zerosLike(x: Tensor): Tensor {
  return fill(x.graph, x.shape, 0, x.dtype);
}

/** Converts an operand: a tensor stays, a number becomes a scalar of the other operand's type. */
export function operand(value: Tensor | number, like: Tensor): Tensor {
  return typeof value === "number" ? fill(like.graph, [], value, like.dtype) : value;
}

const castOp: Operation = {
  name: "cast",
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype: dtype as DType }],
  // Integers and booleans are step functions: no gradient flows through them, as through floor and sign.
  gradient: ({ inputs: [x], gradients: [g] }) => [isFloat(x!.dtype) ? cast(g!, x!.dtype) : undefined],
  lower: (lowering, [x], { attributes }) => [lowering.cast(x!, attributes.dtype as DType)],
};

/** Converts elements to another type. No gradient flows through integers and booleans. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(castOp, [x], { dtype });
}

const stopGradientOp: Operation = {
  name: "stopGradient",
  infer: ([x]) => [x!],
  gradient: () => [undefined],
  lower: (_, [x]) => [x!],
};

/** The same value, with the gradient stopped. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOp, [x]);
}

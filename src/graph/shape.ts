// Rules for shapes whose dimensions may be symbols.
import { NishikiError } from "../errors.js";
import { addDims, canonicalDim, divideDims, floorDivideDim, multiplyDims } from "./dimension.js";
import type { Dim, Shape } from "./types.js";

/** `[batch, 3, 64]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Normalises an axis; the error names the operation. */
export function normalizeAxis(operation: string, axis: number, shape: Shape): number {
  const rank = shape.length;
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    const range =
      rank > 0 ? `an axis from ${-rank} to ${rank - 1} of ${formatShape(shape)}` : "a tensor that has axes";
    throw new NishikiError("shape", `${operation}: expected ${range}, got axis ${axis}.`);
  }
  return normalized;
}

/** The shape to which two operands broadcast, by NumPy's rule; undefined if they do not. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) result.push(left);
    else if (left === 1) result.push(right);
    else return undefined;
  }
  return result;
}

/** floor((dim + add) / divisor) + 1: the number of windows in convolution and pooling. */
export function windowCount(dim: Dim, add: number, divisor: number): Dim {
  return addDims(floorDivideDim(addDims(dim, add), divisor), 1);
}

/** The product of all dimensions. */
export function countElements(shape: Shape): Dim {
  let known = 1;
  let symbolic: Dim = 1;
  // Formulas are multiplied with one another only: arithmetic of texts costs more than everything else here.
  for (const dim of shape) {
    if (typeof dim === "number") known *= dim;
    else symbolic = symbolic === 1 ? dim : multiplyDims(symbolic, dim);
  }
  return multiplyDims(known, symbolic);
}

/** Replaces -1 in `to` when `from` is reshaped; undefined if the sizes do not agree. */
export function inferReshape(from: Shape, to: Shape): Shape | undefined {
  const free = to.indexOf(-1);
  const target = to.map((dim) => (dim === -1 ? dim : canonicalDim(dim)));
  const size = countElements(from);
  const others = countElements(target.filter((dim) => dim !== -1));
  if (free < 0) return others === size ? target : undefined;
  const rest = divideDims(size, others);
  return rest === undefined ? undefined : target.map((dim) => (dim === -1 ? rest : dim));
}

/** The number of elements; throws if a dimension is a symbol. */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, dim) => {
    if (typeof dim === "string") {
      throw new NishikiError("shape", `${formatShape(shape)} has no fixed size: "${dim}" is a symbol.`);
    }
    return product * dim;
  }, 1);
}

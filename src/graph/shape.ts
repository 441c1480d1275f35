// Arithmetic on shapes whose dimensions may be symbols. A derived symbol is its own formula as text ("height*2"),
// so that two derivations of the same size compare equal.
import { NishikiError } from "../errors.js";
import type { Dim, Shape } from "./types.js";

/** `[batch, 3, 64]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** A non-negative axis, or an error that names the operation. */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw new NishikiError("shape", `${operation}: axis ${axis} is outside of a tensor of rank ${rank}.`);
  }
  return normalized;
}

/** The shape that two operands broadcast to, by NumPy's rule; undefined where they do not. */
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

function compound(dim: Dim): string {
  return typeof dim === "string" && /[+\-*/]/.test(dim) ? `(${dim})` : String(dim);
}

export function multiplyDim(dim: Dim, factor: number): Dim {
  if (typeof dim === "number") return dim * factor;
  return factor === 1 ? dim : `${compound(dim)}*${factor}`;
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a === 0) return b;
  return b === 0 ? a : `${compound(a)}+${compound(b)}`;
}

/** floor((dim + add) / divisor) + plus, the form of all convolution and pooling sizes. */
export function windowDim(dim: Dim, add: number, divisor: number, plus: number): Dim {
  if (typeof dim === "number") return Math.floor((dim + add) / divisor) + plus;
  if (divisor === 1) return addDims(dim, add + plus);
  // With even padding the common cases are exact multiples: height/2, not ((height-1)/2)+1.
  if (add + plus * divisor === 0 || (add < 0 && add > -divisor && plus === 1))
    return `ceil(${dim}/${divisor})`;
  return `floor((${dim}+${add})/${divisor})+${plus}`;
}

/** The product of all numbers, and the symbols that remain. */
function factors(shape: Shape): { size: number; symbols: string[] } {
  let size = 1;
  const symbols: string[] = [];
  for (const dim of shape) {
    if (typeof dim === "number") size *= dim;
    else symbols.push(dim);
  }
  return { size, symbols };
}

/** The dimension that -1 stands for when `from` is reshaped to `to`; undefined where sizes cannot agree. */
export function inferReshape(from: Shape, to: Shape): Shape | undefined {
  const free = to.indexOf(-1);
  const source = factors(from);
  const target = factors(to.filter((dim) => dim !== -1));
  const rest = [...source.symbols];
  const unmatched: string[] = [];
  for (const symbol of target.symbols) {
    const at = rest.indexOf(symbol);
    if (at >= 0) rest.splice(at, 1);
    else unmatched.push(symbol);
  }
  if (free < 0) {
    // Symbols that were derived elsewhere may still be equal at run time; numbers alone must match now.
    if (rest.length === 0 && unmatched.length === 0 && source.size !== target.size) return undefined;
    return to;
  }
  if (unmatched.length > 0) return undefined;
  const ratio = source.size / target.size;
  if (rest.length === 0 && !Number.isInteger(ratio)) return undefined;
  const symbol = rest.length === 0 ? ratio : multiplySymbols(rest, ratio);
  return to.map((dim, axis) => (axis === free ? symbol : dim));
}

function multiplySymbols(symbols: readonly string[], ratio: number): Dim {
  const product = symbols.length === 1 ? symbols[0]! : symbols.map(compound).join("*");
  if (ratio === 1) return product;
  return Number.isInteger(ratio) ? multiplyDim(product, ratio) : `${compound(product)}*${ratio}`;
}

/** The number of elements; an error where a dimension is a symbol. */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, dim) => {
    if (typeof dim === "string") {
      throw new NishikiError("shape", `${formatShape(shape)} has no fixed size: "${dim}" is a symbol.`);
    }
    return product * dim;
  }, 1);
}

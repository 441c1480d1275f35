// Matrix products. They dominate a network's cost, so transposed operands are passed as flags, not as copies.
import { multiplyDims } from "../dimension.js";
import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import { broadcastShapes, countElements } from "../shape.js";
import type { Dim } from "../types.js";
import { reshape, sum, sumTo } from "./broadcast.js";
import { fill } from "./constant.js";
import { transpose } from "./shape-ops.js";

interface Flags {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Scales the product, at no cost if the device's product takes a factor. Default 1. */
  readonly scale?: number;
}

const matmulOp: Operation = {
  name: "matmul",
  infer: ([a, b], attributes) => {
    const { transposeA, transposeB } = attributes as unknown as Flags;
    if (a!.shape.length < 2 || b!.shape.length < 2)
      throw shapeError("matmul", "tensors of rank 2 or more", a!, b!);
    const [rows, inner] = lastTwo(a!, transposeA);
    const [innerB, columns] = lastTwo(b!, transposeB);
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    if (inner !== innerB || !batch || a!.dtype !== b!.dtype) {
      const flags = `${transposeA ? ", the first transposed" : ""}${transposeB ? ", the second transposed" : ""}`;
      throw shapeError("matmul", `inner dimensions that agree${flags}`, a!, b!);
    }
    return [{ shape: [...batch, rows, columns], dtype: a!.dtype }];
  },
  multiplications: ({ inputs: [a], outputs: [out], attributes }) =>
    multiplyDims(countElements(out!.shape), lastTwo(a!, (attributes as unknown as Flags).transposeA)[1]!),
  gradient: ({ inputs: [a, b], gradients: [g], attributes, needs }) => {
    const { transposeA, transposeB, scale } = attributes as unknown as Flags;
    const da = () =>
      transposeA
        ? matmul(b!, g!, { transposeA: transposeB, transposeB: true, scale })
        : matmul(g!, b!, { transposeB: !transposeB, scale });
    const db = () => {
      const matrices = a!.shape.length === 2 && b!.shape.length === 2;
      if (matrices && !transposeA && scale === undefined) {
        return transposeB ? tallProduct(g!, a!) : tallProduct(a!, g!);
      }
      return transposeB
        ? matmul(g!, a!, { transposeA: true, transposeB: transposeA, scale })
        : matmul(a!, g!, { transposeA: !transposeA, scale });
    };
    return [needs[0] ? sumTo(da(), a!.shape) : undefined, needs[1] ? sumTo(db(), b!.shape) : undefined];
  },
  lower: (lowering, [a, b], { attributes, inputs: [x, y] }) => {
    const { transposeA, transposeB, scale = 1 } = attributes as unknown as Flags;
    if (!transposeA && !transposeB && scale === 1) return [lowering.node("MatMul", [a!, b!])];
    const flags = { transA: +transposeA, transB: +transposeB, alpha: { float: scale } };
    if (x!.shape.length === 2 && y!.shape.length === 2) return [lowering.node("Gemm", [a!, b!], flags)];
    if (lowering.can.fusedMatMul) return [lowering.node("FusedMatMul", [a!, b!], flags, "com.microsoft")];
    const swap = (name: string, tensor: Tensor) => {
      const rank = tensor.shape.length;
      return lowering.node("Transpose", [name], {
        perm: tensor.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)),
      });
    };
    const operands = [transposeA ? swap(a!, x!) : a!, transposeB ? swap(b!, y!) : b!];
    const product = lowering.node("MatMul", operands);
    return [scale === 1 ? product : lowering.node("Mul", [product, lowering.scalar(x!.dtype, scale)])];
  },
};

function lastTwo(tensor: Tensor, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = tensor.shape.slice(-2) as [Dim, Dim];
  return transposed ? [columns, rows] : [rows, columns];
}

/**
 * Matrix product over the last two axes; leading axes broadcast.
 * `[..., m, k] × [..., k, n] → [..., m, n]`; options set a factor and which operands are stored transposed.
 */
export function matmul(a: Tensor, b: Tensor, flags: Partial<Flags> = {}): Tensor {
  const { transposeA = false, transposeB = false, scale = 1 } = flags;
  return apply(matmulOp, [a, b], { transposeA, transposeB, scale: scale === 1 ? undefined : scale });
}

/** x · wᵀ + bias of matrices, with the bias as part of the product. */
export const linearOp: Operation = {
  name: "linear",
  infer: ([x, weight, bias]) => {
    const width = weight!.shape[0]!;
    if (bias!.shape.length !== 1 || bias!.shape[0] !== width || bias!.dtype !== x!.dtype) {
      throw shapeError("linear", "one bias per row of the weight", weight!, bias!);
    }
    return [{ shape: [x!.shape[0]!, width], dtype: x!.dtype }];
  },
  multiplications: ({ inputs: [x, weight] }) => multiplyDims(countElements(x!.shape), weight!.shape[0]!),
  gradient: ({ inputs: [x, weight], gradients: [g], needs }) => [
    needs[0] ? matmul(g!, weight!) : undefined,
    needs[1] ? tallProduct(g!, x!) : undefined,
    needs[2] ? sumRows(g!) : undefined,
  ],
  lower: (lowering, inputs) => [lowering.node("Gemm", inputs, { transB: 1 })],
};

/**
 * x · wᵀ + bias, with the weight in PyTorch's layout.
 * `x [..., in]`, `weight [out, in]`, `bias [out]` → `[..., out]`.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inner = x.shape.at(-1);
  if (inner === undefined || weight.shape.length !== 2 || weight.shape[1] !== inner) {
    throw shapeError("linear", "the last axis to equal the weight's second", x, weight);
  }
  // One product over all rows is faster than a batch of small ones, and its weight gradient is also one
  // product.
  const rows = reshape(x, [-1, inner]);
  const result = bias ? apply(linearOp, [rows, weight, bias]) : matmul(rows, weight, { transposeB: true });
  return reshape(result, [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/** base + scale · up · down, as one product that starts from the base. */
export const addProductOp: Operation = {
  name: "addProduct",
  infer: ([base, up, down]) => {
    const fits =
      [base, up, down].every((one) => one!.shape.length === 2 && one!.dtype === base!.dtype) &&
      up!.shape[1] === down!.shape[0] &&
      up!.shape[0] === base!.shape[0] &&
      down!.shape[1] === base!.shape[1];
    if (!fits)
      throw shapeError("addProduct", "a matrix, and two whose product has its shape", base!, up!, down!);
    return [{ shape: base!.shape, dtype: base!.dtype }];
  },
  multiplications: ({ inputs: [, up, down] }) => multiplyDims(countElements(up!.shape), down!.shape[1]!),
  gradient: ({ inputs: [, up, down], gradients: [g], attributes: { scale }, needs }) => [
    needs[0] ? g : undefined,
    needs[1] ? matmul(g!, down!, { transposeB: true, scale: scale as number }) : undefined,
    needs[2] ? matmul(up!, g!, { transposeA: true, scale: scale as number }) : undefined,
  ],
  lower: (lowering, [base, up, down], { attributes: { scale } }) => [
    lowering.node("Gemm", [up!, down!, base!], { alpha: { float: scale as number } }),
  ],
};

/**
 * base + scale · up · down: a weight with a LoRA's change.
 * `base [m, n]`, `up [m, rank]`, `down [rank, n]` → `[m, n]`.
 */
export function addProduct(base: Tensor, up: Tensor, down: Tensor, scale = 1): Tensor {
  return apply(addProductOp, [base, up, down], { scale });
}

// Sums over rows as matrix products: the building blocks of weight and bias gradients.

/** Rows of one piece of a long sum: longer pieces overflow the cache. */
const pieceRows = 1024;

/**
 * aᵀ · b for two tall matrices, the form of every weight gradient.
 * `a [rows, m]`, `b [rows, n]` → `[m, n]`.
 *
 * A product with a transposed first operand transposes it again for every block of columns, so the narrower
 * one is transposed beforehand (measured on ONNX Runtime's CPU kernels: 10–25% less time; splitting long sums
 * saves another 10–15%). If both have equal width it is `b`, the layer's input: layers that share an input
 * share its transpose.
 */
export function tallProduct(a: Tensor, b: Tensor): Tensor {
  const rows = a.shape[0]!;
  const [m, n] = [a.shape[1] as number, b.shape[1] as number];
  if (typeof rows !== "number" || rows < 256) return matmul(a, b, { transposeA: true });
  return n <= m ? transpose(turnedProduct(b, a, rows, n, m)) : turnedProduct(a, b, rows, m, n);
}

function turnedProduct(a: Tensor, b: Tensor, rows: number, m: number, n: number): Tensor {
  const long = rows >= 4 * pieceRows && rows % pieceRows === 0;
  const [pieces, size] = long ? [rows / pieceRows, pieceRows] : [1, rows];
  // Uses an extra axis: with two, this would be a plain transposition, which the runtime moves back into the
  // product.
  const opened = transpose(reshape(a, [pieces, 1, size, m]), [0, 3, 1, 2]); // [pieces, m, 1, size]
  if (!long) return matmul(reshape(opened, [m, rows]), b);
  return sum(matmul(reshape(opened, [pieces, m, size]), reshape(b, [pieces, size, n])), 0);
}

/** Sums all rows. A product with ones is twice as fast as a reduction over the first axis. */
export function sumRows(x: Tensor): Tensor {
  const [rows, columns] = x.shape as [Dim, Dim];
  return reshape(matmul(fill(x.graph, [1, rows], 1, x.dtype), x), [columns]);
}

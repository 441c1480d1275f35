// Weight changes in each decomposition that LoRA files use. W is the weight as rows `[out, in · kernel]`;
// each function returns the change ΔW at strength s, so several LoRAs add up. Layouts follow LyCORIS (Yeh et
// al. 2023, arXiv:2309.14859) and PEFT.
import {
  add,
  addProduct,
  constant,
  div,
  matmul,
  maximum,
  mul,
  reshape,
  sqrt,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../graph/index.js";

/** A float32 matrix in row-major order. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** first · second. */
export type Product = readonly [first: Matrix, second: Matrix];

/** A weight's change before scaling, tagged by decomposition. */
export type WeightChange =
  /** up · down (Hu et al. 2021, arXiv:2106.09685). */
  | { readonly kind: "LoRA"; readonly product: Product }
  /** (A·B) ⊙ (C·D) (Hyeon-Woo et al. 2022, arXiv:2108.06098). */
  | { readonly kind: "LoHa"; readonly products: readonly [Product, Product] }
  /** outer ⊗ inner (Edalati et al. 2022, arXiv:2212.10650). */
  | { readonly kind: "LoKr"; readonly outer: Matrix; readonly inner: Matrix }
  /** W·A + B, A and B products of thin matrices (Chavan et al. 2023, arXiv:2306.07967). */
  | { readonly kind: "GLoRA"; readonly inputs: Product; readonly product: Product }
  /** W times a number for each output or input (Liu et al. 2022, arXiv:2205.05638). */
  | { readonly kind: "IA3"; readonly axis: "outputs" | "inputs"; readonly factors: Float32Array }
  /** The difference itself, of any layer, norms included. */
  | { readonly kind: "full"; readonly difference: Matrix };

/**
 * DoRA (Liu et al. 2024, arXiv:2402.09353): the norms that the changed weight's rows (or columns) are scaled
 * to.
 */
export interface Magnitude {
  readonly axis: "outputs" | "inputs";
  readonly data: Float32Array;
}

/**
 * Gets `[out, in · kernel]` of the weight that a change fits; undefined for a dimension that it does not
 * determine.
 */
export function getChangeShape(change: WeightChange): readonly [number | undefined, number | undefined] {
  switch (change.kind) {
    case "LoRA":
    case "GLoRA":
      return [change.product[0].rows, change.product[1].columns];
    case "LoHa":
      return [change.products[0][0].rows, change.products[0][1].columns];
    case "LoKr":
      return [change.outer.rows * change.inner.rows, change.outer.columns * change.inner.columns];
    case "full":
      return [change.difference.rows, change.difference.columns];
    case "IA3":
      return change.axis === "outputs" ? [change.factors.length, undefined] : [undefined, undefined];
  }
}

/** A weight as rows, with the number of inputs per kernel position. */
export interface WeightRows {
  readonly rows: Tensor;
  readonly outputs: number;
  readonly inputs: number;
  /** Kernel positions; 1 for a matrix. */
  readonly kernel: number;
}

type Graph = Tensor["graph"];

const matrix = (graph: Graph, { data, rows, columns }: Matrix): Tensor =>
  constant(graph, data, [rows, columns]);
const multiply = (graph: Graph, [first, second]: Product): Tensor =>
  matmul(matrix(graph, first), matrix(graph, second));

/**
 * Adds s · ΔW to a sum.
 * @param sum The weight with other changes; W itself is `weight.rows`.
 * @param magnitude If set, adds m·V/‖V‖ − W with V = W + s · ΔW instead.
 */
export function addChange(
  total: Tensor,
  weight: WeightRows,
  change: WeightChange,
  s: number,
  magnitude?: Magnitude,
): Tensor {
  if (magnitude) {
    const changed = addChange(weight.rows, weight, change, s);
    return add(total, sub(resize(changed, weight, magnitude), weight.rows));
  }
  const { graph } = total;
  if (change.kind === "LoRA") {
    const [up, down] = change.product.map((one) => matrix(graph, one)) as [Tensor, Tensor];
    return addProduct(total, up, down, s);
  }
  if (change.kind === "GLoRA") {
    const weightTerm = mul(multiplyInputs(weight, change.inputs), s);
    const [first, second] = change.product.map((one) => matrix(graph, one)) as [Tensor, Tensor];
    return addProduct(add(total, weightTerm), first, second, s);
  }
  return add(total, mul(makeDifference(weight, change), s));
}

function makeDifference(
  weight: WeightRows,
  change: Exclude<WeightChange, { kind: "LoRA" | "GLoRA" }>,
): Tensor {
  const { graph } = weight.rows;
  switch (change.kind) {
    case "LoHa":
      return mul(multiply(graph, change.products[0]), multiply(graph, change.products[1]));
    case "LoKr":
      return kronecker(graph, change.outer, change.inner);
    case "full":
      return matrix(graph, change.difference);
    case "IA3":
      return scaleAxis(
        weight,
        weight.rows,
        change.axis,
        constant(graph, change.factors, [change.factors.length]),
      );
  }
}

function kronecker(graph: Graph, outer: Matrix, inner: Matrix): Tensor {
  const a = reshape(matrix(graph, outer), [outer.rows, 1, outer.columns, 1]);
  const b = reshape(matrix(graph, inner), [1, inner.rows, 1, inner.columns]);
  return reshape(mul(a, b), [outer.rows * inner.rows, outer.columns * inner.columns]);
}

/** Computes W · first · second over the inputs, at every kernel position. */
function multiplyInputs({ rows, outputs, inputs, kernel }: WeightRows, product: Product): Tensor {
  const [first, second] = product.map((one) => matrix(rows.graph, one)) as [Tensor, Tensor];
  if (kernel === 1) return matmul(matmul(rows, first), second);
  const byPosition = transpose(reshape(rows, [outputs, inputs, kernel]), [0, 2, 1]); // [out, kernel, in]
  const changed = matmul(matmul(reshape(byPosition, [outputs * kernel, inputs]), first), second);
  return reshape(transpose(reshape(changed, [outputs, kernel, inputs]), [0, 2, 1]), [
    outputs,
    inputs * kernel,
  ]);
}

/** Multiplies rows by one factor per output, or per input. */
function scaleAxis(
  { outputs, inputs, kernel }: WeightRows,
  rows: Tensor,
  axis: "outputs" | "inputs",
  factors: Tensor,
): Tensor {
  if (axis === "outputs") return mul(rows, reshape(factors, [outputs, 1]));
  const scaled = mul(reshape(rows, [outputs, inputs, kernel]), reshape(factors, [1, inputs, 1]));
  return reshape(scaled, [outputs, inputs * kernel]);
}

/** Scales rows or columns to the norms of a magnitude. */
function resize(rows: Tensor, weight: WeightRows, { axis, data }: Magnitude): Tensor {
  const { outputs, inputs, kernel } = weight;
  const squares = reshape(mul(rows, rows), [outputs, inputs, kernel]);
  // A row of zeros stays zero.
  const lengths = maximum(sqrt(sum(squares, axis === "outputs" ? [1, 2] : [0, 2])), 2 ** -23);
  return scaleAxis(weight, rows, axis, div(constant(rows.graph, data, [data.length]), lengths));
}

// Reads and adds by index: embeddings, token selection.

import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import { formatShape, normalizeAxis, sameShape } from "../shape.js";
import { type Dim, isFloat } from "../types.js";
import { reshape, unsqueeze } from "./broadcast.js";
import { cast, constant, fill, zerosLike } from "./constant.js";
import { add, equal } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { transpose } from "./shape-ops.js";

function isInteger({ dtype }: Tensor): boolean {
  return dtype === "i64" || dtype === "i32";
}

const gatherOp: Operation = {
  name: "gather",
  infer: ([x, indices], { axis }) => {
    if (!isInteger(indices!)) {
      throw shapeError("gather", `integer indices (these are ${indices!.dtype})`, x!, indices!);
    }
    const at = axis as number;
    return [
      { shape: [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)], dtype: x!.dtype },
    ];
  },
  gradient: ({ inputs: [x, indices], gradients: [g], attributes }) => {
    const axis = attributes.axis as number;
    const rank = x!.shape.length;
    const span = indices!.shape.length;
    // Reshape to rows first, then add them at their origins.
    const order = [
      ...Array.from({ length: span }, (_, i) => axis + i),
      ...Array.from({ length: g!.shape.length }, (_, i) => i).filter((i) => i < axis || i >= axis + span),
    ];
    const others = x!.shape.filter((_, i) => i !== axis);
    const rows = reshape(transpose(g!, order), [-1, ...others]);
    const base = fill(g!.graph, [x!.shape[axis]!, ...others], 0, g!.dtype);
    const added = scatterAdd(base, reshape(indices!, [-1]), rows);
    const back = Array.from({ length: rank }, (_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
    return [transpose(added, back), undefined];
  },
  lower: (lowering, [x, indices], { attributes, inputs: [source] }) => {
    const axis = attributes.axis as number;
    const stored = axis === 0 ? lowering.narrowRows(x!) : undefined;
    if (!stored) return [lowering.node("Gather", [x!, indices!], { axis })];
    // A narrow table stays narrow in memory: only the rows that are read become float32.
    const rows = lowering.cast(lowering.node("Gather", [stored.rows, indices!], { axis: 0 }), source!.dtype);
    if (!stored.scale) return [rows];
    const scale = lowering.node("Gather", [stored.scale, indices!], { axis: 0 });
    const trailing = source!.shape.slice(1).map((_, i) => -1 - i);
    const column =
      trailing.length > 0 ? lowering.node("Unsqueeze", [scale, lowering.integers(trailing)]) : scale;
    return [lowering.node("Mul", [rows, column])];
  },
};

/**
 * Slices of `x` along an axis by index: `gather(table [rows, width], ids [batch, n]) → [batch, n, width]`.
 */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply(gatherOp, [x, indices], { axis: normalizeAxis("gather", axis, x.shape) });
}

/** One-hot rows: `[n] → [n, classes]`, 1 at the index. */
export function oneHot(indices: Tensor, classes: number, like: Tensor): Tensor {
  const range = constant(
    indices.graph,
    BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
    [classes],
    "i64",
  );
  return cast(equal(unsqueeze(cast(indices, "i64"), -1), range), like.dtype);
}

const scatterAddOp: Operation = {
  name: "scatterAdd",
  infer: ([base, indices, updates]) => {
    const expected: Dim[] = [indices!.shape[0]!, ...base!.shape.slice(1)];
    const fits = indices!.shape.length === 1 && sameShape(updates!.shape, expected);
    if (!fits || updates!.dtype !== base!.dtype || !isInteger(indices!)) {
      throw shapeError(
        "scatterAdd",
        `integer indices [n] and updates ${formatShape(expected)} of the base's type`,
        base!,
        indices!,
        updates!,
      );
    }
    return [{ shape: base!.shape, dtype: base!.dtype }];
  },
  gradient: ({ inputs: [, indices], gradients: [g] }) => [g, undefined, gather(g!, indices!)],
  lower: (lowering, [base, indices, updates], { inputs: [, ids] }) => {
    const wide = ids!.dtype === "i64" ? indices! : lowering.cast(indices!, "i64");
    const column = lowering.node("Unsqueeze", [wide, lowering.integers([-1])]);
    return [lowering.node("ScatterND", [base!, column, updates!], { reduction: "add" })];
  },
};

/**
 * Adds rows at the given indices; repeated indices accumulate.
 * `base [rows, …]`, `indices [n]`, `updates [n, …]`.
 */
export function scatterAdd(base: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const operands = [base, indices, updates];
  scatterAddOp.infer(operands, {});
  // Without the native operation, writes the product of one-hot rows, which needs fixed sizes.
  const expressible = typeof base.shape[0] === "number" && isFloat(base.dtype);
  const body = expressible ? [scatterAddByProduct(base, indices, updates)] : undefined;
  return apply(scatterAddOp, operands, {}, body);
}

/** {@link scatterAdd} as a product of one-hot rows, for targets without a scatter that adds. */
export function scatterAddByProduct(base: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const rows = base.shape[0];
  if (typeof rows !== "number") throw shapeError("scatterAddByProduct", "a fixed number of rows", base);
  const flat = reshape(updates, [updates.shape[0]!, -1]);
  const product = matmul(oneHot(indices, rows, updates), flat, { transposeA: true });
  return add(base, reshape(product, base.shape));
}

const gatherElementsOp: Operation = {
  name: "gatherElements",
  infer: ([x, indices], { axis }) => {
    const fits =
      x!.shape.length === indices!.shape.length &&
      indices!.shape.every((dim, i) => i === axis || fitsInside(dim, x!.shape[i]!));
    if (!fits || !isInteger(indices!)) {
      const wanted = `integer indices of the same rank, no larger than the tensor beside axis ${axis}`;
      throw shapeError("gatherElements", wanted, x!, indices!);
    }
    return [{ shape: indices!.shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x, indices], gradients: [g], attributes }) => [
    scatterAddElements(zerosLike(x!), indices!, g!, attributes.axis as number),
    undefined,
  ],
  lower: (lowering, inputs, { attributes }) => [
    lowering.node("GatherElements", inputs, { axis: attributes.axis as number }),
  ],
};

const scatterAddElementsOp: Operation = {
  name: "scatterAddElements",
  infer: ([base, indices, updates], { axis }) => {
    const fits =
      base!.shape.length === indices!.shape.length &&
      sameShape(indices!.shape, updates!.shape) &&
      indices!.shape.every((dim, i) => i === axis || fitsInside(dim, base!.shape[i]!));
    if (!fits || base!.dtype !== updates!.dtype || !isInteger(indices!)) {
      const wanted = `one integer index for each update, and updates no larger than the base beside axis ${axis}`;
      throw shapeError("scatterAddElements", wanted, base!, indices!, updates!);
    }
    return [base!];
  },
  gradient: ({ inputs: [, indices], gradients: [g], attributes }) => [
    g,
    undefined,
    gatherElements(g!, indices!, attributes.axis as number),
  ],
  lower: (lowering, inputs, { attributes }) => [
    lowering.node("ScatterElements", inputs, { axis: attributes.axis as number, reduction: "add" }),
  ],
};

/** One element per index along an axis, like NumPy's take_along_axis. */
export function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  return apply(gatherElementsOp, [x, indices], {
    axis: normalizeAxis("gatherElements", axis, x.shape),
  });
}

/**
 * Adds one element per index along an axis; repeated indices accumulate. Inverse of {@link gatherElements}.
 * `indices` and `updates` have the same shape, no larger than the base apart from the axis.
 */
export function scatterAddElements(base: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const at = normalizeAxis("scatterAddElements", axis, base.shape);
  return apply(scatterAddElementsOp, [base, indices, updates], { axis: at });
}

function fitsInside(dim: Dim, whole: Dim): boolean {
  return dim === whole || (typeof dim === "number" && typeof whole === "number" && dim <= whole);
}

// Operations that move elements without computing: transpose, concat, slice, split, pad.
import { NishikiError } from "../../errors.js";
import { addDims, floorDivideDim, multiplyDims } from "../dimension.js";
import { apply, numbers, type Operation, shapeError, type Tensor } from "../graph.js";
import { normalizeAxis } from "../shape.js";
import type { Dim } from "../types.js";
import { reshape, unsqueeze } from "./broadcast.js";
import { zerosLike } from "./constant.js";

export const transposeOp: Operation = {
  name: "transpose",
  infer: ([x], { order }) => [{ shape: numbers(order).map((axis) => x!.shape[axis]!), dtype: x!.dtype }],
  gradient: ({ gradients: [g], attributes }) => {
    const order = numbers(attributes.order);
    return [
      transpose(
        g!,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  lower: (lowering, [x], { attributes }) => [
    lowering.node("Transpose", [x!], { perm: numbers(attributes.order) }),
  ],
};

/** Permutes the axes; swaps the last two by default. */
export function transpose(x: Tensor, order?: readonly number[]): Tensor {
  const rank = x.shape.length;
  const axes = order ?? [...Array(Math.max(0, rank - 2)).keys(), rank - 1, rank - 2];
  const valid = axes.length === rank && [...axes].sort((a, b) => a - b).every((axis, i) => axis === i);
  if (!valid) throw shapeError("transpose", `a tensor whose ${axes.length} axes are [${axes.join(", ")}]`, x);
  return axes.every((axis, i) => axis === i) ? x : apply(transposeOp, [x], { order: axes });
}

export const concatOp: Operation = {
  name: "concat",
  infer: (inputs, attributes) => {
    const axis = attributes.axis as number;
    const [first, ...rest] = inputs;
    let size: Dim = first!.shape[axis]!;
    for (const other of rest) {
      const fits =
        other.dtype === first!.dtype &&
        other.shape.length === first!.shape.length &&
        other.shape.every((dim, i) => i === axis || dim === first!.shape[i]);
      if (!fits)
        throw shapeError("concat", `tensors of one type that differ only in axis ${axis}`, first!, other);
      size = addDims(size, other.shape[axis]!);
    }
    return [{ shape: first!.shape.map((dim, i) => (i === axis ? size : dim)), dtype: first!.dtype }];
  },
  gradient: ({ inputs, gradients: [g], attributes, needs }) => {
    const axis = attributes.axis as number;
    let start = 0;
    return inputs.map((input, i) => {
      const size = input.shape[axis]!;
      if (typeof size === "string")
        throw shapeError("gradient of concat", "fixed sizes along the axis", input);
      const from = start;
      start += size;
      return needs[i] ? slice(g!, axis, from, start) : undefined;
    });
  },
  lower: (lowering, inputs, { attributes }) => [
    lowering.node("Concat", inputs, { axis: attributes.axis as number }),
  ],
};

/** Concatenates tensors along an axis. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0];
  if (!first) throw new NishikiError("shape", "concat: expected at least one tensor, got none.");
  if (tensors.length === 1) return first;
  return apply(concatOp, tensors, { axis: normalizeAxis("concat", axis, first.shape) });
}

/** Largest int64 that a double represents exactly: "to the end" for symbolic axes. */
const toTheEnd = Number.MAX_SAFE_INTEGER;

/** Counts start, start + step, … before end; negative bounds count from the end. */
function sliceSize(dim: Dim, start: number, end: number, step: number): Dim {
  const from = start < 0 ? addDims(dim, start) : start;
  const to = end === toTheEnd ? dim : end < 0 ? addDims(dim, end) : end;
  return floorDivideDim(addDims(addDims(to, multiplyDims(from, -1)), step - 1), step);
}

export const sliceOp: Operation = {
  name: "slice",
  infer: ([x], attributes) => {
    const { axis, start, end, step } = attributes as Record<string, number>;
    const size = sliceSize(x!.shape[axis!]!, start!, end!, step!);
    return [{ shape: x!.shape.map((dim, i) => (i === axis ? size : dim)), dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => {
    const axis = attributes.axis as number;
    const start = attributes.start as number;
    const step = attributes.step as number;
    const whole = x!.shape[axis]!;
    const part = y!.shape[axis]!;
    if (typeof whole === "string" || typeof part === "string") {
      throw shapeError("gradient of slice", "a fixed size along the axis", x!);
    }
    const spread = step === 1 ? g! : dilate(g!, axis, step);
    const length = step === 1 ? part : part * step;
    const before: number[] = x!.shape.map((_, i) => (i === axis ? start : 0));
    const after: number[] = x!.shape.map((_, i) => (i === axis ? Math.max(0, whole - start - length) : 0));
    const padded = pad(spread, before, after);
    return [start + length > whole ? slice(padded, axis, 0, whole) : padded];
  },
  lower: (lowering, [x], { attributes, inputs: [source], outputs: [result] }) => {
    const { axis, start, end, step } = attributes as Record<string, number>;
    const bounds = [start!, end!, axis!, step!].map((value) => lowering.integers([value]));
    const part = lowering.node("Slice", [x!, ...bounds]);
    const isOpen = typeof source!.shape[axis!] === "string" && typeof result!.shape[axis!] === "number";
    // ONNX clamps bounds: a run whose size is too small must fail rather than return fewer elements.
    return [isOpen ? lowering.node("Reshape", [part, lowering.shapeVector(result!.shape)]) : part];
  },
};

/** Inserts step-1 zeros after every element along an axis: the transpose of a strided slice. */
function dilate(x: Tensor, axis: number, step: number): Tensor {
  const rank = x.shape.length;
  const opened = unsqueeze(x, axis + 1);
  const zeros = Array<number>(rank + 1).fill(0);
  const after = zeros.map((_, i) => (i === axis + 1 ? step - 1 : 0));
  const size = x.shape[axis] as number;
  return reshape(
    pad(opened, zeros, after),
    x.shape.map((dim, i) => (i === axis ? size * step : dim)),
  );
}

/**
 * Elements start, start + step, … before end along an axis; negative start and end count from the end.
 * Along a symbolic axis, the program fails at run time if there are fewer elements than the bounds need.
 */
export function slice(x: Tensor, axis: number, start: number, end?: number, step = 1): Tensor {
  const at = normalizeAxis("slice", axis, x.shape);
  const dim = x.shape[at]!;
  const bounds = `bounds ${start} to ${end ?? "the end"} with a step of ${step} inside axis ${at}`;
  if (step < 1 || ![start, end ?? 0, step].every(Number.isInteger)) throw shapeError("slice", bounds, x);
  if (typeof dim === "string") {
    const size = sliceSize(dim, start, end ?? toTheEnd, step);
    if (typeof size === "number" && size < 0) throw shapeError("slice", bounds, x);
    if (start === 0 && end === undefined && step === 1) return x;
    return apply(sliceOp, [x], { axis: at, start, end: end ?? toTheEnd, step });
  }
  const from = start < 0 ? start + dim : start;
  const to = end === undefined ? dim : end < 0 ? end + dim : end;
  if (from < 0 || to > dim || from > to) throw shapeError("slice", bounds, x);
  if (from === 0 && to === dim && step === 1) return x;
  return apply(sliceOp, [x], { axis: at, start: from, end: to, step });
}

export const splitOp: Operation = {
  name: "split",
  infer: ([x], { axis, sizes }) =>
    numbers(sizes).map((size) => ({
      shape: x!.shape.map((dim, i) => (i === axis ? size : dim)),
      dtype: x!.dtype,
    })),
  gradient: ({ outputs, gradients: found, attributes }) => {
    const parts = outputs.map((output, i) => found[i] ?? zerosLike(output));
    return [concat(parts, attributes.axis as number)];
  },
  lower: (lowering, [x], { attributes }) => {
    const sizes = numbers(attributes.sizes);
    const options = { axis: attributes.axis as number };
    return lowering.nodes("Split", [x!, lowering.integers(sizes)], sizes.length, options);
  },
};

/** Splits along an axis into parts of the given sizes; a single number makes that many equal parts. */
export function split(x: Tensor, axis: number, parts: number | readonly number[]): Tensor[] {
  const at = normalizeAxis("split", axis, x.shape);
  const dim = x.shape[at]!;
  if (typeof dim === "string") throw shapeError("split", `a fixed size along axis ${at}`, x);
  const sizes = typeof parts === "number" ? Array<number>(parts).fill(dim / parts) : parts;
  if (sizes.reduce((a, b) => a + b, 0) !== dim || sizes.some((size) => !Number.isInteger(size))) {
    throw shapeError("split", `axis ${at} to divide into [${sizes.join(", ")}]`, x);
  }
  return sizes.length === 1 ? [x] : [...x.graph.apply(splitOp, [x], { axis: at, sizes })];
}

export const padOp: Operation = {
  name: "pad",
  infer: ([x], { before, after }) => [
    {
      shape: x!.shape.map((dim, i) => addDims(dim, numbers(before)[i]! + numbers(after)[i]!)),
      dtype: x!.dtype,
    },
  ],
  gradient: ({ inputs: [x], gradients: [g], attributes }) => {
    const before = numbers(attributes.before);
    return [
      x!.shape.reduce<Tensor>((t, dim, axis) => {
        const start = before[axis]!;
        if (start === 0 && t.shape[axis] === dim) return t;
        if (typeof dim === "string")
          throw shapeError("gradient of pad", "a fixed size along padded axes", x!);
        return slice(t, axis, start, start + dim);
      }, g!),
    ];
  },
  lower: (lowering, [x], { attributes, inputs: [input] }) => [
    lowering.node("Pad", [
      x!,
      lowering.integers([...numbers(attributes.before), ...numbers(attributes.after)]),
      lowering.scalar(input!.dtype, attributes.value as number),
    ]),
  ],
};

/** Pads a tensor with a constant; `before` and `after` have one number per axis. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  const rank = x.shape.length;
  if (before.length !== rank || after.length !== rank || [...before, ...after].some((n) => n < 0)) {
    throw shapeError("pad", `${rank} non-negative paddings on each side`, x);
  }
  if ([...before, ...after].every((n) => n === 0)) return x;
  return apply(padOp, [x], { before, after, value });
}

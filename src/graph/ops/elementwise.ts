// Elementwise arithmetic with NumPy broadcasting.
import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import { broadcastShapes } from "../shape.js";
import { isFloat, type TensorType } from "../types.js";
import { sumTo } from "./broadcast.js";
import { cast, operand } from "./constant.js";

export type Operand = Tensor | number;

/** Shape rule of all broadcasting pairs. */
export function inferBroadcast(name: string, a: Tensor, b: Tensor): TensorType {
  if (a.dtype !== b.dtype) {
    throw shapeError(name, `operands of one type (these are ${a.dtype} and ${b.dtype})`, a, b);
  }
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw shapeError(name, "shapes that broadcast", a, b);
  return { shape, dtype: a.dtype };
}

type BinaryGradient = (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => [() => Tensor, () => Tensor];

export interface Binary {
  (a: Operand, b: Operand): Tensor;
  readonly op: Operation;
}

function binary(name: string, onnx: string, gradient: BinaryGradient): Binary {
  const op: Operation = {
    name,
    infer: ([a, b]) => [inferBroadcast(name, a!, b!)],
    gradient: ({ inputs: [a, b], outputs: [y], gradients: [g], needs }) => {
      const [da, db] = gradient(g!, a!, b!, y!);
      return [needs[0] ? sumTo(da(), a!.shape) : undefined, needs[1] ? sumTo(db(), b!.shape) : undefined];
    },
    lower: (lowering, inputs) => [lowering.node(onnx, inputs)],
  };
  const record = (a: Operand, b: Operand): Tensor => {
    if (typeof a === "number") {
      if (typeof b === "number") throw new TypeError(`${name}: one operand must be a tensor.`);
      return apply(op, [operand(a, b), b]);
    }
    return apply(op, [a, operand(b, a)]);
  };
  return Object.assign(record, { op });
}

export const add: Binary = binary("add", "Add", (g) => [() => g, () => g]);
export const sub: Binary = binary("sub", "Sub", (g) => [() => g, () => neg(g)]);
export const mul: Binary = binary("mul", "Mul", (g, a, b) => [() => mul(g, b), () => mul(g, a)]);
export const div: Binary = binary("div", "Div", (g, _, b, y) => [
  () => div(g, b),
  () => neg(div(mul(g, y), b)),
]);
/** a to the power of b. The gradient with respect to b requires a > 0. */
export const pow: Binary = binary("pow", "Pow", (g, a, b, y) => [
  () => mul(g, mul(b, pow(a, sub(b, 1)))),
  () => mul(g, mul(y, log(a))),
]);
/** The smaller of the two; if they are equal, the gradient goes to the first. */
export const minimum: Binary = binary("minimum", "Min", (g, a, b) => [
  () => mul(g, cast(lessOrEqual(a, b), g.dtype)),
  () => mul(g, cast(greater(a, b), g.dtype)),
]);
/** The larger of the two; if they are equal, the gradient goes to the first. */
export const maximum: Binary = binary("maximum", "Max", (g, a, b) => [
  () => mul(g, cast(greaterOrEqual(a, b), g.dtype)),
  () => mul(g, cast(less(a, b), g.dtype)),
]);

function comparison(name: string, onnx: string, ofBools = false): (a: Operand, b: Operand) => Tensor {
  const op: Operation = {
    name,
    infer: ([a, b]) => {
      const type = inferBroadcast(name, a!, b!);
      if (ofBools && type.dtype !== "bool") throw shapeError(name, `bools (these are ${type.dtype})`, a!, b!);
      return [{ ...type, dtype: "bool" }];
    },
    lower: (lowering, inputs) => [lowering.node(onnx, inputs)],
  };
  return (a, b) => {
    if (typeof a === "number") {
      if (typeof b === "number") throw new TypeError(`${name}: one operand must be a tensor.`);
      return apply(op, [operand(a, b), b]);
    }
    return apply(op, [a, operand(b, a)]);
  };
}

export const equal = comparison("equal", "Equal");
export const less = comparison("less", "Less");
export const lessOrEqual = comparison("lessOrEqual", "LessOrEqual");
export const greater = comparison("greater", "Greater");
export const greaterOrEqual = comparison("greaterOrEqual", "GreaterOrEqual");
/** Logical operations on bool tensors. */
export const logicalAnd = comparison("logicalAnd", "And", true);
export const logicalOr = comparison("logicalOr", "Or", true);

const whereOp: Operation = {
  name: "where",
  infer: ([condition, a, b]) => {
    const { shape, dtype } = inferBroadcast("where", a!, b!);
    const whole = condition!.dtype === "bool" ? broadcastShapes(condition!.shape, shape) : undefined;
    if (!whole) throw shapeError("where", "a bool condition that broadcasts", condition!, a!, b!);
    return [{ shape: whole, dtype }];
  },
  gradient: ({ inputs: [condition, a, b], gradients: [g] }) => [
    undefined,
    sumTo(where(condition!, g!, 0), a!.shape),
    sumTo(where(condition!, 0, g!), b!.shape),
  ],
  lower: (lowering, inputs) => [lowering.node("Where", inputs)],
};

/** Elements of `a` where the condition holds, otherwise of `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = typeof a === "number" ? b : a;
  if (typeof like === "number") throw new TypeError("where: one branch must be a tensor.");
  return apply(whereOp, [condition, operand(a, like), operand(b, like)]);
}

type UnaryGradient = (g: Tensor, x: Tensor, y: Tensor) => Tensor | undefined;

function unary(
  name: string,
  lower: string | Operation["lower"],
  gradient: UnaryGradient | undefined,
  takes: "floats" | "numbers" | "bools" = "floats",
): (x: Tensor) => Tensor {
  const op: Operation = {
    name,
    infer: ([x]) => {
      const kind = isFloat(x!.dtype) ? "floats" : x!.dtype === "bool" ? "bools" : "numbers";
      const fits = kind === takes || (takes === "numbers" && kind === "floats");
      if (!fits) throw shapeError(name, `${takes} (these are ${x!.dtype})`, x!);
      return [{ shape: x!.shape, dtype: x!.dtype }];
    },
    lower: typeof lower === "string" ? (lowering, inputs) => [lowering.node(lower, inputs)] : lower,
  };
  const differentiable: Operation = gradient
    ? { ...op, gradient: ({ inputs: [x], outputs: [y], gradients: [g] }) => [gradient(g!, x!, y!)] }
    : op;
  return (x) => apply(differentiable, [x]);
}

export const neg = unary("neg", "Neg", (g) => neg(g), "numbers");
export const abs = unary("abs", "Abs", (g, x) => mul(g, sign(x)), "numbers");
export const sign = unary("sign", "Sign", () => undefined, "numbers");
export const floor = unary("floor", "Floor", () => undefined);
export const ceil = unary("ceil", "Ceil", () => undefined);
/** Rounds to the nearest integer, halves to even. */
export const round = unary("round", "Round", () => undefined);
export const logicalNot = unary("logicalNot", "Not", undefined, "bools");
export const exp = unary("exp", "Exp", (g, _, y) => mul(g, y));
export const log = unary("log", "Log", (g, x) => div(g, x));
export const sqrt = unary("sqrt", "Sqrt", (g, _, y) => div(mul(g, 0.5), y));
export const reciprocal = unary("reciprocal", "Reciprocal", (g, _, y) => neg(mul(g, square(y))));
export const square = unary(
  "square",
  (lowering, [x]) => [lowering.node("Mul", [x!, x!])],
  (g, x) => mul(mul(g, 2), x), // the gradient of a mean is small before it is expanded
);
/** 1 / sqrt(x). */
export const rsqrt = unary(
  "rsqrt",
  (lowering, [x]) => [lowering.node("Reciprocal", [lowering.node("Sqrt", [x!])])],
  (g, _, y) => mul(mul(g, -0.5), mul(y, square(y))),
);
export const sin = unary("sin", "Sin", (g, x) => mul(g, cos(x)));
export const cos = unary("cos", "Cos", (g, x) => neg(mul(g, sin(x))));
export const tanh = unary("tanh", "Tanh", (g, _, y) => mul(g, sub(1, square(y))));
export const erf = unary("erf", "Erf", (g, x) => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));
export const sigmoid = unary("sigmoid", "Sigmoid", (g, _, y) => mul(g, mul(y, sub(1, y))));
export const relu = unary("relu", "Relu", (g, x) => mul(g, cast(greater(x, 0), g.dtype)));
export const softplus = unary("softplus", "Softplus", (g, x) => mul(g, sigmoid(x)));
/** x · sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941). */
export const silu = unary(
  "silu",
  (lowering, [x]) => [lowering.node("Mul", [x!, lowering.node("Sigmoid", [x!])])],
  (g, x, y) => {
    const s = sigmoid(x);
    return mul(g, add(s, mul(y, sub(1, s))));
  },
);
/** x · Φ(x), exact (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
export const gelu = unary("gelu", "Gelu", (g, x) => {
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(g, add(mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5), mul(x, density)));
});

const geluScale = 2 * Math.sqrt(2 / Math.PI);
const geluCube = 0.044715 * geluScale;

/**
 * With tanh(u) = 2σ(2u) − 1 the approximation is x·σ(x·q), q = 2√(2/π)·(1 + 0.044715x²): half the memory
 * passes.
 */
function geluTanhParts(x: Tensor): { q: Tensor; gate: Tensor } {
  const q = add(mul(square(x), geluCube), geluScale);
  return { q, gate: sigmoid(mul(x, q)) };
}

const geluTanhOp: Operation = {
  name: "geluTanh",
  infer: ([x]) => {
    if (!isFloat(x!.dtype)) throw shapeError("geluTanh", `floats (these are ${x!.dtype})`, x!);
    return [{ shape: x!.shape, dtype: x!.dtype }];
  },
  // σ + x·σ·(1 − σ)·(x·q)′, where (x·q)′ = 3q − 2·2√(2/π).
  gradient: ({ inputs: [x], outputs: [y], gradients: [g] }) => {
    const { q, gate } = geluTanhParts(x!);
    const rest = mul(y!, sub(1, gate));
    return [mul(g!, add(gate, mul(rest, sub(mul(q, 3), 2 * geluScale))))];
  },
};

/** The tanh approximation of {@link gelu}, as in GPT-2 and many vision transformers. */
export function geluTanh(x: Tensor): Tensor {
  return apply(geluTanhOp, [x], {}, [mul(x, geluTanhParts(x).gate)]);
}

/** x · sigmoid(1.702 x), the approximation used to train CLIP's text encoder. */
export function quickGelu(x: Tensor): Tensor {
  return mul(x, sigmoid(mul(x, 1.702)));
}

/** Limits elements to [low, high]. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  return minimum(maximum(x, low), high);
}

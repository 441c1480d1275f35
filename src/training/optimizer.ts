// Optimizers as graph operations, so that a training step is one program. AdamW: Loshchilov and Hutter 2019
// (arXiv:1711.05101). Muon: Jordan et al. 2024 (kellerjordan.github.io/posts/muon), with the update scaled to
// AdamW's size as in Liu et al. 2025 (arXiv:2502.16982), so that one learning rate serves both.
import {
  add,
  constant,
  div,
  type Graph,
  matmul,
  minimum,
  mul,
  type Parameter,
  reshape,
  sqrt,
  sub,
  sumSquares,
  type Tensor,
} from "../graph/index.js";
import { explain, numberBetween, oneOf, positiveNumber, z } from "../schema/index.js";

const decay = numberBetween(0, 0.999999);

export const optimizerSchema = z
  .strictObject({
    kind: explain(
      oneOf(["adamw", "muon"]).default("muon"),
      '"adamw", or "muon" for matrices and adamw for everything else',
    ),
    betas: explain(
      z.tuple([decay, decay]).readonly().default([0.9, 0.99]),
      "decay of AdamW's first and second moments",
    ),
    momentum: explain(decay.default(0.95), "momentum of Muon"),
    weightDecay: explain(
      numberBetween(0, 1000).default(0.01),
      "decoupled decay of matrices, per step and unit of learning rate",
    ),
    gradientClipping: explain(positiveNumber(1e12).default(1), "maximum global norm of the gradients"),
  })
  .meta({ renamed: { clip: "gradientClipping" } });

/** Settings of the parameters below a scope, where they differ from the run's. */
export interface OptimizerGroup extends Partial<Pick<OptimizerSettings, "kind" | "weightDecay">> {
  /** Begins the names of the parameters, without the trailing dot. */
  readonly scope: string;
  /** The learning rate, relative to the run's. */
  readonly learningRateScale: number;
}

type OptimizerSettings = z.infer<typeof optimizerSchema>;

export type OptimizerConfig = OptimizerSettings & { readonly groups?: readonly OptimizerGroup[] };

/** Whether a parameter of this name belongs to a group. */
export const isIn = ({ scope }: OptimizerGroup, name: string): boolean => name.startsWith(`${scope}.`);

/** The settings of a parameter: its group's or the run's. */
export function settingsOf(
  config: OptimizerConfig,
  { name }: Pick<Parameter, "name">,
): OptimizerSettings & { readonly learningRateScale: number } {
  const group = config.groups?.find((each) => isIn(each, name));
  return { learningRateScale: 1, ...config, ...group };
}

/** Scalars that change from step to step, as inputs. */
export interface StepScalars {
  readonly learningRate: Tensor;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ. */
  readonly correction1: Tensor;
  readonly correction2: Tensor;
}

/** Optimizer state; the output of one step is the input of the same name in the next. */
export interface StateUpdate {
  readonly name: string;
  readonly shape: readonly number[];
  readonly next: Tensor;
}

/**
 * Muon updates the matrices inside the network; AdamW updates vectors, tables, narrow first and last layers,
 * and the modulation layers, which start at zero and have no direction worth orthogonalising yet.
 */
export function usesMuon(config: OptimizerConfig, parameter: Parameter): boolean {
  const { shape, name } = parameter;
  if (
    settingsOf(config, parameter).kind !== "muon" ||
    shape.length < 2 ||
    /embedding|position|modulation/.test(name)
  )
    return false;
  const rows = shape[0]!;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  return rows >= 32 && columns >= 32;
}

/**
 * Approximate duration of a parameter's update on one thread in nanoseconds: passes over memory, and
 * products.
 */
export function updateCost(config: OptimizerConfig, parameter: Parameter): number {
  const size = parameter.shape.reduce((a, b) => a * b, 1);
  const passes = 5 * size;
  if (!usesMuon(config, parameter)) return passes;
  const rows = parameter.shape[0]!;
  const [small, large] = [Math.min(rows, size / rows), Math.max(rows, size / rows)];
  const flop = isLong(small, large)
    ? 4 * small ** 2 * large + 34 * small ** 3
    : 20 * small ** 2 * large + 10 * small ** 3;
  return passes + flop / 70;
}

/** Gradient clipping: the global norm, and the factor that scales it down to the limit. */
export function clipFactor(gradients: readonly Tensor[], limit: number): { norm: Tensor; factor: Tensor } {
  const squares = gradients.map((g) => sumSquares(g));
  const norm = sqrt(squares.reduce((a, b) => add(a, b)));
  return { norm, factor: minimum(div(limit, add(norm, 1e-6)), 1) };
}

/** Names of AdamW's state: first and second moments. */
export function adamNames(name: string): [string, string] {
  return [`adam.m.${name}`, `adam.v.${name}`];
}

/**
 * AdamW's state is two tensors of the parameter's shape. Weight decay applies to matrices only.
 * @param scale clipping factor of the gradient
 */
export function adamW(
  parameter: Parameter,
  gradient: Tensor,
  scale: Tensor,
  state: (name: string) => Tensor,
  { betas, weightDecay }: OptimizerConfig,
  scalars: StepScalars,
): { next: Tensor; updates: StateUpdate[] } {
  const { name, shape, tensor: p } = parameter;
  const [first, second] = adamNames(name);
  const before = { p, m: state(first), v: state(second), gradient };
  const after = moveAdamW(before, scale, shape.length > 1 ? weightDecay : 0, betas, scalars);
  const updates = [
    { name: first, shape, next: after.m },
    { name: second, shape, next: after.v },
  ];
  return { next: after.p, updates };
}

/**
 * One AdamW step for tensors of one shape. Passes over memory dominate the cost, so the factors are folded
 * into scalars: with h = √(1−β₂)·g, v ← β₂v + h² is the usual second moment, and m ← β₁m + h is the usual
 * first moment times √(1−β₂)/(1−β₁), which the step divides out again.
 */
export function moveAdamW(
  { p, m, v, gradient }: { readonly [name in "p" | "m" | "v" | "gradient"]: Tensor },
  scale: Tensor,
  weightDecay: number,
  [beta1, beta2]: OptimizerConfig["betas"],
  { learningRate, correction1, correction2 }: StepScalars,
): { p: Tensor; m: Tensor; v: Tensor } {
  const h = mul(gradient, mul(scale, Math.sqrt(1 - beta2)));
  const mNext = add(mul(m, beta1), h);
  const vNext = add(mul(v, beta2), mul(h, h));
  const deviationScale = sqrt(correction2); // √(v/c₂) + ε = (√v + ε√c₂) / √c₂
  const deviation = add(sqrt(vNext), mul(deviationScale, 1e-8));
  const rate = mul(div(learningRate, correction1), mul(deviationScale, (1 - beta1) / Math.sqrt(1 - beta2)));
  const step = mul(div(mNext, deviation), rate);
  const decayed = weightDecay === 0 ? p : mul(p, sub(1, mul(learningRate, weightDecay)));
  return { p: sub(decayed, step), m: mNext, v: vNext };
}

/** Muon's state is one tensor, the momentum. */
export function muon(
  parameter: Parameter,
  gradient: Tensor,
  scale: Tensor,
  state: (name: string) => Tensor,
  { momentum, weightDecay }: OptimizerConfig,
  { learningRate }: StepScalars,
): { next: Tensor; updates: StateUpdate[] } {
  const { name, shape, tensor: p } = parameter;
  const rows = shape[0]!;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const buffer = state(`muon.${name}`);
  const clipped = mul(gradient, scale);
  const next = add(mul(buffer, momentum), clipped);
  const looking = add(clipped, mul(next, momentum)); // Nesterov
  const direction = reshape(orthogonalize(reshape(looking, [rows, columns]), rows, columns), shape);
  const size = 0.2 * Math.sqrt(Math.max(rows, columns));
  const decayed = weightDecay === 0 ? p : mul(p, sub(1, mul(learningRate, weightDecay)));
  return {
    next: sub(decayed, mul(direction, mul(learningRate, size))),
    updates: [{ name: `muon.${name}`, shape, next }],
  };
}

/**
 * Approximates the nearest orthogonal matrix by five Newton–Schulz steps with the quintic tuned for fast
 * growth.
 */
function orthogonalize(matrix: Tensor, rows: number, columns: number): Tensor {
  const x = div(matrix, add(sqrt(sumSquares(matrix)), 1e-7));
  const tall = rows > columns;
  const [small, large] = tall ? [columns, rows] : [rows, columns];
  const apply = (mix: Tensor, to: Tensor) => (tall ? matmul(to, mix) : matmul(mix, to));
  const gram = (of: Tensor) => matmul(of, of, tall ? { transposeA: true } : { transposeB: true }); // [small, small]
  return isLong(small, large) ? throughGram(gram(x), x, small, apply) : plainSteps(x, gram, apply);
}

const [a, b, c] = [3.4445, -4.775, 2.0315];
const newtonSchulzSteps = 5;

/** Whether the steps cost less on the Gram matrix. */
function isLong(small: number, large: number): boolean {
  return large > 1.5 * small;
}

/** x ← ax + (bG + cG²)x with G = xxᵀ. */
function plainSteps(
  x: Tensor,
  gram: (of: Tensor) => Tensor,
  apply: (mix: Tensor, to: Tensor) => Tensor,
): Tensor {
  for (let i = 0; i < newtonSchulzSteps; i++) {
    const g = gram(x);
    x = add(mul(x, a), apply(add(mul(g, b), mul(matmul(g, g), c)), x));
  }
  return x;
}

/**
 * The same steps for a long matrix, computed on its small Gram matrix: with P = aI + bG + cG², a step is x ←
 * Px, so G ← PGP, and the product of all factors is applied to x once. Costs 4·s²l + 34·s³ instead of 20·s²l
 * + 10·s³ operations for an s × l matrix.
 */
function throughGram(
  g: Tensor,
  x: Tensor,
  small: number,
  apply: (mix: Tensor, to: Tensor) => Tensor,
): Tensor {
  const identity = scaledIdentity(g, small);
  let product: Tensor | undefined;
  for (let i = 0; i < newtonSchulzSteps; i++) {
    const p = add(add(mul(g, b), mul(matmul(g, g), c)), identity);
    product = product ? matmul(p, product) : p;
    if (i < newtonSchulzSteps - 1) g = matmul(matmul(p, g), p);
  }
  return apply(product!, x);
}

const identities = new WeakMap<Graph, Map<number, Float32Array>>();

/** a·I. Cached per graph and size, so that a program holds each once. */
function scaledIdentity(like: Tensor, size: number): Tensor {
  const known = identities.get(like.graph) ?? new Map<number, Float32Array>();
  identities.set(like.graph, known);
  let data = known.get(size);
  if (!data) {
    data = new Float32Array(size * size);
    for (let i = 0; i < size; i++) data[i * (size + 1)] = a;
    known.set(size, data);
  }
  return constant(like.graph, data, [size, size]);
}

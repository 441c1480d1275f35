// Optimizers as operations, so that a training step is one program.
// AdamW: Loshchilov and Hutter 2019 (arXiv:1711.05101). Muon: Jordan et al. 2024 (kellerjordan.github.io/posts/muon),
// with the update scaled to AdamW's size as in Liu et al. 2025 (arXiv:2502.16982), so that one learning rate serves both.
import {
  add,
  div,
  matmul,
  minimum,
  mul,
  type Parameter,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../graph/index.js";

export interface OptimizerConfig {
  readonly kind: "adamw" | "muon";
  /** First and second moment decay of AdamW. */
  readonly betas: readonly [number, number];
  /** Momentum of Muon. */
  readonly momentum: number;
  /** Decoupled decay of matrices, per step and unit of learning rate. */
  readonly weightDecay: number;
  /** Largest norm of all gradients together. */
  readonly clip: number;
}

/** Numbers that change from step to step, given as inputs. */
export interface StepScalars {
  readonly learningRate: Tensor;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ. */
  readonly correction1: Tensor;
  readonly correction2: Tensor;
}

/** A piece of state: it is fed by the output of the same name in the next step. */
export interface StateUpdate {
  readonly name: string;
  readonly shape: readonly number[];
  readonly next: Tensor;
}

/** Matrices inside the network go to Muon; vectors, first and last layers (fewer than 32 rows or columns) do not. */
export function usesMuon({ kind }: OptimizerConfig, { shape, name }: Parameter): boolean {
  if (kind !== "muon" || shape.length < 2 || /embedding|position/.test(name)) return false;
  const rows = shape[0]!;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  return rows >= 32 && columns >= 32;
}

/** The norm of all gradients, and the factor that brings it down to the limit. */
export function clipFactor(gradients: readonly Tensor[], limit: number): { norm: Tensor; factor: Tensor } {
  const squares = gradients.map((g) => sum(square(g)));
  const norm = sqrt(squares.reduce((a, b) => add(a, b)));
  return { norm, factor: minimum(div(limit, add(norm, 1e-6)), 1) };
}

/** State of AdamW is two tensors of the parameter's shape. */
export function adamW(
  parameter: Parameter,
  gradient: Tensor,
  state: (name: string) => Tensor,
  { betas, weightDecay }: OptimizerConfig,
  { learningRate, correction1, correction2 }: StepScalars,
): { next: Tensor; updates: StateUpdate[] } {
  const { name, shape, tensor: p } = parameter;
  const [m, v] = [state(`adam.m.${name}`), state(`adam.v.${name}`)];
  const mNext = add(m, mul(sub(gradient, m), 1 - betas[0]));
  const vNext = add(v, mul(sub(square(gradient), v), 1 - betas[1]));
  const deviation = add(sqrt(div(vNext, correction2)), 1e-8);
  const step = mul(div(mNext, deviation), div(learningRate, correction1));
  const decayed = shape.length < 2 || weightDecay === 0 ? p : mul(p, sub(1, mul(learningRate, weightDecay)));
  const updates = [
    { name: `adam.m.${name}`, shape, next: mNext },
    { name: `adam.v.${name}`, shape, next: vNext },
  ];
  return { next: sub(decayed, step), updates };
}

/** State of Muon is one tensor, the momentum. */
export function muon(
  parameter: Parameter,
  gradient: Tensor,
  state: (name: string) => Tensor,
  { momentum, weightDecay }: OptimizerConfig,
  { learningRate }: StepScalars,
): { next: Tensor; updates: StateUpdate[] } {
  const { name, shape, tensor: p } = parameter;
  const rows = shape[0]!;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const buffer = state(`muon.${name}`);
  const next = add(mul(buffer, momentum), gradient);
  const looking = add(gradient, mul(next, momentum)); // Nesterov
  const direction = reshape(orthogonalize(reshape(looking, [rows, columns]), rows, columns), shape);
  const scale = 0.2 * Math.sqrt(Math.max(rows, columns));
  const decayed = weightDecay === 0 ? p : mul(p, sub(1, mul(learningRate, weightDecay)));
  return {
    next: sub(decayed, mul(direction, mul(learningRate, scale))),
    updates: [{ name: `muon.${name}`, shape, next }],
  };
}

/** The nearest orthogonal matrix, roughly: five Newton–Schulz steps with the quintic tuned for fast growth. */
function orthogonalize(matrix: Tensor, rows: number, columns: number): Tensor {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  let x = div(matrix, add(sqrt(sum(square(matrix))), 1e-7));
  const tall = rows > columns;
  for (let i = 0; i < 5; i++) {
    const gram = matmul(x, x, tall ? { transposeA: true } : { transposeB: true }); // over the smaller side
    const mix = add(mul(gram, b), mul(matmul(gram, gram), c));
    x = add(mul(x, a), tall ? matmul(x, mix) : matmul(mix, x));
  }
  return x;
}

// Low-rank adaptation (LoRA; Hu et al. 2021, arXiv:2106.09685): freezes a network's matrices and learns a
// low-rank product beside each. The product is added to the matrix before use, so sampling costs no more.
import { add, matmul, mul, reshape, type Scope, type Tensor, type Tracer } from "../../graph/index.js";

export interface LowRank {
  readonly rank: number;
  /** The product is scaled by alpha/rank. */
  readonly alpha: number;
}

/**
 * Names of a layer's low-rank matrices, as in LoRA files. A layer is a parameter's name without ".weight".
 */
export const thinNames = (layer: string) => ({
  down: `${layer}.lora_A.weight`,
  up: `${layer}.lora_B.weight`,
  alpha: `${layer}.alpha`,
});

export interface AdaptedScope {
  readonly scope: Scope;
  /** Names of the network's frozen parameters. */
  readonly frozen: ReadonlySet<string>;
}

/**
 * A scope that adds a learned product to each of the network's matrices (and kernels, as matrices of rows).
 */
export function adaptScope(tracer: Tracer, { rank, alpha }: LowRank): AdaptedScope {
  const frozen = new Set<string>();
  const root = tracer.scope();
  const wrap = (inner: Scope): Scope => ({
    path: inner.path,
    wraps: inner.wraps,
    record: inner.record,
    addedBias: (width) => inner.addedBias(width),
    child: (name) => wrap(inner.child(name)),
    parameter: (name, shape, init) => {
      const base = inner.parameter(name, shape, init);
      const full = inner.path === "" ? name : `${inner.path}.${name}`;
      frozen.add(full);
      const rows = shape[0] ?? 1;
      const columns = shape.slice(1).reduce((a, b) => a * b, 1);
      const isMatrix = name === "weight" && shape.length >= 2 && Math.min(rows, columns) > rank;
      return isMatrix ? add(base, product(root, full.replace(/\.weight$/, ""), rows, columns, shape)) : base;
    },
  });
  const product = (
    scope: Scope,
    layer: string,
    rows: number,
    columns: number,
    shape: readonly number[],
  ): Tensor => {
    const { down, up } = thinNames(layer);
    // One factor starts random, the other at zero: the network starts unchanged, and gradients reach both.
    const deviation = 1 / Math.sqrt(columns);
    const thin = scope.parameter(down, [rank, columns], { kind: "normal", deviation });
    const wide = scope.parameter(up, [rows, rank], { kind: "zeros" });
    return reshape(mul(matmul(wide, thin), alpha / rank), shape);
  };
  return { scope: wrap(root), frozen };
}

// Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685): a network's matrices stay as they are, and beside
// each a product of two thin ones is learned. The product is added to the matrix before it is used, so that
// drawing with it costs nothing more.
import { add, matmul, mul, reshape, type Scope, type Tensor, type Tracer } from "../../graph/index.js";

export interface LowRank {
  readonly rank: number;
  /** The product counts alpha/rank times. */
  readonly alpha: number;
}

/**
 * The thin matrices of a parameter, by the names that LoRA files use; a layer is a parameter without its
 * ".weight".
 */
export const thinNames = (layer: string) => ({
  down: `${layer}.lora_A.weight`,
  up: `${layer}.lora_B.weight`,
  alpha: `${layer}.alpha`,
});

export interface AdaptedScope {
  readonly scope: Scope;
  /** Names of the network's own parameters, which are not trained. */
  readonly frozen: ReadonlySet<string>;
}

/**
 * A scope whose matrices (and kernels, as matrices of rows) are the network's own with a learned product
 * added.
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
      const own = inner.parameter(name, shape, init);
      const full = inner.path === "" ? name : `${inner.path}.${name}`;
      frozen.add(full);
      const rows = shape[0] ?? 1;
      const columns = shape.slice(1).reduce((a, b) => a * b, 1);
      const isMatrix = name === "weight" && shape.length >= 2 && Math.min(rows, columns) > rank;
      return isMatrix ? add(own, product(root, full.replace(/\.weight$/, ""), rows, columns, shape)) : own;
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
    // The one begins random and the other at zero: the network begins as it is, and gradients reach both.
    const deviation = 1 / Math.sqrt(columns);
    const thin = scope.parameter(down, [rank, columns], { kind: "normal", deviation });
    const wide = scope.parameter(up, [rows, rank], { kind: "zeros" });
    return reshape(mul(matmul(wide, thin), alpha / rank), shape);
  };
  return { scope: wrap(root), frozen };
}

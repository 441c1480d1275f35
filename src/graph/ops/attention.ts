// Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762).

import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import { formatShape } from "../shape.js";
import type { Dim } from "../types.js";
import { reshape } from "./broadcast.js";
import { add } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { softmax } from "./norm.js";
import { transpose } from "./shape-ops.js";

const attentionOp: Operation = {
  name: "attention",
  infer: ([q, , v]) => [{ shape: [...q!.shape.slice(0, -1), v!.shape.at(-1)!], dtype: q!.dtype }],
  lower: (lowering, [q, k, v, bias], { attributes, inputs: [query, , , given] }) => {
    if (!lowering.can.multiHeadAttention) return undefined;
    const options = { num_heads: attributes.heads as number, scale: { float: attributes.scale as number } };
    // The kernel broadcasts a bias over batch and heads, but not over queries.
    const repeat = bias && given!.shape[2] === 1 && query!.shape[1] !== 1;
    const whole = repeat
      ? lowering.node("Expand", [bias, lowering.shapeVector([1, 1, query!.shape[1]!, 1])])
      : bias;
    // Inputs: query, key, value, bias of the projections, key padding mask, bias of the scores.
    const inputs = [q!, k!, v!, ...(whole ? ["", "", whole] : [])];
    return [lowering.node("MultiHeadAttention", inputs, options, "com.microsoft")];
  },
};

export interface AttentionOptions {
  readonly heads: number;
  /**
   * Added to the scores before softmax: `[batch or 1, heads or 1, queries or 1, keys]`, 0 to keep, strongly
   * negative to hide.
   */
  readonly bias?: Tensor;
  /** Default 1 / √(head width). */
  readonly scale?: number;
}

/**
 * Multi-head attention of projected queries, keys and values.
 * `q [batch, queries, heads·d]`, `k [batch, keys, heads·d]`, `v [batch, keys, heads·e]` → `[batch, queries,
 * heads·e]`. One fused kernel if the device has it; decomposed if gradients are taken.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const { heads, bias } = options;
  const scale = options.scale ?? 1 / Math.sqrt((q.shape.at(-1) as number) / heads);
  const { mixed } = attentionParts(q, k, v, { heads, bias, scale });
  return apply(attentionOp, bias ? [q, k, v, bias] : [q, k, v], { heads, scale }, [mixed]);
}

/**
 * {@link attention} that also returns the attention map: `weights [batch, heads, queries, keys]`, rows
 * summing to 1.
 */
export function attentionParts(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { heads, bias, scale: given }: AttentionOptions,
): { mixed: Tensor; weights: Tensor } {
  const [batch, , width] = q.shape;
  const fits =
    [q, k, v].every((t) => t.shape.length === 3 && t.shape[0] === batch) &&
    typeof width === "number" &&
    width % heads === 0 &&
    k.shape[2] === width &&
    k.shape[1] === v.shape[1] &&
    typeof v.shape[2] === "number" &&
    v.shape[2] % heads === 0 &&
    k.dtype === q.dtype &&
    v.dtype === q.dtype;
  if (!fits)
    throw shapeError(
      "attention",
      `q, k, v [batch, tokens, width] with widths that ${heads} heads divide`,
      q,
      k,
      v,
    );
  if (bias) checkBias(bias, [batch!, heads, q.shape[1]!, k.shape[1]!]);
  const scale = given ?? 1 / Math.sqrt((width as number) / heads);
  const [qh, kh, vh] = [q, k, v].map((t) => splitHeads(t, heads)) as [Tensor, Tensor, Tensor];
  const scores = matmul(qh, kh, { transposeB: true, scale }); // [batch, heads, queries, keys]
  const weights = softmax(bias ? add(scores, bias) : scores);
  const mixed = matmul(weights, vh); // [batch, heads, queries, e]
  return { mixed: mergeHeads(mixed), weights };
}

/** A bias covers all keys; it may broadcast over the batch, heads and queries. */
function checkBias(bias: Tensor, scores: readonly Dim[]): void {
  const fits =
    bias.shape.length === 4 &&
    bias.shape.every((dim, axis) => dim === scores[axis] || (dim === 1 && axis < 3));
  if (!fits)
    throw shapeError("attention", `a bias of ${formatShape(scores)}, with 1 where it broadcasts`, bias);
}

function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = x.shape as [Dim, Dim, number];
  return transpose(reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, tokens, width] = x.shape as [Dim, number, Dim, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * width]);
}

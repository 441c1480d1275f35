// The transformer layer of CLIP's encoders, of text and of images alike (Radford et al. 2021, arXiv:2103.00020, section
// 2.4). Parameter names are those of transformers' CLIPEncoderLayer.
import { add, attention, gelu, quickGelu, type Scope, type Tensor } from "../graph/index.js";
import { dense, norm } from "../nn/index.js";

/** OpenAI's encoders were trained with x·sigmoid(1.702·x), OpenCLIP's with the exact form. */
export type ClipActivation = "quick_gelu" | "gelu";

export interface ClipLayerConfig {
  readonly width: number;
  readonly heads: number;
  /** Width of the feed-forward network. */
  readonly hidden: number;
  readonly activation: ClipActivation;
  readonly epsilon: number;
}

/**
 * Self-attention and a feed-forward network, each after a normalisation: `x [batch, positions, width]` → the same shape.
 * @param bias Added to the attention's scores: `[1, 1, positions, positions]`, such as a causal mask.
 */
export function clipLayer(scope: Scope, config: ClipLayerConfig, x: Tensor, bias?: Tensor): Tensor {
  const { width, heads, epsilon } = config;
  const self = scope.child("self_attn");
  const normal = norm(scope.child("layer_norm1"), x, epsilon);
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => dense(self.child(name), normal, width)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  x = add(x, dense(self.child("out_proj"), attention(q, k, v, { heads, ...(bias && { bias }) }), width));
  const activate = config.activation === "gelu" ? gelu : quickGelu;
  const feed = scope.child("mlp");
  const wide = dense(feed.child("fc1"), norm(scope.child("layer_norm2"), x, epsilon), config.hidden);
  return add(x, dense(feed.child("fc2"), activate(wide), width));
}

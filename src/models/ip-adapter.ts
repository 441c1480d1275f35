// IP-Adapter: what a denoiser needs in order to attend to images beside the text (Ye et al. 2023, arXiv:2308.06721): tokens
// from an image encoder's output, and keys and values of them for each cross-attention. None of it depends on the step, so it
// is a network of its own; the attention itself is in conditional-unet.ts. Parameter names are those of the published files
// (tencent-ailab/IP-Adapter).
import {
  add,
  attention,
  concat,
  type Dim,
  expand,
  gelu,
  reshape,
  type Scope,
  split,
  type Tensor,
} from "../graph/index.js";
import { dense, norm } from "../nn/index.js";

/**
 * How tokens come from an image encoder's output:
 * - "linear": from the embedding, by one matrix (the plain IP-Adapter).
 * - "layers": from each state before the last layer, by two layers (IP-Adapter Full Face).
 * - "resampler": from all those states, by learned queries (IP-Adapter Plus, after Perceiver: arXiv:2103.03206).
 */
export interface IpAdapterConfig {
  readonly kind: "linear" | "layers" | "resampler";
  /** Width of what the image encoder returns. */
  readonly inputWidth: number;
  /** Width of the tokens: that of the denoiser's text states. */
  readonly crossWidth: number;
  /** Tokens of one image; undefined where there is one for each state of the encoder. */
  readonly tokens: number | undefined;
  /** Of the resampler. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

// Fixed in the reference implementation.
const linearTokens = 4;
const headWidth = 64;

/** Tensor shapes by their names in the file. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** Reads the kind and sizes of a projection from its tensors; undefined for any other file. */
export function readIpAdapterConfig(tensors: TensorShapes): IpAdapterConfig | undefined {
  const size = (name: string, axis: number) => tensors.get(`image_proj.${name}`)?.shape[axis] ?? 0;
  const none = { width: 0, layers: 0, heads: 0 };
  if (size("proj.weight", 1) > 0) {
    const crossWidth = size("norm.weight", 0);
    return { kind: "linear", inputWidth: size("proj.weight", 1), crossWidth, tokens: linearTokens, ...none };
  }
  if (size("proj.3.weight", 0) > 0) {
    const crossWidth = size("proj.3.weight", 0);
    return { kind: "layers", inputWidth: size("proj.0.weight", 1), crossWidth, tokens: undefined, ...none };
  }
  if (size("latents", 2) === 0 || size("layers.0.0.to_q.weight", 0) === 0) return undefined;
  let layers = 0;
  while (tensors.has(`image_proj.layers.${layers}.0.to_q.weight`)) layers++;
  return {
    kind: "resampler",
    inputWidth: size("proj_in.weight", 1),
    crossWidth: size("proj_out.weight", 0),
    tokens: size("latents", 1),
    width: size("latents", 2),
    layers,
    heads: Math.max(1, Math.floor(size("layers.0.0.to_q.weight", 0) / headWidth)),
  };
}

/** A resampler's layer: the latents attend to the image and to themselves; `latents [batch, tokens, width]`. */
function resample(scope: Scope, config: IpAdapterConfig, latents: Tensor, image: Tensor): Tensor {
  const { width, heads } = config;
  const look = scope.child(0);
  const own = norm(look.child("norm2"), latents);
  const seen = concat([norm(look.child("norm1"), image), own], 1); // [batch, states + tokens, width]
  const inner = heads * headWidth;
  const q = dense(look.child("to_q"), own, inner, { bias: false });
  const [k, v] = split(dense(look.child("to_kv"), seen, 2 * inner, { bias: false }), 2, 2) as [
    Tensor,
    Tensor,
  ];
  latents = add(latents, dense(look.child("to_out"), attention(q, k, v, { heads }), width, { bias: false }));
  const feed = scope.child(1);
  const wide = gelu(dense(feed.child(1), norm(feed.child(0), latents), 4 * width, { bias: false }));
  return add(latents, dense(feed.child(3), wide, width, { bias: false }));
}

/**
 * Projects an image encoder's output to the tokens that the denoiser attends to: `[batch, tokens, crossWidth]`.
 * @param scope "image_proj".
 * @param image `[batch, inputWidth]` for "linear", else `[batch, states, inputWidth]`.
 */
export function projectImage(scope: Scope, config: IpAdapterConfig, image: Tensor): Tensor {
  const { kind, inputWidth, crossWidth, tokens, width, layers } = config;
  const [batch] = image.shape as [Dim];
  if (kind === "linear") {
    const all = dense(scope.child("proj"), image, linearTokens * crossWidth);
    return norm(scope.child("norm"), reshape(all, [batch, linearTokens, crossWidth]));
  }
  if (kind === "layers") {
    const network = scope.child("proj");
    const hidden = gelu(dense(network.child(0), image, inputWidth));
    return norm(network.child(3), dense(network.child(2), hidden, crossWidth));
  }
  const seen = dense(scope.child("proj_in"), image, width); // [batch, states, width]
  let latents = expand(scope.parameter("latents", [1, tokens!, width]), [batch, tokens!, width]);
  for (let i = 0; i < layers; i++) latents = resample(scope.child("layers").child(i), config, latents, seen);
  return norm(scope.child("norm_out"), dense(scope.child("proj_out"), latents, crossWidth));
}

/**
 * Computes keys and values of an image's tokens for the denoiser's cross-attentions.
 * @param scope "ip_adapter".
 * @param tokens `[batch, tokens, crossWidth]`
 * @param widths Of the cross-attentions, in the order of their numbers.
 * @returns For each, `[batch, tokens, width]` twice.
 */
export function lookAtImage(scope: Scope, tokens: Tensor, widths: readonly number[]) {
  return widths.map((width, i) => {
    const layer = scope.child(2 * i + 1);
    const [keys, values] = ["to_k_ip", "to_v_ip"].map((name) =>
      dense(layer.child(name), tokens, width, { bias: false }),
    ) as [Tensor, Tensor];
    return { keys, values };
  });
}

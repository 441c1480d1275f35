// T5's encoder (Raffel et al. 2020, arXiv:1910.10683, section 2.1; 1.1: Shazeer 2020, arXiv:2002.05202), the text encoder of
// DeepFloyd IF, Stable Diffusion 3 and FLUX. Parameter names follow transformers (models/t5/modeling_t5.py). Attention scores
// are not divided by √d: the initialisation of the queries does that. Positions are relative and enter as a bias.
import {
  add,
  attention,
  gather,
  geluTanh,
  mul,
  relu,
  rmsNorm,
  type Scope,
  sub,
  type Tensor,
  transpose,
  unsqueeze,
} from "../graph/index.js";
import { dense } from "../nn/index.js";
import type { T5EncoderConfig } from "./t5-encoder-config.js";

export interface T5EncoderInputs {
  /** Token ids, i32 `[batch, tokens]`. */
  readonly ids: Tensor;
  /** 1 for tokens, 0 for padding, `[batch, tokens]`. Default: padding takes part like any token, as in Stable Diffusion 3. */
  readonly mask?: Tensor;
  /** {@link getT5Buckets} of the number of tokens, i32 `[tokens, tokens]`. An input, so that one session serves all lengths. */
  readonly buckets: Tensor;
}

// Added to the scores of padding. Softmax makes it exactly 0.
const hidden = -1e9;

/**
 * The row of the position table for each query and key, i32 `[tokens, tokens]`: half of the rows for keys after the query; of
 * each half, the first rows stand for one distance each and the others for ranges that grow up to `farthest`.
 */
export function getT5Buckets({ buckets, farthest }: T5EncoderConfig, tokens: number): Int32Array {
  const half = buckets / 2;
  const exact = half / 2;
  const getRow = (distance: number) => {
    if (distance < exact) return distance;
    // In float32, as the reference computes it: whole powers must not fall below themselves.
    const share = Math.fround(
      Math.fround(Math.log(Math.fround(distance / exact))) / Math.log(farthest / exact),
    );
    return Math.min(half - 1, exact + Math.trunc(Math.fround(share * (half - exact))));
  };
  return Int32Array.from({ length: tokens * tokens }, (_, i) => {
    const distance = (i % tokens) - Math.floor(i / tokens); // key minus query
    return (distance > 0 ? half : 0) + getRow(Math.abs(distance));
  });
}

/** Normalises by the root mean square, with a learned weight and no bias. */
function norm(scope: Scope, x: Tensor, { width, epsilon }: T5EncoderConfig): Tensor {
  const weight = scope.child("layer_norm").parameter("weight", [width], { kind: "ones" });
  return rmsNorm(x, { weight, epsilon });
}

/** A layer's bias of the scores by relative position: `[1, heads, tokens, tokens]`. */
function positionBias(scope: Scope, { buckets: rows, heads }: T5EncoderConfig, buckets: Tensor): Tensor {
  const table = scope
    .child("relative_attention_bias")
    .parameter("weight", [rows, heads], { kind: "normal", deviation: 1 });
  return unsqueeze(transpose(gather(table, buckets), [2, 0, 1]), 0);
}

function selfAttention(scope: Scope, x: Tensor, config: T5EncoderConfig, bias: Tensor): Tensor {
  const { heads, headWidth, width } = config;
  const map = (name: string) => dense(scope.child(name), x, heads * headWidth, { bias: false });
  const mixed = attention(map("q"), map("k"), map("v"), { heads, bias, scale: 1 });
  return dense(scope.child("o"), mixed, width, { bias: false });
}

function feedForward(scope: Scope, x: Tensor, { activation, hidden: inner, width }: T5EncoderConfig): Tensor {
  const map = (name: string, from: Tensor, size: number) =>
    dense(scope.child(name), from, size, { bias: false });
  const wide =
    activation === "relu"
      ? relu(map("wi", x, inner))
      : mul(geluTanh(map("wi_0", x, inner)), map("wi_1", x, inner));
  return map("wo", wide, width);
}

/** A run of layers, from the first included to the last excluded. */
export interface T5Layers {
  readonly from: number;
  readonly to: number;
}

/** The widened weights of so many numbers may be in memory at once. */
const mostNumbers = 8e8;

/**
 * The layers in parts that are run one after the other, so that memory is that of a part: the runtime widens the weights of
 * many layers before it needs them. Small encoders are one part.
 */
export function splitT5Layers({
  layers,
  width,
  heads,
  headWidth,
  hidden,
  activation,
}: T5EncoderConfig): T5Layers[] {
  const numbers = width * (4 * heads * headWidth + (activation === "relu" ? 2 : 3) * hidden);
  const each = Math.max(1, Math.floor(mostNumbers / numbers));
  const count = Math.ceil(layers / each);
  return Array.from({ length: count }, (_, i) => ({ from: i * each, to: Math.min(layers, (i + 1) * each) }));
}

/** Computes the states of every token, normalised: `[batch, tokens, width]`. @throws NishikiError "shape" */
export function t5Encoder(scope: Scope, config: T5EncoderConfig, inputs: T5EncoderInputs): Tensor {
  const { ids, ...others } = inputs;
  return t5EncoderPart(
    scope,
    config,
    { ...others, x: embedT5(scope, config, ids) },
    { from: 0, to: config.layers },
  );
}

/** The vectors of tokens: `ids [batch, tokens] → [batch, tokens, width]`. */
export function embedT5(scope: Scope, { vocabulary, width }: T5EncoderConfig, ids: Tensor): Tensor {
  const table = scope
    .child("shared")
    .parameter("weight", [vocabulary, width], { kind: "normal", deviation: 1 });
  return gather(table, ids);
}

/**
 * Some of the layers: `x [batch, tokens, width]` → the same shape, normalised after the last layer. @throws NishikiError "shape"
 */
export function t5EncoderPart(
  scope: Scope,
  config: T5EncoderConfig,
  { x: first, mask, buckets }: Omit<T5EncoderInputs, "ids"> & { readonly x: Tensor },
  { from, to }: T5Layers,
): Tensor {
  const { width, layers, hasOwnPositions } = config;
  let x = first;
  const encoder = scope.child("encoder");
  const padding = mask && mul(sub(1, unsqueeze(unsqueeze(mask, 1), 1)), hidden); // [batch, 1, 1, tokens]
  const getBias = (layer: number) => {
    const self = encoder.child("block").child(layer).child("layer.0.SelfAttention");
    const positions = positionBias(self, config, buckets);
    return padding ? add(positions, padding) : positions;
  };
  const shared = hasOwnPositions ? undefined : getBias(0);
  for (let i = from; i < to; i++) {
    const layer = encoder.child("block").child(i).child("layer");
    const [one, two] = [layer.child(0), layer.child(1)];
    const bias = shared ?? getBias(i);
    x = add(x, selfAttention(one.child("SelfAttention"), norm(one, x, config), config, bias));
    x = add(x, feedForward(two.child("DenseReluDense"), norm(two, x, config), config));
  }
  if (to < layers) return x;
  const last = encoder.child("final_layer_norm").parameter("weight", [width], { kind: "ones" });
  return rmsNorm(x, { weight: last, epsilon: config.epsilon });
}

/** The one name of the token table: files hold it as `shared.weight`, as `encoder.embed_tokens.weight`, or as both. */
export function getT5WeightName(name: string): string {
  return name === "encoder.embed_tokens.weight" ? "shared.weight" : name;
}

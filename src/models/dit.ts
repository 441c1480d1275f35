// A transformer denoiser: Peebles and Xie 2023, "Scalable diffusion models with transformers"
// (arXiv:2212.09748), with adaLN-zero, where one map from the condition serves all blocks and each block adds
// its table (Chen et al. 2024, PixArt-α, arXiv:2310.00426, section 2.3): a map per block would hold a third
// of the parameters and do little. Squared ReLU (So et al. 2021, Primer, arXiv:2109.08668) is as good as GELU
// there, at a third of the memory passes. Attention joins text and image tokens and normalises queries and
// keys, after Esser et al. 2024 (arXiv:2403.03206); here blocks do not update the text states, which saves a
// third of the cost.
// It predicts velocity: noise − latents (rectified flow, Liu et al. 2022, arXiv:2209.03003).
import {
  add,
  concat,
  fixedSize,
  layerNorm,
  mul,
  relu,
  type Scope,
  silu,
  split,
  square,
  type Tensor,
  unsqueeze,
} from "../graph/index.js";
import { attend, dense, mlp, sinusoidal } from "../nn/index.js";
import { explain, numberBetween, z } from "../schema/index.js";
import { hidePadding, meanOfTokens, perHeadNorm } from "./caption.js";
import { repeats, size } from "./sizes.js";

/** The sizes of a transformer denoiser. */
export const ditSchema = z.strictObject({
  latentTokens: explain(size, "image tokens: patches of the latents, row by row"),
  latentChannels: explain(size, "numbers of one patch"),
  width: explain(size, "channels between blocks"),
  depth: explain(repeats, "blocks"),
  heads: explain(size, "attention heads"),
  mlpRatio: explain(
    numberBetween(0.1, 100),
    "hidden channels of a block's two-layer network, as a multiple of the width",
  ),
  timeFrequencies: explain(size, "cosines and sines that encode the time"),
  textWidth: explain(size, "width of the text encoder's states"),
});

export type DitConfig = z.infer<typeof ditSchema>;

const patches = { latentTokens: 64, latentChannels: 64, mlpRatio: 4, timeFrequencies: 256, textWidth: 384 };

/** Depth grows with width as in the paper's table 1; heads are 64 wide there too. */
export const ditConfigs = {
  /** For tests. */
  tiny: {
    latentTokens: 4,
    latentChannels: 3,
    width: 16,
    depth: 2,
    heads: 2,
    mlpRatio: 4,
    timeFrequencies: 8,
    textWidth: 6,
  },
  /** 10 million parameters: two CPU cores train it at 35 images per second. Used by the benchmark. */
  small: { ...patches, width: 384, depth: 4, heads: 6 },
  /** 28 million parameters: the paper's S. */
  medium: { ...patches, width: 384, depth: 12, heads: 6 },
  /** 109 million parameters: the paper's B. */
  large: { ...patches, width: 768, depth: 12, heads: 12 },
} as const satisfies Record<string, DitConfig>;

export interface DitInputs {
  /** `[batch, latentTokens, latentChannels]` */
  readonly latents: Tensor;
  /** `[batch]`, 0 for a clean image to 1 for noise. */
  readonly time: Tensor;
  /** Token states of the text encoder, `[batch, tokens, textWidth]`. */
  readonly text: Tensor;
  /** `[batch, tokens]`, 1 for a token and 0 for padding; all 0 means no caption. */
  readonly mask: Tensor;
}

const silent = { kind: "zeros" } as const;
const normEpsilon = 1e-6;

/** Velocity `[batch, latentTokens, latentChannels]`. */
export function dit(scope: Scope, { latents, time, text, mask }: DitInputs, config: DitConfig): Tensor {
  const { width, latentTokens, latentChannels, depth } = config;
  const positions = scope.parameter("positions", [latentTokens, width], { kind: "normal", deviation: 0.02 });
  let x = add(dense(scope.child("latents_in"), latents, width), positions); // [batch, latentTokens, width]
  const condition = silu(readCondition(scope.child("condition"), time, text, mask, config)); // [batch, width]
  const words = dense(scope.child("text_in"), text, width); // [batch, tokens, width]
  const hidden = hidePadding(mask, latentTokens); // [batch, 1, 1, latentTokens + tokens]
  const shared = dense(scope.child("block_modulation"), condition, 6 * width, { init: silent }); // [batch, 6·width]
  for (let i = 0; i < depth; i++) {
    x = block(scope.child("blocks").child(i), x, shared, words, hidden, config);
  }
  const last = dense(scope.child("modulation"), condition, 2 * width, { init: silent });
  const [shift, scale] = parts(last, 2) as [Tensor, Tensor];
  return dense(scope.child("latents_out"), modulatedNorm(x, shift, scale), latentChannels, { init: silent });
}

/**
 * Attention and a two-layer network, each normalised, modulated and gated by the condition; initially the
 * identity.
 */
function block(
  scope: Scope,
  x: Tensor,
  shared: Tensor,
  words: Tensor,
  hidden: Tensor,
  { width, heads, mlpRatio }: DitConfig,
): Tensor {
  const modulation = add(shared, scope.parameter("modulation", [6 * width], silent));
  const [shift1, scale1, gate1, shift2, scale2, gate2] = parts(modulation, 6) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const seen = jointAttention(
    scope.child("attention"),
    modulatedNorm(x, shift1, scale1),
    words,
    hidden,
    heads,
  );
  x = add(x, mul(seen, gate1)); // [batch, latentTokens, width]
  const network = scope.child("mlp");
  const inner = square(relu(dense(network.child(0), modulatedNorm(x, shift2, scale2), width * mlpRatio)));
  return add(x, mul(dense(network.child(2), inner, width), gate2));
}

/** Attention of image tokens to image tokens and words together. */
function jointAttention(scope: Scope, x: Tensor, words: Tensor, hidden: Tensor, heads: number): Tensor {
  const width = fixedSize(x, 2);
  const queryNorm = scope.child("query_norm").parameter("weight", [width / heads], { kind: "ones" });
  const keyNorm = scope.child("key_norm").parameter("weight", [width / heads], { kind: "ones" });
  const project = (name: string, from: Tensor) => dense(scope.child(name), from, width);
  // Scores depend only on the product of both weights, so one side carries it.
  const q = perHeadNorm(project("q", x), heads, { weight: mul(queryNorm, keyNorm), epsilon: normEpsilon });
  const k = perHeadNorm(concat([project("k", x), project("text_k", words)], 1), heads, {
    epsilon: normEpsilon,
  });
  const v = concat([project("v", x), project("text_v", words)], 1); // [batch, latentTokens + tokens, width]
  return dense(scope.child("out"), attend(scope, q, k, v, { heads, bias: hidden }), width);
}

/** Splits `modulation [batch, count·width]` into parts, each `[batch, 1, width]`. */
function parts(modulation: Tensor, count: number): Tensor[] {
  return split(unsqueeze(modulation, 1), 2, count);
}

function modulatedNorm(x: Tensor, shift: Tensor, scale: Tensor): Tensor {
  return add(mul(layerNorm(x, { epsilon: normEpsilon }), add(scale, 1)), shift);
}

/** Embeds the time and the mean of the unmasked words, each through a two-layer network: `[batch, width]`. */
function readCondition(
  scope: Scope,
  time: Tensor,
  text: Tensor,
  mask: Tensor,
  { timeFrequencies, width }: DitConfig,
): Tensor {
  const fromTime = mlp(scope.child("time"), sinusoidal(time, timeFrequencies, { scale: 1000 }), width, width);
  return add(fromTime, mlp(scope.child("text"), meanOfTokens(text, mask), width, width));
}

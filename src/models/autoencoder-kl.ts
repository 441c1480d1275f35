// Stable Diffusion's autoencoder: convolutions with residual blocks down to an eighth of the size, and back
// (Rombach et al. 2022, arXiv:2112.10752, section 3.1, after Esser et al. 2021, arXiv:2012.09841). Sizes and
// parameter names follow diffusers' AutoencoderKL (models/autoencoders/vae.py); height and width may be
// symbols. Images are channels-first.
import {
  add,
  attention,
  clamp,
  fixedSize,
  reshape,
  type Scope,
  silu,
  split,
  type Tensor,
  transpose,
  upsampleNearest2d,
} from "../graph/index.js";
import { conv2d, dense, type GroupNormLayer, groupNorm } from "../nn/index.js";
import type { AutoencoderKlConfig } from "./autoencoder-kl-config.js";
import { residualBlock } from "./residual-block.js";

// Fixed in the reference: the groups of all normalisations, and the range of the log variance.
const epsilon = 1e-6;
const logVarianceRange = [-30, 20] as const;

function residual(
  scope: Scope,
  x: Tensor,
  width: number,
  { groups, activation }: AutoencoderKlConfig,
  normalize?: GroupNormLayer,
): Tensor {
  return residualBlock(scope, x, width, { groups, epsilon, activation, normalize });
}

/** Single-head attention over all positions: `x [batch, channels, height, width]` → the same shape. */
function spatialAttention(scope: Scope, x: Tensor, groups: number): Tensor {
  const [batch, channels] = x.shape as [Tensor["shape"][number], number];
  const flat = reshape(groupNorm(scope.child("group_norm"), x, groups, epsilon), [batch, channels, -1]);
  const places = transpose(flat, [0, 2, 1]); // [batch, height·width, channels]
  const [q, k, v] = ["to_q", "to_k", "to_v"].map((name) => dense(scope.child(name), places, channels)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const seen = dense(scope.child("to_out.0"), attention(q, k, v, { heads: 1 }), channels);
  return add(x, reshape(transpose(seen, [0, 2, 1]), x.shape));
}

function middle(scope: Scope, x: Tensor, config: AutoencoderKlConfig): Tensor {
  const width = config.widths.at(-1)!;
  x = residual(scope.child("resnets.0"), x, width, config);
  if (config.middleAttention) x = spatialAttention(scope.child("attentions.0"), x, config.groups);
  return residual(scope.child("resnets.1"), x, width, config);
}

/**
 * The last normalisation and convolution of both networks; the reference uses SiLU here regardless of the
 * config.
 */
function readOut(
  scope: Scope,
  x: Tensor,
  width: number,
  { groups }: AutoencoderKlConfig,
  normalize: GroupNormLayer = groupNorm,
): Tensor {
  const normalized = normalize(scope.child("conv_norm_out"), x, groups, epsilon);
  return conv2d(scope.child("conv_out"), silu(normalized), width);
}

/** A distribution of latents: independent Gaussians, `[batch, latentChannels, height/8, width/8]` each. */
export interface LatentDistribution {
  readonly mean: Tensor;
  /** Log variance, in [-30, 20]. */
  readonly logVariance: Tensor;
}

/**
 * Pixels `[batch, 3, height, width]` in [-1, 1] → latents as the network was trained on them, not yet scaled
 * for the denoiser. Crops height and width to multiples of 2^(sizes − 1).
 */
export function encodeKl(scope: Scope, config: AutoencoderKlConfig, pixels: Tensor): LatentDistribution {
  return encodeKlSmall(scope, config, encodeKlLarge(scope, config, pixels));
}

/**
 * Latents `[batch, latentChannels, height, width]`, not scaled for the denoiser → pixels
 * `[batch, 3, 8·height, 8·width]`, about [-1, 1] (not clipped).
 */
export function decodeKl(scope: Scope, config: AutoencoderKlConfig, latents: Tensor): Tensor {
  return decodeKlLarge(scope, config, decodeKlSmall(scope, config, latents));
}

/**
 * The encoder's layers above the smallest size, which take nearly all of its memory: pixels → features
 * `[batch, widths.at(-2), height/8, width/8]`.
 */
export function encodeKlLarge(
  scope: Scope,
  config: AutoencoderKlConfig,
  pixels: Tensor,
  normalize?: GroupNormLayer,
): Tensor {
  const encoder = scope.child("encoder");
  let x = conv2d(encoder.child("conv_in"), pixels, config.widths[0]!);
  config.widths.slice(0, -1).forEach((width, size) => {
    const block = encoder.child("down_blocks").child(size);
    for (let i = 0; i < config.layers; i++) {
      x = residual(block.child("resnets").child(i), x, width, config, normalize);
    }
    // Pads with zeros only at the bottom and right.
    const options = { stride: 2, padding: [0, 0, 1, 1] } as const;
    x = conv2d(block.child("downsamplers.0.conv"), x, width, options); // [batch, width, height/2, width/2]
  });
  return x;
}

/** The encoder's layers at the smallest size: the features of {@link encodeKlLarge} → latents. */
export function encodeKlSmall(
  scope: Scope,
  config: AutoencoderKlConfig,
  features: Tensor,
): LatentDistribution {
  const { widths, layers, latentChannels } = config;
  const encoder = scope.child("encoder");
  const last = encoder.child("down_blocks").child(widths.length - 1);
  let x = features;
  for (let i = 0; i < layers; i++) {
    x = residual(last.child("resnets").child(i), x, widths.at(-1)!, config);
  }
  x = middle(encoder.child("mid_block"), x, config);
  let moments = readOut(encoder, x, 2 * latentChannels, config); // [batch, 2·latentChannels, height/8, width/8]
  if (config.quantConv) {
    moments = conv2d(scope.child("quant_conv"), moments, 2 * latentChannels, { kernel: 1 });
  }
  const [mean, logVariance] = split(moments, 1, 2) as [Tensor, Tensor];
  return { mean, logVariance: clamp(logVariance, ...logVarianceRange) };
}

/** The decoder's layers at the smallest size: latents → features `[batch, widths.at(-1), height, width]`. */
export function decodeKlSmall(scope: Scope, config: AutoencoderKlConfig, latents: Tensor): Tensor {
  const decoder = scope.child("decoder");
  const quantConv = scope.child("post_quant_conv");
  const width = config.widths.at(-1)!;
  let x = config.postQuantConv ? conv2d(quantConv, latents, config.latentChannels, { kernel: 1 }) : latents;
  x = conv2d(decoder.child("conv_in"), x, width);
  x = middle(decoder.child("mid_block"), x, config);
  return upBlock(decoder.child("up_blocks.0"), x, width, config);
}

/**
 * The decoder's layers above the smallest size, which take nearly all of its memory: the features of {@link
 * decodeKlSmall} → pixels.
 */
export function decodeKlLarge(
  scope: Scope,
  config: AutoencoderKlConfig,
  features: Tensor,
  normalize?: GroupNormLayer,
): Tensor {
  const blocks = scope.child("decoder.up_blocks");
  let x = features;
  config.widths
    .toReversed()
    .slice(1)
    .forEach((width, size) => {
      const enlarge = blocks.child(size).child("upsamplers.0.conv");
      x = conv2d(enlarge, upsampleNearest2d(x, 2), fixedSize(x, 1)); // [batch, width before, 2·height, 2·width]
      x = upBlock(blocks.child(size + 1), x, width, config, normalize);
    });
  return readOut(scope.child("decoder"), x, config.outChannels, config, normalize);
}

/** One more block than the encoder at the same size. */
function upBlock(
  scope: Scope,
  x: Tensor,
  width: number,
  config: AutoencoderKlConfig,
  normalize?: GroupNormLayer,
): Tensor {
  for (let i = 0; i <= config.layers; i++) {
    x = residual(scope.child("resnets").child(i), x, width, config, normalize);
  }
  return x;
}

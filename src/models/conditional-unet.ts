// Stable Diffusion's denoiser: a U-Net of residual blocks with transformers that attend to the prompt
// (Rombach et al. 2022, arXiv:2112.10752, section 3.3; XL: Podell et al. 2023, arXiv:2307.01952, section 2).
// Sizes and parameter names follow diffusers' UNet2DConditionModel; height and width may be symbols, so one
// session serves all sizes. Channels-first.
import {
  add,
  attention,
  concat,
  crop,
  type Dim,
  fixedSize,
  gelu,
  mul,
  reshape,
  type Scope,
  split,
  type Tensor,
  transpose,
  upsampleNearest2d,
} from "../graph/index.js";
import { activations, attend, conv2d, dense, groupNorm, norm, sinusoidal } from "../nn/index.js";
import { embedClass, embedTwice } from "./class-embedding.js";
import { type ConditionalUnetConfig, checkUnetInputs, type UnetLevel } from "./conditional-unet-config.js";
import { residualBlock } from "./residual-block.js";

export interface ConditionalUnetInputs {
  /**
   * Noisy latents, with mask and masked latents if the network has 9 channels: `[batch, inChannels, height,
   * width]`.
   */
  readonly sample: Tensor;
  /** Training timesteps, fractions allowed: `[batch]`. */
  readonly timestep: Tensor;
  /** The text states: `[batch, tokens, crossWidth]`. */
  readonly encoderStates: Tensor;
  /**
   * XL: the pooled text embedding `[batch, width]`, and sizes and crops in pixels `[batch, 6]` (5 for the
   * refiner).
   */
  readonly pooledText?: Tensor;
  readonly timeIds?: Tensor;
  /** LCM: the embedding of the guidance scale, `[batch, timeConditionWidth]`. */
  readonly timeCondition?: Tensor;
  /** The class, or what takes its place; its form depends on the kind of the embedding. */
  readonly classLabels?: Tensor;
  /** Images beside the text. Default: none. */
  readonly images?: readonly AttendedImage[];
}

/** An image that the denoiser attends to beside the text (IP-Adapter: Ye et al. 2023, arXiv:2308.06721, section 3.2). */
export interface AttendedImage {
  /**
   * Its keys and values for a cross-attention, which depend on the image alone: `[batch, tokens, width]` each.
   * @param attention The name: "mid_block.attentions.0.transformer_blocks.0.attn2".
   */
  look(attention: string, width: number): { readonly keys: Tensor; readonly values: Tensor };
  /** Factor of its attention's result: `[batch, 1, 1]`. */
  readonly weight: Tensor;
  /** The blocks that attend to it, by the beginning of their names; all if omitted. */
  readonly blocks?: string;
}

/** Shared by the residual blocks and transformers of all levels. */
interface Context {
  readonly config: ConditionalUnetConfig;
  readonly time: Tensor; // [batch, 4·widths[0]]
  readonly words: Tensor; // [batch, tokens, crossWidth]
  readonly images: readonly AttendedImage[];
}

// Fixed in the reference: the epsilon of the normalisation before a transformer.
const transformerEpsilon = 1e-6;

function makeContext(scope: Scope, config: ConditionalUnetConfig, inputs: ConditionalUnetInputs): Context {
  checkUnetInputs(config, {
    pooled: inputs.pooledText !== undefined,
    timeCondition: inputs.timeCondition !== undefined,
    labels: inputs.classLabels !== undefined,
  });
  return {
    config,
    time: embedTime(scope, config, inputs),
    words: inputs.encoderStates,
    images: inputs.images ?? [],
  };
}

function predict(
  scope: Scope,
  x: Tensor,
  { groups, epsilon, activation, outChannels }: ConditionalUnetConfig,
) {
  const last = activations[activation](groupNorm(scope.child("conv_norm_out"), x, groups, epsilon));
  return conv2d(scope.child("conv_out"), last, outChannels);
}

/**
 * Predicts noise or velocity: `[batch, outChannels, height, width]`.
 *
 * Records "deep" `[batch, widths, height, width]`, the input of the last up block before the first skip joins
 * it: replace it with another step's, and only the first layer, the last block and the output run (DeepCache:
 * Ma et al. 2023, arXiv:2312.00858, section 3.2). Records the "probabilities" of every attention `[batch,
 * heads, positions, positions or tokens]`, under the attention's name ("….attn2.probabilities" for
 * cross-attention).
 * @throws NishikiError "internal" if the inputs do not match the config.
 */
export function conditionalUnet(
  scope: Scope,
  config: ConditionalUnetConfig,
  inputs: ConditionalUnetInputs,
): Tensor {
  const { down, up, middle } = config;
  const context = makeContext(scope, config, inputs);
  let x = conv2d(scope.child("conv_in"), inputs.sample, down[0]!.width); // [batch, widths[0], height, width]
  const skips = [x];
  down.forEach((level, i) => {
    const block = scope.child("down_blocks").child(i);
    for (let layer = 0; layer < level.layers; layer++) {
      x = step(block, layer, x, level, context);
      skips.push(x);
    }
    if (i === down.length - 1) return;
    x = conv2d(block.child("downsamplers.0.conv"), x, level.width, { stride: 2 }); // half the height and width, rounded up
    skips.push(x);
  });
  if (middle !== undefined) x = inTheMiddle(scope.child("mid_block"), x, middle, context);
  up.forEach((level, i) => {
    const block = scope.child("up_blocks").child(i);
    for (let layer = 0; layer < level.layers; layer++) {
      const isLast = i === up.length - 1 && layer === level.layers - 1;
      if (isLast) x = scope.record("deep", x);
      x = step(block, layer, concat([x, skips.pop()!], 1), level, context);
    }
    if (i === up.length - 1) return;
    x = conv2d(block.child("upsamplers.0.conv"), doubled(x, skips.at(-1)!), level.width);
  });
  return predict(scope, x, config);
}

/** Doubles the size, minus one if the size on the way down was odd. */
function doubled(x: Tensor, skip: Tensor): Tensor {
  const large = upsampleNearest2d(x, 2);
  return crop(crop(large, 2, skip.shape[2]!), 3, skip.shape[3]!);
}

/** Embeds the time and its additions, which shift all residual blocks: `[batch, 4·widths[0]]`. */
function embedTime(
  scope: Scope,
  { down, activation, addition, timeConditionWidth, classEmbedding }: ConditionalUnetConfig,
  { timestep, pooledText, timeIds, timeCondition, classLabels }: ConditionalUnetInputs,
): Tensor {
  const width = down[0]!.width;
  const network = scope.child("time_embedding");
  let angles = sinusoidal(timestep, width); // [batch, width]
  if (timeConditionWidth !== undefined && timeCondition) {
    angles = add(angles, dense(network.child("cond_proj"), timeCondition, width, { bias: false }));
  }
  let time = embedTwice(network, angles, 4 * width, activation);
  if (classEmbedding && classLabels) {
    const sizes = { timeWidth: 4 * width, sinusoidWidth: width, activation };
    time = add(time, embedClass(scope.child("class_embedding"), classEmbedding, classLabels, sizes));
  }
  if (!addition || !pooledText || !timeIds) return time;
  const [batch, ids] = timeIds.shape as [Dim, number];
  const numbers = reshape(sinusoidal(reshape(timeIds, [-1]), addition.timeWidth), [
    batch,
    ids * addition.timeWidth,
  ]);
  const added = concat([pooledText, numbers], 1);
  return add(time, embedTwice(scope.child("add_embedding"), added, 4 * width, "silu"));
}

/** A residual block, and the level's transformers if it has them. */
function step(block: Scope, layer: number, x: Tensor, level: UnetLevel, context: Context): Tensor {
  x = residual(block.child("resnets").child(layer), x, level.width, context);
  const blocks = level.transformers[layer];
  if (blocks === undefined || level.transformers.length === 0) return x;
  return transformer(block.child("attentions").child(layer), x, blocks, level, context);
}

function inTheMiddle(scope: Scope, x: Tensor, blocks: number, context: Context): Tensor {
  const { width, heads } = context.config.down.at(-1)!;
  x = residual(scope.child("resnets.0"), x, width, context);
  x = transformer(scope.child("attentions.0"), x, blocks, { heads, crossOnly: false }, context);
  return residual(scope.child("resnets.1"), x, width, context);
}

function residual(scope: Scope, x: Tensor, width: number, { config, time }: Context): Tensor {
  const { groups, epsilon, activation } = config;
  return residualBlock(scope, x, width, { groups, epsilon, activation, time });
}

/**
 * Transformer blocks over all positions of an image: `x [batch, channels, height, width]` → the same shape.
 */
function transformer(
  scope: Scope,
  x: Tensor,
  blocks: number,
  attends: Pick<UnetLevel, "heads" | "crossOnly">,
  context: Context,
): Tensor {
  const [batch, channels] = x.shape as [Dim, number];
  const normed = groupNorm(scope.child("norm"), x, context.config.groups, transformerEpsilon);
  const places = transpose(reshape(normed, [batch, channels, -1]), [0, 2, 1]); // [batch, height·width, channels]
  let y = project(scope.child("proj_in"), places, context.config);
  for (let i = 0; i < blocks; i++) {
    y = transformerBlock(scope.child("transformer_blocks").child(i), y, attends, context);
  }
  y = project(scope.child("proj_out"), y, context.config);
  return add(reshape(transpose(y, [0, 2, 1]), x.shape), x);
}

/** A per-position linear map, whose weight older checkpoints store as a 1×1 convolution. */
function project(scope: Scope, x: Tensor, { linearProjection }: ConditionalUnetConfig): Tensor {
  const width = fixedSize(x, 2);
  return dense(scope, x, width, { stored: linearProjection ? "matrix" : "convolution" });
}

/** Self-attention (or a first cross-attention), cross-attention, feed-forward: `[batch, positions, channels]`. */
function transformerBlock(
  scope: Scope,
  x: Tensor,
  { heads, crossOnly }: Pick<UnetLevel, "heads" | "crossOnly">,
  { words, images }: Pick<Context, "words" | "images">,
): Tensor {
  const normed = norm(scope.child("norm1"), x);
  x = add(x, lookAt(scope.child("attn1"), normed, crossOnly ? words : normed, heads));
  x = add(x, lookAt(scope.child("attn2"), norm(scope.child("norm2"), x), words, heads, images));
  const width = fixedSize(x, 2);
  const network = scope.child("ff.net");
  const wide = dense(network.child("0.proj"), norm(scope.child("norm3"), x), 8 * width);
  const [value, gate] = split(wide, 2, 2) as [Tensor, Tensor]; // GEGLU (Shazeer 2020, arXiv:2002.05202)
  return add(x, dense(network.child(2), mul(value, gelu(gate)), width));
}

function lookAt(
  scope: Scope,
  x: Tensor,
  context: Tensor,
  heads: number,
  images: readonly AttendedImage[] = [],
): Tensor {
  const width = fixedSize(x, 2);
  const map = (name: string, from: Tensor) => dense(scope.child(name), from, width, { bias: false });
  const q = map("to_q", x);
  const mixed = attend(scope, q, map("to_k", context), map("to_v", context), { heads });
  const seen = images.filter(({ blocks }) => blocks === undefined || scope.path.startsWith(`${blocks}.`));
  const all = seen.reduce((sum, { look, weight }) => {
    const { keys, values } = look(scope.path, width);
    return add(sum, mul(attention(q, keys, values, { heads }), weight));
  }, mixed);
  return dense(scope.child("to_out.0"), all, width);
}

/** A cross-attention: its name, and the width of its keys and values. */
export interface CrossAttention {
  readonly name: string;
  readonly width: number;
}

/** The cross-attentions in the order in which IP-Adapters number them: on the way down, up, in the middle. */
export function listCrossAttentions({ down, up, middle }: ConditionalUnetConfig): CrossAttention[] {
  const within = (attention: string, blocks: number, width: number) =>
    Array.from({ length: blocks }, (_, block) => {
      return { name: `${attention}.transformer_blocks.${block}.attn2`, width };
    });
  const ofLevels = (levels: readonly UnetLevel[], name: string) =>
    levels.flatMap(({ transformers, width }, level) =>
      transformers.flatMap((blocks, layer) => within(`${name}.${level}.attentions.${layer}`, blocks, width)),
    );
  const last = middle === undefined ? [] : within("mid_block.attentions.0", middle, down.at(-1)!.width);
  return [...ofLevels(down, "down_blocks"), ...ofLevels(up, "up_blocks"), ...last];
}

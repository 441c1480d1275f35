// MoVQ, the autoencoder of Kandinsky 2: that of Stable Diffusion, in whose decoder the latents modulate every
// normalisation (Zheng et al. 2022, arXiv:2209.09002, section 3.1). Nothing is quantised when it draws. Sizes and parameter
// names follow diffusers' VQModel (models/autoencoders/vq_model.py, vae.py); height and width may be symbols.
import {
  add,
  attention,
  type Dim,
  fixedSize,
  mul,
  type Program,
  reshape,
  type Scope,
  silu,
  type Tensor,
  type TraceOptions,
  trace,
  transpose,
  upsampleNearest2d,
} from "../graph/index.js";
import { type ActivationName, conv2d, dense, type GroupNormLayer, groupNorm } from "../nn/index.js";
import { flag, oneOf, z } from "../schema/index.js";
import {
  activation,
  type ConfigRecord,
  count,
  counts,
  declareConfig,
  readConfig,
  repeats,
} from "./published-config.js";
import { residualBlock } from "./residual-block.js";

/** One size of the encoder or decoder. */
export interface MovqLevel {
  readonly width: number;
  readonly layers: number;
  /** Whether each residual block is followed by attention. */
  readonly attends: boolean;
}

export interface MovqConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** From full size down, and from the smallest up. */
  readonly down: readonly MovqLevel[];
  readonly up: readonly MovqLevel[];
  readonly activation: ActivationName;
  /** Of the encoder's normalisations. */
  readonly groups: number;
  readonly middleAttention: boolean;
}

const types = {
  plain: ["DownEncoderBlock2D", "UpDecoderBlock2D"],
  attends: ["AttnDownEncoderBlock2D", "AttnUpDecoderBlock2D"],
};

/** Fixed in the reference: the groups of the decoder's normalisations, and what is added to variances. */
const spatialGroups = 32;
const epsilon = 1e-6;

const kinds = (names: readonly string[]) => z.array(oneOf(names as [string, ...string[]])).min(1);

const schema = declareConfig(
  "VQModel",
  {
    in_channels: count.default(3),
    out_channels: count.default(3),
    down_block_types: kinds([types.plain[0]!, types.attends[0]!]).default(["DownEncoderBlock2D"]),
    up_block_types: kinds([types.plain[1]!, types.attends[1]!]).default(["UpDecoderBlock2D"]),
    block_out_channels: counts.default([64]),
    layers_per_block: repeats.default(1),
    act_fn: activation.default("silu"),
    latent_channels: count.default(3),
    norm_num_groups: count.default(32),
    vq_embed_dim: count.optional(),
    norm_type: z.literal("spatial"),
    mid_block_add_attention: flag.default(true),
    lookup_from_codebook: z.literal(false).optional(),
  },
  (config, fault) => {
    const { block_out_channels: widths, latent_channels: latents, norm_num_groups: groups } = config;
    for (const field of ["down_block_types", "up_block_types"] as const)
      if (config[field].length !== widths.length)
        fault(field, `${widths.length} names, as many as block_out_channels`);
    if (widths.some((width) => width % spatialGroups !== 0 || width % groups !== 0))
      fault("block_out_channels", `multiples of ${spatialGroups} and of norm_num_groups (${groups})`);
    if (config.vq_embed_dim !== undefined && config.vq_embed_dim !== latents)
      fault("vq_embed_dim", `latent_channels (${latents})`);
  },
);

/**
 * Reads the `config.json` of a `VQModel` with spatial normalisation; missing fields default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readMovqConfig(json: ConfigRecord): MovqConfig {
  const config = readConfig("VQModel", schema, json);
  const { block_out_channels: widths, layers_per_block: layers } = config;
  const attends = (name: string | undefined) => types.attends.includes(name ?? "");
  return {
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    latentChannels: config.latent_channels,
    down: widths.map((width, i) => ({ width, layers, attends: attends(config.down_block_types[i]) })),
    up: widths
      .toReversed()
      .map((width, i) => ({ width, layers: layers + 1, attends: attends(config.up_block_types[i]) })),
    activation: config.act_fn,
    groups: config.norm_num_groups,
    middleAttention: config.mid_block_add_attention,
  };
}

/** The factor by which latents are smaller than pixels. */
export const getMovqScale = ({ down }: Pick<MovqConfig, "down">): number => 2 ** (down.length - 1);

/** The normalisation of residual blocks and, under its own name, of attention. */
interface Normalization {
  readonly layer: GroupNormLayer;
  readonly attentionName: "group_norm" | "spatial_norm";
}

const plain: Normalization = { layer: groupNorm, attentionName: "group_norm" };

/** The latents scale and shift every position; `factor` is the size relative to theirs. */
function makeSpatial(latents: Tensor, factor: number): Normalization {
  const layer: GroupNormLayer = (scope, x) => {
    const normed = groupNorm(scope.child("norm_layer"), x, spatialGroups, epsilon);
    // A 1×1 convolution before the enlargement gives the same numbers as after it.
    const at = (name: string) =>
      upsampleNearest2d(conv2d(scope.child(name), latents, fixedSize(x, 1), { kernel: 1 }), factor);
    return add(mul(normed, at("conv_y")), at("conv_b"));
  };
  return { layer, attentionName: "spatial_norm" };
}

/** Single-head attention over all positions: `x [batch, channels, height, width]` → the same shape. */
function attend(
  scope: Scope,
  x: Tensor,
  { groups }: MovqConfig,
  { layer, attentionName }: Normalization,
): Tensor {
  const [batch, channels] = x.shape as [Dim, number];
  const normed = layer(scope.child(attentionName), x, groups, epsilon);
  const places = transpose(reshape(normed, [batch, channels, -1]), [0, 2, 1]); // [batch, height·width, channels]
  const map = (name: string) => dense(scope.child(name), places, channels);
  const seen = attention(map("to_q"), map("to_k"), map("to_v"), { heads: 1 });
  const out = dense(scope.child("to_out.0"), seen, channels);
  return add(x, reshape(transpose(out, [0, 2, 1]), x.shape));
}

function residual(
  scope: Scope,
  x: Tensor,
  width: number,
  config: MovqConfig,
  { layer }: Normalization,
): Tensor {
  const { groups, activation } = config;
  return residualBlock(scope, x, width, { groups, epsilon, activation, normalize: layer });
}

function level(
  block: Scope,
  x: Tensor,
  { width, layers, attends }: MovqLevel,
  config: MovqConfig,
  by: Normalization,
) {
  for (let i = 0; i < layers; i++) {
    x = residual(block.child("resnets").child(i), x, width, config, by);
    if (attends) x = attend(block.child("attentions").child(i), x, config, by);
  }
  return x;
}

function middle(scope: Scope, x: Tensor, config: MovqConfig, by: Normalization): Tensor {
  const { width } = config.down.at(-1)!;
  x = residual(scope.child("resnets.0"), x, width, config, by);
  if (config.middleAttention) x = attend(scope.child("attentions.0"), x, config, by);
  return residual(scope.child("resnets.1"), x, width, config, by);
}

/** The last normalisation and convolution of both networks, with SiLU whatever the config says. */
function readOut(
  scope: Scope,
  x: Tensor,
  channels: number,
  { groups }: MovqConfig,
  { layer }: Normalization,
): Tensor {
  return conv2d(
    scope.child("conv_out"),
    silu(layer(scope.child("conv_norm_out"), x, groups, epsilon)),
    channels,
  );
}

/** Pixels `[batch, 3, height, width]` in [-1, 1] → latents `[batch, latentChannels, height/scale, width/scale]`. */
export function encodeMovq(scope: Scope, config: MovqConfig, pixels: Tensor): Tensor {
  const encoder = scope.child("encoder");
  let x = conv2d(encoder.child("conv_in"), pixels, config.down[0]!.width);
  config.down.forEach((each, i) => {
    const block = encoder.child("down_blocks").child(i);
    x = level(block, x, each, config, plain);
    if (i === config.down.length - 1) return;
    // Pads with zeros only at the bottom and right.
    const options = { stride: 2, padding: [0, 0, 1, 1] } as const;
    x = conv2d(block.child("downsamplers.0.conv"), x, each.width, options);
  });
  x = middle(encoder.child("mid_block"), x, config, plain);
  x = readOut(encoder, x, config.latentChannels, config, plain);
  return conv2d(scope.child("quant_conv"), x, config.latentChannels, { kernel: 1 });
}

/** Latents → pixels `[batch, 3, scale·height, scale·width]`, about [-1, 1] (not clipped). */
export function decodeMovq(scope: Scope, config: MovqConfig, latents: Tensor): Tensor {
  const decoder = scope.child("decoder");
  let x = conv2d(scope.child("post_quant_conv"), latents, config.latentChannels, { kernel: 1 });
  x = conv2d(decoder.child("conv_in"), x, config.up[0]!.width);
  let by = makeSpatial(latents, 1);
  x = middle(decoder.child("mid_block"), x, config, by);
  config.up.forEach((each, i) => {
    const block = decoder.child("up_blocks").child(i);
    x = level(block, x, each, config, by);
    if (i === config.up.length - 1) return;
    x = conv2d(block.child("upsamplers.0.conv"), upsampleNearest2d(x, 2), each.width);
    by = makeSpatial(latents, 2 ** (i + 1));
  });
  return readOut(decoder, x, config.outChannels, config, by);
}

/** latents `[batch, latentChannels, height, width]` → pixels. */
export function traceMovqDecoder(config: MovqConfig, options: TraceOptions = {}): Program {
  return trace((t) => {
    const latents = t.input("latents", ["batch", config.latentChannels, "height", "width"]);
    return { pixels: decodeMovq(t.scope(), config, latents) };
  }, options);
}

/** pixels `[batch, 3, scale·height, scale·width]` → latents. */
export function traceMovqEncoder(config: MovqConfig): Program {
  const scale = getMovqScale(config);
  return trace((t) => {
    const pixels = t.input("pixels", ["batch", config.inChannels, `height*${scale}`, `width*${scale}`]);
    return { latents: encodeMovq(t.scope(), config, pixels) };
  });
}

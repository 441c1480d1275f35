// The configs of U-Nets whose attention adds the text's keys and values to the image's, as diffusers publishes them:
// UNet2DConditionModel with "SimpleCrossAttn" blocks (models/unets/unet_2d_condition.py), and UNet2DModel without
// attention (models/unets/unet_2d.py).
import type { ActivationName } from "../nn/index.js";
import { flag, oneOf, z } from "../schema/index.js";
import { type ClassEmbedding, checkClassFields, classFields, readClassEmbedding } from "./class-embedding.js";
import {
  absent,
  activation,
  type ConfigRecord,
  count,
  counts,
  declareConfig,
  type Fault,
  perLevel,
  positive,
  readConfig,
  repeats,
  spread,
} from "./published-config.js";

/** The attention after each residual block of a level. */
export interface AddedKvAttention {
  readonly heads: number;
  /** Whether it attends to the text only, not to the image. */
  readonly crossOnly: boolean;
}

/** One size of the network, on the way down or up. */
export interface AddedKvLevel {
  readonly width: number;
  /** Residual blocks, without the one that changes the size. */
  readonly layers: number;
  readonly attention: AddedKvAttention | undefined;
}

/** What is added to the time embedding, besides a class. */
export type AddedEmbedding =
  /** The text states, pooled by attention (DeepFloyd IF). */
  | { readonly kind: "text"; readonly width: number; readonly heads: number }
  /** A pooled text embedding and an image embedding (Kandinsky 2.1). */
  | { readonly kind: "text-image"; readonly textWidth: number; readonly imageWidth: number }
  /** An image embedding (Kandinsky 2.2). */
  | { readonly kind: "image"; readonly imageWidth: number };

/** How the tokens that attention adds are made. */
export type AddedTokens =
  /** Text states of the width that attention takes. */
  | { readonly kind: "states" }
  /** Text states of another width. */
  | { readonly kind: "text"; readonly width: number }
  /** Ten tokens of an image embedding, and text states of another width. */
  | { readonly kind: "text-image"; readonly width: number; readonly imageWidth: number }
  /** 32 tokens of an image embedding. */
  | { readonly kind: "image"; readonly imageWidth: number };

export interface AddedKvUnetConfig {
  readonly inChannels: number;
  /** Twice the channels of an image where the network also predicts variances. */
  readonly outChannels: number;
  /** From full size down, and from the smallest up. */
  readonly down: readonly AddedKvLevel[];
  readonly up: readonly AddedKvLevel[];
  readonly middle: AddedKvAttention | undefined;
  readonly activation: ActivationName;
  readonly groups: number;
  /** Added to the variance in normalisations. */
  readonly epsilon: number;
  /** Width of the time embedding. */
  readonly timeWidth: number;
  /** Applied to the sum of all embeddings. */
  readonly timeActivation: ActivationName | undefined;
  /** Whether residual blocks activate the embedding before they use it. */
  readonly activatesTime: boolean;
  /** Whether the embedding scales and shifts residual blocks, instead of shifting them only. */
  readonly scaleShift: boolean;
  /** Divides the output of each residual block; other in the middle. */
  readonly outputScale: number;
  readonly middleScale: number;
  /** Width of the tokens that attention adds. */
  readonly crossWidth: number;
  /** The normalisation of these tokens. */
  readonly crossNorm: "group" | undefined;
  readonly classEmbedding: ClassEmbedding | undefined;
  readonly addition: AddedEmbedding | undefined;
  readonly tokens: AddedTokens | undefined;
}

const simple = { down: "SimpleCrossAttnDownBlock2D", up: "SimpleCrossAttnUpBlock2D" } as const;
const plain = { down: "ResnetDownsampleBlock2D", up: "ResnetUpsampleBlock2D" } as const;

/** Whether a `UNet2DConditionModel` is one of this file's, rather than Stable Diffusion's. */
export function isAddedKvUnet(json: ConfigRecord): boolean {
  const types = [json.down_block_types, json.up_block_types].flat();
  const known: readonly unknown[] = [simple.down, simple.up, plain.down, plain.up];
  return (
    types.some((type) => known.includes(type)) || json.mid_block_type === "UNetMidBlock2DSimpleCrossAttn"
  );
}

/** Fields that published models leave at these values; others would mean a different network. */
const fixed = {
  center_input_sample: z.literal(false).optional(),
  flip_sin_to_cos: z.literal(true).optional(),
  freq_shift: z.literal(0).optional(),
  time_embedding_type: z.literal("positional").optional(),
};

const common = {
  ...fixed,
  block_out_channels: counts,
  act_fn: activation.default("silu"),
  norm_num_groups: count.default(32),
  norm_eps: positive.default(1e-5),
  mid_block_scale_factor: positive.default(1),
  resnet_time_scale_shift: oneOf(["default", "scale_shift"]).default("default"),
};

const kinds = (types: readonly [string, ...string[]]) =>
  z
    .array(oneOf(types))
    .min(1)
    .meta({ expected: `a list of ${types.join(", ")}` });

const flagPerLevel = z
  .union([flag, z.array(flag).min(1).max(20)])
  .meta({ expected: "true or false, or one of them for each level" });

function checkLevels(
  config: { readonly block_out_channels: readonly number[]; readonly norm_num_groups: number },
  types: Readonly<Record<string, readonly string[]>>,
  fault: Fault,
): void {
  const { block_out_channels: widths, norm_num_groups: groups } = config;
  if (widths.some((width) => width % groups !== 0))
    fault("block_out_channels", `multiples of norm_num_groups (${groups})`);
  for (const [field, names] of Object.entries(types))
    if (names.length !== widths.length) fault(field, `${widths.length} names, as many as block_out_channels`);
}

const conditional = declareConfig(
  "UNet2DConditionModel",
  {
    ...common,
    ...classFields,
    in_channels: count.default(4),
    out_channels: count.default(4),
    down_block_types: kinds([plain.down, simple.down]),
    up_block_types: kinds([plain.up, simple.up]),
    mid_block_type: z.literal("UNetMidBlock2DSimpleCrossAttn"),
    only_cross_attention: flagPerLevel.default(false),
    mid_block_only_cross_attention: flag.optional(),
    layers_per_block: perLevel(repeats, "a whole number from 1 to 200, or one for each level").default(2),
    attention_head_dim: count.default(8),
    cross_attention_dim: count.default(1280),
    cross_attention_norm: z.literal("group_norm").optional(),
    resnet_skip_time_act: flag.default(false),
    resnet_out_scale_factor: positive.default(1),
    time_embedding_dim: count.optional(),
    time_embedding_act_fn: activation.optional(),
    encoder_hid_dim: count.optional(),
    encoder_hid_dim_type: oneOf(["text_proj", "text_image_proj", "image_proj"]).optional(),
    addition_embed_type: oneOf(["text", "text_image", "image"]).optional(),
    addition_embed_type_num_heads: count.default(64),
    conv_in_kernel: z.literal(3).optional(),
    conv_out_kernel: z.literal(3).optional(),
    class_embeddings_concat: z.literal(false).optional(),
    num_attention_heads: absent,
    timestep_post_act: absent,
    time_cond_proj_dim: absent,
  },
  (config, fault) => {
    const { block_out_channels: widths, attention_head_dim: headWidth } = config;
    checkLevels(
      config,
      { down_block_types: config.down_block_types, up_block_types: config.up_block_types },
      fault,
    );
    checkClassFields(config, fault);
    if (widths.some((width) => width % headWidth !== 0))
      fault("attention_head_dim", "a number that divides block_out_channels");
    if (!spread(config.layers_per_block, widths.length))
      fault("layers_per_block", `a whole number from 1, or ${widths.length} of them`);
    if (!spread<boolean>(config.only_cross_attention, widths.length))
      fault("only_cross_attention", `true or false, or ${widths.length} of them`);
    const needsWidth = config.encoder_hid_dim_type !== undefined || config.addition_embed_type === "image";
    if (needsWidth && config.encoder_hid_dim === undefined) fault("encoder_hid_dim", "a whole number from 1");
    const pooled = config.encoder_hid_dim ?? config.cross_attention_dim;
    if (config.addition_embed_type === "text" && pooled % config.addition_embed_type_num_heads !== 0)
      fault("addition_embed_type_num_heads", `a number that divides the width of the text (${pooled})`);
  },
);

type Conditional = z.output<typeof conditional>;

/**
 * Reads the `config.json` of a `UNet2DConditionModel` with "SimpleCrossAttn" blocks; missing fields default as in
 * diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readAddedKvUnetConfig(json: ConfigRecord): AddedKvUnetConfig {
  const config = readConfig("UNet2DConditionModel", conditional, json);
  const widths = config.block_out_channels;
  return {
    ...readCommon(config),
    ...readConditionalLevels(config),
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    timeWidth: config.time_embedding_dim ?? 4 * widths[0]!,
    timeActivation: config.time_embedding_act_fn,
    activatesTime: !config.resnet_skip_time_act,
    outputScale: config.resnet_out_scale_factor,
    crossWidth: config.cross_attention_dim,
    crossNorm: config.cross_attention_norm && "group",
    classEmbedding: readClassEmbedding(config),
    addition: readAddition(config),
    tokens: readTokens(config),
  };
}

const readCommon = (config: z.output<z.ZodObject<typeof common>>) => ({
  activation: config.act_fn,
  groups: config.norm_num_groups,
  epsilon: config.norm_eps,
  middleScale: config.mid_block_scale_factor,
  scaleShift: config.resnet_time_scale_shift === "scale_shift",
});

function readConditionalLevels(config: Conditional): Pick<AddedKvUnetConfig, "down" | "up" | "middle"> {
  const { block_out_channels: widths, attention_head_dim: headWidth, only_cross_attention: given } = config;
  const last = widths.length - 1;
  const layers = spread(config.layers_per_block, widths.length)!;
  const crossOnly = spread<boolean>(given, widths.length)!;
  const level = (i: number, count: number, type: string): AddedKvLevel => {
    const attends = type === simple.down || type === simple.up;
    const attention = { heads: widths[i]! / headWidth, crossOnly: crossOnly[i]! };
    return { width: widths[i]!, layers: count, attention: attends ? attention : undefined };
  };
  const middleOnly = config.mid_block_only_cross_attention ?? (typeof given === "boolean" && given);
  return {
    down: widths.map((_, i) => level(i, layers[i]!, config.down_block_types[i]!)),
    up: widths.map((_, i) => level(last - i, layers[last - i]! + 1, config.up_block_types[i]!)),
    middle: { heads: widths[last]! / headWidth, crossOnly: middleOnly },
  };
}

function readAddition(config: Conditional): AddedEmbedding | undefined {
  const { cross_attention_dim: cross, encoder_hid_dim: hidden = cross } = config;
  switch (config.addition_embed_type) {
    case "text":
      return { kind: "text", width: hidden, heads: config.addition_embed_type_num_heads };
    case "text_image":
      return { kind: "text-image", textWidth: cross, imageWidth: cross };
    case "image":
      return { kind: "image", imageWidth: hidden };
    default:
      return undefined;
  }
}

function readTokens(config: Conditional): AddedTokens {
  const { cross_attention_dim: cross, encoder_hid_dim: width } = config;
  if (width === undefined) return { kind: "states" };
  switch (config.encoder_hid_dim_type) {
    case "text_image_proj":
      return { kind: "text-image", width, imageWidth: cross };
    case "image_proj":
      return { kind: "image", imageWidth: width };
    default:
      return { kind: "text", width };
  }
}

const unconditional = declareConfig(
  "UNet2DModel",
  {
    ...common,
    in_channels: count.default(3),
    out_channels: count.default(3),
    down_block_types: kinds([plain.down]),
    up_block_types: kinds([plain.up]),
    mid_block_type: z.literal("UNetMidBlock2D").optional(),
    add_attention: z.literal(false),
    // The time embedding is activated by SiLU whatever this says.
    act_fn: oneOf(["silu", "swish"]).default("silu"),
    layers_per_block: repeats.default(2),
    class_embed_type: absent,
    num_class_embeds: absent,
    time_embedding_dim: count.optional(),
  },
  (config, fault) =>
    checkLevels(
      config,
      { down_block_types: config.down_block_types, up_block_types: config.up_block_types },
      fault,
    ),
);

/**
 * Reads the `config.json` of a `UNet2DModel` without attention, such as Karlo's super-resolution; missing fields
 * default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readUnconditionalUnetConfig(json: ConfigRecord): AddedKvUnetConfig {
  const config = readConfig("UNet2DModel", unconditional, json);
  const { block_out_channels: widths, layers_per_block: layers } = config;
  const level = (width: number, count: number): AddedKvLevel => ({
    width,
    layers: count,
    attention: undefined,
  });
  return {
    ...readCommon(config),
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    down: widths.map((width) => level(width, layers)),
    up: widths.toReversed().map((width) => level(width, layers + 1)),
    middle: undefined,
    timeWidth: config.time_embedding_dim ?? 4 * widths[0]!,
    timeActivation: undefined,
    activatesTime: true,
    outputScale: 1,
    crossWidth: 0,
    crossNorm: undefined,
    classEmbedding: undefined,
    addition: undefined,
    tokens: undefined,
  };
}

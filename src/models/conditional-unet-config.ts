// The config of Stable Diffusion's U-Net as diffusers publishes it (models/unets/unet_2d_condition.py, UNet2DConditionModel).
import { NishikiError } from "../errors.js";
import type { ActivationName } from "../nn/index.js";
import { flag, oneOf, show, wholeNumber, z } from "../schema/index.js";
import { type ClassEmbedding, checkClassFields, classFields, readClassEmbedding } from "./class-embedding.js";
import {
  absent,
  activation,
  type ConfigRecord,
  count,
  counts,
  declareConfig,
  perLevel,
  positive,
  readConfig,
  repeats,
  spread,
} from "./published-config.js";

/** One size of the network, on the way down or up. */
export interface UnetLevel {
  readonly width: number;
  /** Transformer blocks after each residual block; empty if the level has no cross-attention. */
  readonly transformers: readonly number[];
  /** Residual blocks. */
  readonly layers: number;
  readonly heads: number;
  /** Whether transformers attend to the text only: their first attention, too, instead of to the image. */
  readonly crossOnly: boolean;
}

export interface ConditionalUnetConfig {
  /** 4, or 9 for inpainting: latents, mask, and the latents of the masked image. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** From full size down, and from the smallest up. */
  readonly down: readonly UnetLevel[];
  readonly up: readonly UnetLevel[];
  /** Transformer blocks in the middle; undefined if there is no middle block. */
  readonly middle: number | undefined;
  readonly activation: ActivationName;
  readonly groups: number;
  /** Added to the variance in normalisations. */
  readonly epsilon: number;
  /** Width of the text states. */
  readonly crossWidth: number;
  /** Whether the projections into and out of transformers are matrices rather than 1×1 convolutions. */
  readonly linearProjection: boolean;
  /** Width of an embedding added to the time, such as LCM's guidance scale. */
  readonly timeConditionWidth: number | undefined;
  /** XL: width of each time id's embedding, and of all of them with the pooled text embedding. */
  readonly addition: { readonly timeWidth: number; readonly inputWidth: number } | undefined;
  /** Stable unCLIP: the image embedding; the x4 upscaler: the noise level of the small image. */
  readonly classEmbedding: ClassEmbedding | undefined;
}

const downTypes = ["DownBlock2D", "CrossAttnDownBlock2D"] as const;
const upTypes = ["UpBlock2D", "CrossAttnUpBlock2D"] as const;

/**
 * Fields that published Stable Diffusion models leave at these values; others would mean a different network.
 */
const fixed = {
  center_input_sample: z.literal(false).optional(),
  flip_sin_to_cos: z.literal(true).optional(),
  freq_shift: z.literal(0).optional(),
  downsample_padding: z.literal(1).optional(),
  mid_block_scale_factor: z.literal(1).optional(),
  dual_cross_attention: z.literal(false).optional(),
  resnet_time_scale_shift: z.literal("default").optional(),
  resnet_skip_time_act: z.literal(false).optional(),
  resnet_out_scale_factor: z.literal(1).optional(),
  time_embedding_type: z.literal("positional").optional(),
  conv_in_kernel: z.literal(3).optional(),
  conv_out_kernel: z.literal(3).optional(),
  attention_type: z.literal("default").optional(),
  class_embeddings_concat: z.literal(false).optional(),
  mid_block_only_cross_attention: z.literal(false).optional(),
};

const foreign = {
  num_attention_heads: absent,
  encoder_hid_dim: absent,
  encoder_hid_dim_type: absent,
  time_embedding_dim: absent,
  time_embedding_act_fn: absent,
  timestep_post_act: absent,
  cross_attention_norm: absent,
};

const blocks = wholeNumber(0, 200);
const perLayer = z.union([blocks, z.array(blocks).min(1).max(200)]);
const transformers = z
  .union([blocks, z.array(perLayer).min(1).max(20)])
  .meta({ expected: "a whole number up to 200, or one for each level, or lists of them" });

const shape = {
  ...fixed,
  ...foreign,
  in_channels: count.default(4),
  out_channels: count.default(4),
  block_out_channels: counts.default([320, 640, 1280, 1280]),
  down_block_types: kinds(downTypes),
  up_block_types: kinds(upTypes),
  mid_block_type: z.literal("UNetMidBlock2DCrossAttn").optional(),
  layers_per_block: perLevel(repeats, "a whole number from 1 to 200, or one for each level").default(2),
  attention_head_dim: perLevel(count, "a whole number from 1, or one for each level").default(8),
  transformer_layers_per_block: transformers.default(1),
  reverse_transformer_layers_per_block: transformers.optional(),
  cross_attention_dim: perLevel(count, "a whole number from 1, or one for each level").default(1280),
  act_fn: activation.default("silu"),
  norm_num_groups: count.default(32),
  norm_eps: positive.default(1e-5),
  use_linear_projection: flag.default(false),
  time_cond_proj_dim: count.optional(),
  addition_embed_type: z.literal("text_time").optional(),
  addition_time_embed_dim: count.optional(),
  ...classFields,
  only_cross_attention: z
    .union([flag, z.array(flag).min(1).max(20)])
    .meta({ expected: "true or false, or one of them for each level" })
    .default(false),
};

function kinds<const T extends readonly [string, ...string[]]>(names: T) {
  return z
    .array(oneOf(names))
    .min(1)
    .optional()
    .meta({ expected: `a list of ${names.join(", ")}` });
}

const schema = declareConfig("UNet2DConditionModel", shape, (config, fault) => {
  const { block_out_channels: widths, norm_num_groups: groups } = config;
  const levels = widths.length;
  if (widths.some((width) => width % groups !== 0))
    fault("block_out_channels", `multiples of norm_num_groups (${groups})`);
  for (const field of ["down_block_types", "up_block_types"] as const)
    if (config[field] && config[field].length !== levels)
      fault(field, `${levels} names, as many as block_out_channels`);
  for (const field of ["layers_per_block", "attention_head_dim", "cross_attention_dim"] as const)
    if (!spread(config[field], levels)) fault(field, `a whole number from 1, or ${levels} of them`);
  for (const field of ["transformer_layers_per_block", "reverse_transformer_layers_per_block"] as const) {
    const value = config[field];
    if (value !== undefined && !spread<number | readonly number[]>(value, levels))
      fault(field, `a whole number up to 200, or ${levels} of them or of lists of them`);
  }
  const heads = spread(config.attention_head_dim, levels);
  if (heads?.some((each, i) => widths[i]! % each !== 0))
    fault("attention_head_dim", "numbers that divide block_out_channels");
  const cross = spread(config.cross_attention_dim, levels);
  if (cross?.some((width) => width !== cross[0])) fault("cross_attention_dim", "one number");
  if (!spread<boolean>(config.only_cross_attention, levels))
    fault("only_cross_attention", `true or false, or ${levels} of them`);
  checkClassFields(config, fault);
  if (config.addition_embed_type === undefined) return;
  for (const field of ["addition_time_embed_dim", "projection_class_embeddings_input_dim"] as const)
    if (config[field] === undefined) fault(field, "a whole number from 1");
});

type Config = z.output<typeof schema>;

/**
 * Reads the `config.json` of a `UNet2DConditionModel`; missing fields default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readConditionalUnetConfig(json: ConfigRecord): ConditionalUnetConfig {
  const config = readConfig("UNet2DConditionModel", schema, json);
  return {
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    ...readLevels(config),
    // Only an explicit null removes the middle block.
    middle: json.mid_block_type === null ? undefined : getMiddle(config),
    activation: config.act_fn,
    groups: config.norm_num_groups,
    epsilon: config.norm_eps,
    crossWidth: [config.cross_attention_dim].flat()[0]!,
    linearProjection: config.use_linear_projection,
    timeConditionWidth: config.time_cond_proj_dim,
    addition: config.addition_embed_type && {
      timeWidth: config.addition_time_embed_dim!,
      inputWidth: config.projection_class_embeddings_input_dim!,
    },
    classEmbedding: readClassEmbedding(config),
  };
}

/** Transformer blocks of each level: one number for all of its layers, or one per layer. */
type Transformers = readonly (number | readonly number[])[];

const makeTransformers = (value: Config["transformer_layers_per_block"], levels: number): Transformers =>
  spread<number | readonly number[]>(value, levels)!;

function getMiddle({ block_out_channels: widths, transformer_layers_per_block: value }: Config): number {
  const last = makeTransformers(value, widths.length).at(-1)!;
  return typeof last === "number" ? last : last[0]!;
}

function readLevels(config: Config): Pick<ConditionalUnetConfig, "down" | "up"> {
  const widths = config.block_out_channels;
  const [levels, last] = [widths.length, widths.length - 1];
  const downKinds = config.down_block_types ?? widths.map((_, i) => downTypes[i === last ? 0 : 1]);
  const upKinds = config.up_block_types ?? widths.map((_, i) => upTypes[i === 0 ? 0 : 1]);
  const layers = spread(config.layers_per_block, levels)!;
  // What configs call the head width is the number of heads: published configs rely on that.
  const heads = spread(config.attention_head_dim, levels)!;
  const crossOnly = spread<boolean>(config.only_cross_attention, levels)!;
  const down = makeTransformers(config.transformer_layers_per_block, levels);
  const reversed = config.reverse_transformer_layers_per_block;
  const up = reversed === undefined ? [...down].reverse() : makeTransformers(reversed, levels);
  const level = (
    i: number,
    count: number,
    attends: boolean,
    given: number | readonly number[],
  ): UnetLevel => {
    const list = typeof given === "number" ? Array.from({ length: count }, () => given) : given;
    if (attends && list.length !== count) throw refuseLayers(count, list);
    return {
      width: widths[i]!,
      transformers: attends ? list : [],
      layers: count,
      heads: heads[i]!,
      crossOnly: crossOnly[i]!,
    };
  };
  return {
    down: widths.map((_, i) => level(i, layers[i]!, downKinds[i] === downTypes[1], down[i]!)),
    up: widths.map((_, i) => level(last - i, layers[last - i]! + 1, upKinds[i] === upTypes[1], up[i]!)),
  };
}

function refuseLayers(layers: number, list: readonly number[]): NishikiError {
  const expected = `${layers} numbers for a level of ${layers} layers`;
  return new NishikiError(
    "checkpoint",
    `UNet2DConditionModel config: transformer_layers_per_block: expected ${expected}, got ${show(list)}.`,
  );
}

/** Refuses combinations that only a caller's mistake can cause. */
export function checkUnetInputs(
  { addition, timeConditionWidth, classEmbedding }: ConditionalUnetConfig,
  given: { readonly pooled: boolean; readonly timeCondition: boolean; readonly labels: boolean },
): void {
  if (
    (addition !== undefined) !== given.pooled ||
    (classEmbedding !== undefined) !== given.labels ||
    (timeConditionWidth === undefined && given.timeCondition)
  ) {
    throw new NishikiError("internal", "conditionalUnet: the inputs do not match its config.");
  }
}

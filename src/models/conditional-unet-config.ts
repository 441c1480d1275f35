// The config of Stable Diffusion's U-Net as diffusers publishes it (models/unets/unet_2d_condition.py, UNet2DConditionModel).
import { NishikiError } from "../errors.js";
import { type ActivationName, activations } from "../nn/index.js";
import { ConfigReader, type ConfigRecord } from "./config-reader.js";

/** One size of the network, on the way down or up. */
export interface UnetLevel {
  readonly width: number;
  /** Transformer blocks after each residual block; empty where the level has no attention to the words. */
  readonly transformers: readonly number[];
  /** Residual blocks. */
  readonly layers: number;
  readonly heads: number;
}

export interface ConditionalUnetConfig {
  /** 4, or 9 for inpainting: latents, mask, and the latents of what is kept. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** From the full size down, and from the smallest up. */
  readonly down: readonly UnetLevel[];
  readonly up: readonly UnetLevel[];
  /** Transformer blocks in the middle; undefined where there is no middle. */
  readonly middle: number | undefined;
  readonly activation: ActivationName;
  readonly groups: number;
  /** Added to the variance in normalisations. */
  readonly epsilon: number;
  /** Width of the words' states. */
  readonly crossWidth: number;
  /** Whether the maps into and out of transformers are stored as matrices and not as 1×1 convolutions. */
  readonly linearProjection: boolean;
  /** Width of an embedding that joins the time, as of the guidance scale in LCM. */
  readonly timeConditionWidth: number | undefined;
  /** XL: width of each of the time ids' embeddings, and of them with the pooled words together. */
  readonly addition: { readonly timeWidth: number; readonly inputWidth: number } | undefined;
}

const downTypes = ["DownBlock2D", "CrossAttnDownBlock2D"] as const;
const upTypes = ["UpBlock2D", "CrossAttnUpBlock2D"] as const;

/** What published Stable Diffusion models leave at these values; anything else would be another network. */
const fixed: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  center_input_sample: [false],
  flip_sin_to_cos: [true],
  freq_shift: [0],
  downsample_padding: [1],
  mid_block_scale_factor: [1],
  dual_cross_attention: [false],
  resnet_time_scale_shift: ["default"],
  resnet_skip_time_act: [false],
  resnet_out_scale_factor: [1],
  time_embedding_type: ["positional"],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  attention_type: ["default"],
  class_embeddings_concat: [false],
  only_cross_attention: [false],
  mid_block_only_cross_attention: [false],
};

/** What must not be given at all. */
const absent = [
  "num_attention_heads",
  "class_embed_type",
  "num_class_embeds",
  "encoder_hid_dim",
  "encoder_hid_dim_type",
  "time_embedding_dim",
  "time_embedding_act_fn",
  "timestep_post_act",
  "cross_attention_norm",
];

/**
 * Reads the `config.json` of a `UNet2DConditionModel`; what is left out is as in diffusers.
 * @throws NishikiError "checkpoint" that names the field for a value that cannot be right, or that is not supported.
 */
export function readConditionalUnetConfig(json: ConfigRecord): ConditionalUnetConfig {
  const fields = new ConfigReader("UNet2DConditionModel", json);
  for (const [field, allowed] of Object.entries(fixed)) fields.only(field, allowed);
  for (const field of absent) if (fields.has(field)) throw fields.reject(field, "nothing");
  const widths = fields.counts("block_out_channels", [320, 640, 1280, 1280]);
  const groups = fields.count("norm_num_groups", 32);
  if (widths.some((width) => width % groups !== 0)) {
    throw fields.reject("block_out_channels", `multiples of norm_num_groups (${groups})`);
  }
  const { down, up, middle } = readLevels(fields, json, widths);
  return {
    inChannels: fields.count("in_channels", 4),
    outChannels: fields.count("out_channels", 4),
    down,
    up,
    middle,
    activation: fields.choice("act_fn", "silu", Object.keys(activations) as ActivationName[]),
    groups,
    epsilon: fields.positive("norm_eps", 1e-5),
    crossWidth: readCrossWidth(fields, widths.length),
    linearProjection: fields.flag("use_linear_projection", false),
    timeConditionWidth: fields.has("time_cond_proj_dim") ? fields.count("time_cond_proj_dim", 1) : undefined,
    addition: readAddition(fields),
  };
}

function readCrossWidth(fields: ConfigReader, levels: number): number {
  const widths = fields.perLevel("cross_attention_dim", 1280, levels);
  if (widths.some((width) => width !== widths[0])) throw fields.reject("cross_attention_dim", "one number");
  return widths[0]!;
}

function readAddition(fields: ConfigReader): ConditionalUnetConfig["addition"] {
  fields.only("addition_embed_type", ["text_time"]);
  if (!fields.has("addition_embed_type")) return undefined;
  for (const field of ["addition_time_embed_dim", "projection_class_embeddings_input_dim"]) {
    if (!fields.has(field)) throw fields.reject(field, "a whole number from 1");
  }
  return {
    timeWidth: fields.count("addition_time_embed_dim", 1),
    inputWidth: fields.count("projection_class_embeddings_input_dim", 1),
  };
}

type Levels = Pick<ConditionalUnetConfig, "down" | "up" | "middle">;

function readLevels(fields: ConfigReader, json: ConfigRecord, widths: readonly number[]): Levels {
  const levels = widths.length;
  const repeat = (first: string, last: string, lastAt: number) =>
    widths.map((_, i) => (i === lastAt ? last : first));
  const downKinds = fields.names(
    "down_block_types",
    downTypes,
    repeat(downTypes[1], downTypes[0], levels - 1),
  );
  const upKinds = fields.names("up_block_types", upTypes, repeat(upTypes[1], upTypes[0], 0));
  for (const [field, kinds] of [
    ["down_block_types", downKinds],
    ["up_block_types", upKinds],
  ] as const) {
    if (kinds.length !== levels) throw fields.reject(field, `${levels} names, as many as block_out_channels`);
  }
  const layers = fields.perLevel("layers_per_block", 2, levels, true);
  // What configs call the width of a head is the number of heads: published ones rely on it.
  const heads = fields.perLevel("attention_head_dim", 8, levels);
  heads.forEach((count, i) => {
    if (widths[i]! % count !== 0)
      throw fields.reject("attention_head_dim", "numbers that divide block_out_channels");
  });
  const transformers =
    readTransformers(fields, json, "transformer_layers_per_block", levels) ?? layers.map(() => 1);
  const turned = readTransformers(fields, json, "reverse_transformer_layers_per_block", levels);
  const level = (
    i: number,
    count: number,
    attends: boolean,
    perLayer: number | readonly number[],
  ): UnetLevel => {
    const list = typeof perLayer === "number" ? Array.from({ length: count }, () => perLayer) : perLayer;
    if (attends && list.length !== count) {
      throw fields.reject("transformer_layers_per_block", `${count} numbers for a level of ${count} layers`);
    }
    return { width: widths[i]!, transformers: attends ? list : [], layers: count, heads: heads[i]! };
  };
  const last = levels - 1;
  fields.only("mid_block_type", ["UNetMidBlock2DCrossAttn"]);
  const inMiddle = transformers[last]!;
  return {
    down: widths.map((_, i) => level(i, layers[i]!, downKinds[i] === downTypes[1], transformers[i]!)),
    up: widths.map((_, i) =>
      level(
        last - i,
        layers[last - i]! + 1,
        upKinds[i] === upTypes[1],
        turned ? turned[i]! : transformers[last - i]!,
      ),
    ),
    // Only an explicit null leaves the middle out.
    middle: json.mid_block_type === null ? undefined : typeof inMiddle === "number" ? inMiddle : inMiddle[0]!,
  };
}

/** A number for all levels, or for each level a number or a list with one for each of its layers. */
function readTransformers(
  fields: ConfigReader,
  json: ConfigRecord,
  field: string,
  levels: number,
): readonly (number | readonly number[])[] | undefined {
  if (!fields.has(field)) return undefined;
  const value = json[field];
  const isNumber = (entry: unknown): entry is number =>
    Number.isSafeInteger(entry) && (entry as number) >= 0 && (entry as number) <= 200;
  if (isNumber(value)) return Array.from({ length: levels }, () => value);
  const fits = (entry: unknown): entry is number | number[] =>
    isNumber(entry) || (Array.isArray(entry) && entry.length > 0 && entry.every(isNumber));
  if (Array.isArray(value) && value.length === levels && value.every(fits)) return value;
  throw fields.reject(field, `a whole number up to 200, or ${levels} of them or of lists of them`);
}

/** Refuses what only a caller's mistake can bring together. */
export function checkUnetInputs(
  { addition, timeConditionWidth }: ConditionalUnetConfig,
  given: { readonly pooled: boolean; readonly timeCondition: boolean },
): void {
  if (
    (addition !== undefined) !== given.pooled ||
    (timeConditionWidth === undefined && given.timeCondition)
  ) {
    throw new NishikiError("internal", "conditionalUnet: the inputs are not those that its config asks for.");
  }
}

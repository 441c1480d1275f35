// The config of Stable Diffusion's autoencoder as diffusers publishes it
// (models/autoencoders/autoencoder_kl.py), and the scaling of its latents for the denoiser.
import type { ActivationName } from "../nn/index.js";
import { flag, z } from "../schema/index.js";
import {
  activation,
  type ConfigRecord,
  count,
  counts,
  declareConfig,
  finite,
  positive,
  readConfig,
  repeats,
} from "./published-config.js";

export interface AutoencoderKlConfig {
  /** Channels of the input and output images. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels at full size, half, a quarter, … */
  readonly widths: readonly number[];
  /** Residual blocks of the encoder at each size; the decoder has one more. */
  readonly layers: number;
  readonly activation: ActivationName;
  readonly groups: number;
  /** Whether a 1×1 convolution separates the networks from the latents. */
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  readonly middleAttention: boolean;
  /** The scaling of latents for the denoiser; see {@link getLatentScale}. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  readonly latentsMean?: readonly number[];
  readonly latentsStd?: readonly number[];
}

const schema = declareConfig(
  "AutoencoderKL",
  {
    in_channels: count.default(3),
    out_channels: count.default(3),
    latent_channels: count.default(4),
    block_out_channels: counts.default([64]),
    layers_per_block: repeats.default(1),
    down_block_types: z.array(z.string()).optional(),
    up_block_types: z.array(z.string()).optional(),
    act_fn: activation.default("silu"),
    norm_num_groups: count.default(32),
    use_quant_conv: flag.default(true),
    use_post_quant_conv: flag.default(true),
    mid_block_add_attention: flag.default(true),
    scaling_factor: positive.default(0.18215),
    shift_factor: finite.default(0),
    latents_mean: z.array(finite).optional(),
    latents_std: z.array(finite).optional(),
    // Known fields without effect: the reference leaves float16 for this network, and here nothing runs in
    // float16.
    force_upcast: flag.default(true),
  },
  (config, fault) => {
    const { block_out_channels: widths, norm_num_groups: groups, latent_channels: channels } = config;
    if (widths.some((width) => width % groups !== 0))
      fault("block_out_channels", `multiples of norm_num_groups (${groups})`);
    const isAll = (types: readonly string[] | undefined, type: string) =>
      !types || (types.length === widths.length && types.every((one) => one === type));
    if (!isAll(config.down_block_types, "DownEncoderBlock2D"))
      fault("down_block_types", `${widths.length} times "DownEncoderBlock2D"`);
    if (!isAll(config.up_block_types, "UpDecoderBlock2D"))
      fault("up_block_types", `${widths.length} times "UpDecoderBlock2D"`);
    for (const field of ["latents_mean", "latents_std"] as const)
      if (config[field] && config[field].length !== channels) fault(field, `${channels} numbers`);
  },
);

/**
 * Reads the `config.json` of an `AutoencoderKL`; missing fields default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readAutoencoderKlConfig(json: ConfigRecord): AutoencoderKlConfig {
  const config = readConfig("AutoencoderKL", schema, json);
  return {
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    latentChannels: config.latent_channels,
    widths: config.block_out_channels,
    layers: config.layers_per_block,
    activation: config.act_fn,
    groups: config.norm_num_groups,
    quantConv: config.use_quant_conv,
    postQuantConv: config.use_post_quant_conv,
    middleAttention: config.mid_block_add_attention,
    scalingFactor: config.scaling_factor,
    shiftFactor: config.shift_factor,
    latentsMean: config.latents_mean,
    latentsStd: config.latents_std,
  };
}

/** The autoencoder's latents are `offset[c] + factor[c] · (the denoiser's latents)` in channel c. */
export interface LatentScale {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/**
 * Gets the scaling between the autoencoder's and the denoiser's latents: a factor (Rombach et al. 2022,
 * appendix G), a shift, or the mean and standard deviation of every channel. As in diffusers' pipelines, mean
 * and deviation apply only if both are set.
 */
export function getLatentScale({
  latentChannels,
  scalingFactor,
  shiftFactor,
  latentsMean,
  latentsStd,
}: Pick<
  AutoencoderKlConfig,
  "latentChannels" | "scalingFactor" | "shiftFactor" | "latentsMean" | "latentsStd"
>): LatentScale {
  const channels = Array.from({ length: latentChannels }, (_, channel) => channel);
  if (latentsMean && latentsStd) {
    return { factor: latentsStd.map((value) => value / scalingFactor), offset: latentsMean };
  }
  return { factor: channels.map(() => 1 / scalingFactor), offset: channels.map(() => shiftFactor) };
}

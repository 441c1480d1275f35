// The config of Stable Diffusion's autoencoder as diffusers publishes it (models/autoencoders/autoencoder_kl.py), and how
// its latents are brought to the size that the denoiser was trained on.
import { type ActivationName, activations } from "../nn/index.js";
import { ConfigReader, type ConfigRecord } from "./config-reader.js";

export interface AutoencoderKlConfig {
  /** Channels of the pictures that go in and come out. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels at full size, at half, at a quarter, … */
  readonly widths: readonly number[];
  /** Residual blocks of the encoder at each size; the decoder has one more. */
  readonly layers: number;
  readonly activation: ActivationName;
  readonly groups: number;
  /** Whether a 1×1 convolution stands between the networks and the latents. */
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  readonly middleAttention: boolean;
  /** How latents are scaled for the denoiser; see {@link getLatentScale}. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  readonly latentsMean?: readonly number[];
  readonly latentsDeviation?: readonly number[];
  /** The reference leaves float16 for this network, whose activations would overflow there. */
  readonly forceUpcast: boolean;
}

const defaultWidths: readonly number[] = [64];

/**
 * Reads the `config.json` of an `AutoencoderKL`; what is left out is as in diffusers.
 * @throws NishikiError "checkpoint" that names the field for a value that cannot be right, or that is not supported.
 */
export function readAutoencoderKlConfig(json: ConfigRecord): AutoencoderKlConfig {
  const fields = new ConfigReader("AutoencoderKL", json);
  const widths = fields.counts("block_out_channels", defaultWidths);
  fields.allOf("down_block_types", "DownEncoderBlock2D", widths.length);
  fields.allOf("up_block_types", "UpDecoderBlock2D", widths.length);
  const latentChannels = fields.count("latent_channels", 4);
  const groups = fields.count("norm_num_groups", 32);
  if (widths.some((width) => width % groups !== 0)) {
    throw fields.reject("block_out_channels", `multiples of norm_num_groups (${groups})`);
  }
  const perChannel = (field: string) => {
    const values = fields.numbers(field);
    if (values && values.length !== latentChannels) throw fields.reject(field, `${latentChannels} numbers`);
    return values;
  };
  return {
    inChannels: fields.count("in_channels", 3),
    outChannels: fields.count("out_channels", 3),
    latentChannels,
    widths,
    layers: fields.repeats("layers_per_block", 1),
    activation: fields.choice("act_fn", "silu", Object.keys(activations) as ActivationName[]),
    groups,
    quantConv: fields.flag("use_quant_conv", true),
    postQuantConv: fields.flag("use_post_quant_conv", true),
    middleAttention: fields.flag("mid_block_add_attention", true),
    scalingFactor: fields.positive("scaling_factor", 0.18215),
    shiftFactor: fields.number("shift_factor", 0),
    latentsMean: perChannel("latents_mean"),
    latentsDeviation: perChannel("latents_std"),
    forceUpcast: fields.flag("force_upcast", true),
  };
}

/** The autoencoder's latents are `offset[c] + factor[c] · (the denoiser's latents)` in channel c. */
export interface LatentScale {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/**
 * What lies between the autoencoder's latents and the denoiser's: a factor (Rombach et al. 2022, appendix G), a shift, or
 * mean and deviation of every channel. Like diffusers' pipelines, mean and deviation count only where both are given.
 */
export function getLatentScale({
  latentChannels,
  scalingFactor,
  shiftFactor,
  latentsMean,
  latentsDeviation,
}: Pick<
  AutoencoderKlConfig,
  "latentChannels" | "scalingFactor" | "shiftFactor" | "latentsMean" | "latentsDeviation"
>): LatentScale {
  const channels = Array.from({ length: latentChannels }, (_, channel) => channel);
  if (latentsMean && latentsDeviation) {
    return { factor: latentsDeviation.map((value) => value / scalingFactor), offset: latentsMean };
  }
  return { factor: channels.map(() => 1 / scalingFactor), offset: channels.map(() => shiftFactor) };
}

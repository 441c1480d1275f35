// TAESD: tiny autoencoders distilled from those of Stable Diffusion and its successors (Bohan 2023,
// github.com/madebyollin/taesd). They work on the denoiser's latents directly, and decode pixels at a
// fraction of the cost.
// Parameter names follow diffusers' AutoencoderTiny (models/autoencoders/autoencoder_tiny.py); {@link
// tinyParameterName} maps the names of the published files. Images are channels-first; height and width may
// be symbols.
import {
  add,
  div,
  mul,
  relu,
  type Scope,
  sub,
  type Tensor,
  tanh,
  upsampleNearest2d,
} from "../graph/index.js";
import { type ActivationName, activations, conv2d, groupNorm } from "../nn/index.js";
import { z } from "../schema/index.js";
import {
  activation,
  type ConfigRecord,
  count,
  counts,
  declareConfig,
  readConfig,
  repeats,
} from "./published-config.js";

export interface TinyAutoencoderConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels everywhere. */
  readonly width: number;
  /** Blocks of the encoder at each size, from the full one; of the decoder from the smallest. */
  readonly encoderBlocks: readonly number[];
  readonly decoderBlocks: readonly number[];
  readonly activation: ActivationName;
  /**
   * Whether blocks at the smallest size use group statistics of the whole image, as in the version for
   * FLUX.2.
   */
  readonly middlePool: boolean;
}

const published = {
  inChannels: 3,
  outChannels: 3,
  width: 64,
  encoderBlocks: [1, 3, 3, 3],
  decoderBlocks: [3, 3, 3, 1],
  activation: "relu",
  middlePool: false,
} as const;

/** The published autoencoders, by their file names. */
export const tinyAutoencoderConfigs = {
  taesd: { ...published, latentChannels: 4 },
  taesdxl: { ...published, latentChannels: 4 },
  taesd3: { ...published, latentChannels: 16 },
  taef1: { ...published, latentChannels: 16 },
  taef2: { ...published, latentChannels: 32, middlePool: true },
} as const satisfies Record<string, TinyAutoencoderConfig>;

const fourWidths = [published.width, published.width, published.width, published.width];

const schema = declareConfig(
  "AutoencoderTiny",
  {
    in_channels: count.default(published.inChannels),
    out_channels: count.default(published.outChannels),
    latent_channels: count.default(4),
    num_encoder_blocks: z
      .array(repeats)
      .min(1)
      .max(20)
      .default([...published.encoderBlocks]),
    num_decoder_blocks: z
      .array(repeats)
      .min(1)
      .max(20)
      .default([...published.decoderBlocks]),
    encoder_block_out_channels: counts.default(fourWidths),
    decoder_block_out_channels: counts.default(fourWidths),
    act_fn: activation.default(published.activation),
    upsampling_scaling_factor: z.literal(2).optional(),
    upsample_fn: z.literal("nearest").optional(),
    scaling_factor: z.literal(1).optional(),
    shift_factor: z.literal(0).optional(),
  },
  (config, fault) => {
    // The reference has no layer that changes the width, so it cannot build differing widths either.
    const [width] = config.encoder_block_out_channels;
    for (const part of ["encoder", "decoder"] as const) {
      const [widths, blocks] = [config[`${part}_block_out_channels`], config[`num_${part}_blocks`]];
      if (widths.length !== blocks.length || widths.some((one) => one !== width))
        fault(`${part}_block_out_channels`, `${blocks.length} times the same number`);
    }
  },
);

/**
 * Reads the `config.json` of an `AutoencoderTiny`; missing fields default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readTinyAutoencoderConfig(json: ConfigRecord): TinyAutoencoderConfig {
  const config = readConfig("AutoencoderTiny", schema, json);
  return {
    inChannels: config.in_channels,
    outChannels: config.out_channels,
    latentChannels: config.latent_channels,
    width: config.encoder_block_out_channels[0]!,
    encoderBlocks: config.num_encoder_blocks,
    decoderBlocks: config.num_decoder_blocks,
    activation: config.act_fn,
    middlePool: false,
  };
}

/**
 * Maps a parameter to its name in the published encoder and decoder files, which number their layers from 0:
 * "decoder.layers.0.weight" is "1.weight", since their decoder's first layer is the clamp.
 */
export function tinyParameterName(name: string): {
  readonly part: "encoder" | "decoder";
  readonly name: string;
} {
  const [part, , layer, ...rest] = name.split(".") as ["encoder" | "decoder", string, string, ...string[]];
  return { part, name: [Number(layer) + (part === "decoder" ? 1 : 0), ...rest].join(".") };
}

// Of the normalisation in the pool: groups and epsilon.
const poolGroups = 4;
const poolEpsilon = 1e-5;

/** Adds group statistics of the whole image to every position. */
function pool(scope: Scope, x: Tensor, width: number): Tensor {
  const wide = conv2d(scope.child(0), x, 4 * width, { kernel: 1, bias: false });
  const hidden = relu(groupNorm(scope.child(1), wide, poolGroups, poolEpsilon));
  return add(x, conv2d(scope.child(3), hidden, width, { kernel: 1, bias: false }));
}

function block(scope: Scope, x: Tensor, { width, activation, middlePool }: TinyAutoencoderConfig): Tensor {
  if (middlePool) x = pool(scope.child("pool"), x, width);
  const activate = activations[activation];
  const convolve = (i: number, from: Tensor) => conv2d(scope.child("conv").child(i), from, width);
  return relu(add(convolve(4, activate(convolve(2, activate(convolve(0, x))))), x));
}

/** Provides layers by their index in the reference's list, which also counts layers without parameters. */
function layersFrom(scope: Scope, index: number): { next: () => Scope; skip: () => void } {
  return { next: () => scope.child(index++), skip: () => void index++ };
}

/** Pixels `[batch, 3, height, width]` in [-1, 1] → the denoiser's latents `[batch, latentChannels, height/8, width/8]`. */
export function encodeTiny(scope: Scope, config: TinyAutoencoderConfig, pixels: Tensor): Tensor {
  return encodeTinySmall(scope, config, encodeTinyLarge(scope, config, pixels));
}

/** The denoiser's latents `[batch, latentChannels, height, width]` → pixels `[batch, 3, 8·height, 8·width]`, about [-1, 1]. */
export function decodeTiny(scope: Scope, config: TinyAutoencoderConfig, latents: Tensor): Tensor {
  return decodeTinyLarge(scope, config, decodeTinySmall(scope, config, latents));
}

/** The encoder's layers above the smallest size: pixels → features `[batch, 64, height/8, width/8]`. */
export function encodeTinyLarge(scope: Scope, config: TinyAutoencoderConfig, pixels: Tensor): Tensor {
  const { width, encoderBlocks } = config;
  const { next } = layersFrom(scope.child("encoder.layers"), 0);
  let x = mul(add(pixels, 1), 0.5); // these networks use pixels in [0, 1]
  x = conv2d(next(), x, width);
  for (const count of encoderBlocks.slice(0, -1)) {
    for (let i = 0; i < count; i++) x = block(next(), x, { ...config, middlePool: false });
    x = conv2d(next(), x, width, { stride: 2, padding: 1, bias: false }); // [batch, 64, height/2, width/2]
  }
  return x;
}

/** The encoder's layers at the smallest size: the features of {@link encodeTinyLarge} → latents. */
export function encodeTinySmall(scope: Scope, config: TinyAutoencoderConfig, features: Tensor): Tensor {
  const { encoderBlocks, latentChannels } = config;
  const before = encoderBlocks.slice(0, -1).reduce((sum, count) => sum + count + 1, 1);
  const { next } = layersFrom(scope.child("encoder.layers"), before);
  let x = features;
  for (let i = 0; i < encoderBlocks.at(-1)!; i++) x = block(next(), x, config);
  return conv2d(next(), x, latentChannels);
}

/** The decoder's layers at the smallest size: latents → features `[batch, 64, height, width]`. */
export function decodeTinySmall(scope: Scope, config: TinyAutoencoderConfig, latents: Tensor): Tensor {
  const { next, skip } = layersFrom(scope.child("decoder.layers"), 0);
  const limited = mul(tanh(div(latents, 3)), 3);
  let x = activations[config.activation](conv2d(next(), limited, config.width));
  skip();
  for (let i = 0; i < config.decoderBlocks[0]!; i++) x = block(next(), x, config);
  return x;
}

/** The decoder's layers above the smallest size: the features of {@link decodeTinySmall} → pixels. */
export function decodeTinyLarge(scope: Scope, config: TinyAutoencoderConfig, features: Tensor): Tensor {
  const { width, decoderBlocks, outChannels } = config;
  const { next, skip } = layersFrom(scope.child("decoder.layers"), 2 + decoderBlocks[0]!);
  let x = features;
  for (const count of decoderBlocks.slice(1)) {
    skip();
    x = conv2d(next(), upsampleNearest2d(x, 2), width, { bias: false }); // [batch, 64, 2·height, 2·width]
    for (let i = 0; i < count; i++) x = block(next(), x, { ...config, middlePool: false });
  }
  return sub(mul(conv2d(next(), x, outChannels), 2), 1);
}

// Splits autoencoders into programs that work on tiles of large images. Everything global comes from the whole image:
//   - the layers at the smallest size, with global attention, run on the whole image; they need little memory;
//   - the layers above have a receptive field of `reach`, so tiles overlap by that much;
//   - their group normalisations share statistics across tiles, from the whole image subsampled to a tile's size.
// (With per-tile statistics, tiles differ in tone, and blending the overlaps only spreads the difference.)
import { type Program, type Scope, type Tensor, type Tracer, trace } from "../graph/index.js";
import {
  type AutoencoderKlConfig,
  decodeKlLarge,
  decodeKlSmall,
  decodeTinyLarge,
  decodeTinySmall,
  encodeKlLarge,
  encodeKlSmall,
  encodeTinyLarge,
  encodeTinySmall,
  isStatistics,
  recordedGroupNorm,
  type TinyAutoencoderConfig,
} from "../models/index.js";
import type { GroupNormLayer } from "../nn/index.js";

/** One half of an autoencoder, split by memory use: `small` runs on the whole image, `large` on tiles. */
export interface TiledNetwork {
  /** latents → features (decoder), or features → outputs (encoder) */
  readonly small: Program;
  /** features → pixels (decoder), or pixels → features (encoder); also takes the outputs of `statistics`, if any. */
  readonly large: Program;
  /** The input of `large`, subsampled → statistics; undefined if `large` takes none. */
  readonly statistics?: Program;
  /** Pixels per latent and side. */
  readonly scale: number;
  /** The receptive field of `large`, in latents: with this overlap, tiles differ from the whole only by rounding. */
  readonly reach: number;
  /** Measured peak memory without weights, in bytes: per latent for `small`, per pixel for `large`. */
  readonly bytes: { readonly small: number; readonly large: number };
}

// How many float32 numbers the CPU device holds at once per channel of the widest layer, measured from 512×512 to 1536×1536
// pixels. The decoder enlarges its widest layer before it reduces the channels.
const numbersAtOnce = { small: 10, decoder: 5, encoder: 4, tiny: 5.5 };

type Large = (scope: Scope, input: Tensor, normalize: GroupNormLayer) => Tensor;

/** Traces `large` twice: one program returns an image's statistics by normalisation name, the other takes them as inputs. */
function traceWithStatistics(
  makeLarge: Large,
  channels: number,
  [input, output]: readonly [input: string, output: string],
): { readonly statistics: Program; readonly large: Program } {
  const model = (t: Tracer) => {
    const x = t.input(input, [1, channels, "height", "width"]);
    return { [output]: makeLarge(t.scope(), x, recordedGroupNorm) };
  };
  const statistics = trace((t) => {
    model(t);
    return Object.fromEntries([...t.recorded].filter(([name]) => isStatistics(name)));
  });
  const large = trace(model, {
    substitute: (name, tensor, t) => (isStatistics(name) ? t.input(name, tensor.shape) : tensor),
  });
  return { statistics, large };
}

/** Receptive field in latents of the decoder's 3×3 convolutions above the smallest size; each size doubles the previous. */
function reachUp(convolutions: readonly number[]): number {
  const pixels = convolutions.reduce((reach, count) => 2 * reach + count, 0);
  return pixels / 2 ** convolutions.length;
}

/** Receptive field of the encoder, whose sizes halve and each end with a strided convolution. */
function reachDown(convolutions: readonly number[]): number {
  const pixels = convolutions.reduce((reach, count, size) => reach + (count + 2) * 2 ** size, 0);
  return pixels / 2 ** convolutions.length;
}

/** Stable Diffusion's decoder: latents → pixels. */
export function traceKlDecoder(config: AutoencoderKlConfig): TiledNetwork {
  const { widths, layers, latentChannels } = config;
  const small = trace((t) => {
    const latents = t.input("latents", ["batch", latentChannels, "height", "width"]);
    return { features: decodeKlSmall(t.scope(), config, latents) };
  });
  const programs = traceWithStatistics(
    (scope, x, normalize) => decodeKlLarge(scope, config, x, normalize),
    widths.at(-1)!,
    ["features", "pixels"],
  );
  // Each size starts with a convolution; the last one also ends with one.
  const convolutions = widths.slice(1).map((_, i) => 2 * (layers + 1) + (i === widths.length - 2 ? 2 : 1));
  const bytes = {
    small: 4 * numbersAtOnce.small * widths.at(-1)!,
    large: 4 * numbersAtOnce.decoder * (widths[1] ?? widths[0]!),
  };
  return { small, ...programs, scale: 2 ** (widths.length - 1), reach: reachUp(convolutions), bytes };
}

/** Stable Diffusion's encoder: pixels → mean and logVariance of the latents. */
export function traceKlEncoder(config: AutoencoderKlConfig): TiledNetwork {
  const { widths, layers, inChannels } = config;
  const scale = 2 ** (widths.length - 1);
  const small = trace((t) => {
    const features = t.input("features", ["batch", widths.at(-2) ?? widths[0]!, "height", "width"]);
    const { mean, logVariance } = encodeKlSmall(t.scope(), config, features);
    return { mean, logVariance };
  });
  const programs = traceWithStatistics(
    (scope, x, normalize) => encodeKlLarge(scope, config, x, normalize),
    inChannels,
    ["pixels", "features"],
  );
  const convolutions = widths.slice(1).map((_, i) => 2 * layers + (i === 0 ? 1 : 0));
  const bytes = {
    small: 4 * numbersAtOnce.small * widths.at(-1)!,
    large: 4 * numbersAtOnce.encoder * widths[0]!,
  };
  return { small, ...programs, scale, reach: reachDown(convolutions), bytes };
}

function tinyBytes({ width, middlePool }: TinyAutoencoderConfig): TiledNetwork["bytes"] {
  // The pool is four times as wide.
  const widest = middlePool ? 4 * width : width;
  return { small: 4 * numbersAtOnce.small * widest, large: 4 * numbersAtOnce.tiny * width };
}

/** A tiny autoencoder's decoder: latents → pixels. */
export function traceTinyDecoder(config: TinyAutoencoderConfig): TiledNetwork {
  const { width, decoderBlocks, latentChannels } = config;
  const small = trace((t) => {
    const latents = t.input("latents", ["batch", latentChannels, "height", "width"]);
    return { features: decodeTinySmall(t.scope(), config, latents) };
  });
  const large = trace((t) => {
    const features = t.input("features", ["batch", width, "height", "width"]);
    return { pixels: decodeTinyLarge(t.scope(), config, features) };
  });
  const blocks = decoderBlocks.slice(1);
  const convolutions = blocks.map((count, i) => 3 * count + (i === blocks.length - 1 ? 2 : 1));
  return { small, large, scale: 2 ** blocks.length, reach: reachUp(convolutions), bytes: tinyBytes(config) };
}

/** A tiny autoencoder's encoder: pixels → latents. */
export function traceTinyEncoder(config: TinyAutoencoderConfig): TiledNetwork {
  const { width, encoderBlocks, inChannels } = config;
  const small = trace((t) => {
    const features = t.input("features", ["batch", width, "height", "width"]);
    return { latents: encodeTinySmall(t.scope(), config, features) };
  });
  const large = trace((t) => {
    const pixels = t.input("pixels", ["batch", inChannels, "height", "width"]);
    return { features: encodeTinyLarge(t.scope(), config, pixels) };
  });
  const convolutions = encoderBlocks.slice(0, -1).map((count, i) => 3 * count + (i === 0 ? 1 : 0));
  const reach = reachDown(convolutions);
  return { small, large, scale: 2 ** convolutions.length, reach, bytes: tinyBytes(config) };
}

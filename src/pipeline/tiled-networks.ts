// Autoencoders as programs that work on tiles of large images. What a tile cannot know by itself comes from the whole:
//   - layers at the smallest size, with their attention over all places, see the whole image; they need little memory;
//   - in the layers above, a place counts no further than `reach`, and so far may tiles overlap;
//   - their group normalisations take statistics that all tiles share, from the whole image thinned out to a tile's size.
// (Tiles that use statistics of their own get tones of their own, which blending where they overlap only spreads.)
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

/** One half of an autoencoder, cut where its memory is: `small` runs on the whole image, `large` on tiles. */
export interface TiledNetwork {
  /** latents → features (decoder), or features → outputs (encoder) */
  readonly small: Program;
  /** features → pixels (decoder), or pixels → features (encoder); takes the outputs of `statistics` where there are such. */
  readonly large: Program;
  /** The input of `large`, thinned out → statistics; undefined where `large` takes none. */
  readonly statistics?: Program;
  /** Pixels for each latent, per side. */
  readonly scale: number;
  /** How far a latent's neighbours count in `large`, in latents: with this overlap, tiles differ by rounding only. */
  readonly reach: number;
  /** What a run takes at its height, without weights: bytes for each latent of `small`, for each pixel of `large`. Measured. */
  readonly bytes: { readonly small: number; readonly large: number };
}

// Numbers of 4 bytes that the CPU device holds at once for each channel of the widest layer, as measured at 512×512 to
// 1536×1536 pixels. The decoder's widest layer is enlarged before its channels become fewer.
const numbersAtOnce = { small: 10, decoder: 5, encoder: 4, tiny: 5.5 };

type Large = (scope: Scope, input: Tensor, normalize: GroupNormLayer) => Tensor;

/** `large` twice: one program gives the statistics of an image by the names of its normalisations, the other takes them. */
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

/** How far the decoder's convolutions reach above the smallest size, in latents: 3×3 ones, each size twice the one before. */
function reachUp(convolutions: readonly number[]): number {
  const pixels = convolutions.reduce((reach, count) => 2 * reach + count, 0);
  return pixels / 2 ** convolutions.length;
}

/** The same for the encoder, whose sizes come in the other order and end with a convolution that halves. */
function reachDown(convolutions: readonly number[]): number {
  const pixels = convolutions.reduce((reach, count, size) => reach + (count + 2) * 2 ** size, 0);
  return pixels / 2 ** convolutions.length;
}

/** latents → pixels by Stable Diffusion's autoencoder. */
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
  // Before each size's blocks a convolution, and one at the end.
  const convolutions = widths.slice(1).map((_, i) => 2 * (layers + 1) + (i === widths.length - 2 ? 2 : 1));
  const bytes = {
    small: 4 * numbersAtOnce.small * widths.at(-1)!,
    large: 4 * numbersAtOnce.decoder * (widths[1] ?? widths[0]!),
  };
  return { small, ...programs, scale: 2 ** (widths.length - 1), reach: reachUp(convolutions), bytes };
}

/** pixels → mean and logVariance of latents by Stable Diffusion's autoencoder. */
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

/** latents → pixels by a tiny autoencoder. */
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

/** pixels → latents by a tiny autoencoder. */
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

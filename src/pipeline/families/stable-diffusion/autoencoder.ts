// One interface to Stable Diffusion's autoencoder and to the tiny one that may replace it.
import { NishikiError } from "../../../errors.js";
import { type Program, type Tensor, type TraceOptions, trace } from "../../../graph/index.js";
import {
  decodeKl,
  decodeTiny,
  encodeKl,
  encodeTiny,
  getLatentScale,
  type LatentScale,
  readAutoencoderKlConfig,
  readTinyAutoencoderConfig,
} from "../../../models/index.js";
import {
  type TiledNetwork,
  traceKlDecoder,
  traceKlEncoder,
  traceTinyDecoder,
  traceTinyEncoder,
} from "../../tiled-networks.js";

export interface Autoencoder {
  readonly latentChannels: number;
  /** Pixels for each latent, per side. */
  readonly scale: number;
  /** From the denoiser's latents to its own. */
  readonly latents: LatentScale;
  /** Whether an image's latents are a sample of a distribution. */
  readonly stochastic: boolean;
  /** latents `[batch, channels, height, width]` → pixels `[batch, 3, scale·height, scale·width]` in [-1, 1] */
  traceDecoder(options?: TraceOptions): Program;
  /** pixels → mean and logVariance, or latents */
  traceEncoder(): Program;
  /** The same for images that do not fit into memory as a whole. */
  traceLargeDecoder(): TiledNetwork;
  traceLargeEncoder(): TiledNetwork;
}

interface Networks {
  decode(tracer: Parameters<Parameters<typeof trace>[0]>[0], latents: Tensor): Tensor;
  encode(
    tracer: Parameters<Parameters<typeof trace>[0]>[0],
    pixels: Tensor,
  ): Readonly<Record<string, Tensor>>;
}

function tracers(
  { latentChannels, scale }: Pick<Autoencoder, "latentChannels" | "scale">,
  { decode, encode }: Networks,
): Pick<Autoencoder, "traceDecoder" | "traceEncoder"> {
  return {
    traceDecoder: (options) =>
      trace((tracer) => {
        const latents = tracer.input("latents", ["batch", latentChannels, "height", "width"]);
        return { pixels: decode(tracer, latents) };
      }, options),
    traceEncoder: () =>
      trace((tracer) =>
        encode(tracer, tracer.input("pixels", ["batch", 3, `height*${scale}`, `width*${scale}`])),
      ),
  };
}

function makeKl(json: Readonly<Record<string, unknown>>): Autoencoder {
  const config = readAutoencoderKlConfig(json);
  if (config.inChannels !== 3 || config.outChannels !== 3) {
    const got = `${config.inChannels} and ${config.outChannels}`;
    throw new NishikiError(
      "checkpoint",
      `AutoencoderKL config: expected images with 3 channels, got ${got}.`,
    );
  }
  const { latentChannels } = config;
  const scale = 2 ** (config.widths.length - 1);
  const networks: Networks = {
    decode: (tracer, latents) => decodeKl(tracer.scope(), config, latents),
    encode: (tracer, pixels) => {
      const { mean, logVariance } = encodeKl(tracer.scope(), config, pixels);
      return { mean, logVariance };
    },
  };
  return {
    latentChannels,
    scale,
    latents: getLatentScale(config),
    stochastic: true,
    ...tracers({ latentChannels, scale }, networks),
    traceLargeDecoder: () => traceKlDecoder(config),
    traceLargeEncoder: () => traceKlEncoder(config),
  };
}

/** Its latents are the denoiser's own. */
function makeTiny(json: Readonly<Record<string, unknown>>): Autoencoder {
  const config = readTinyAutoencoderConfig(json);
  const { latentChannels } = config;
  const scale = 2 ** (config.decoderBlocks.length - 1);
  const networks: Networks = {
    decode: (tracer, latents) => decodeTiny(tracer.scope(), config, latents),
    encode: (tracer, pixels) => ({ latents: encodeTiny(tracer.scope(), config, pixels) }),
  };
  const channels = Array.from({ length: latentChannels });
  return {
    latentChannels,
    scale,
    latents: { factor: channels.map(() => 1), offset: channels.map(() => 0) },
    stochastic: false,
    ...tracers({ latentChannels, scale }, networks),
    traceLargeDecoder: () => traceTinyDecoder(config),
    traceLargeEncoder: () => traceTinyEncoder(config),
  };
}

/** Reads an autoencoder's config. @throws NishikiError "checkpoint" for an unsupported config */
export function readAutoencoder(config: Readonly<Record<string, unknown>>): Autoencoder {
  return config._class_name === "AutoencoderTiny" ? makeTiny(config) : makeKl(config);
}

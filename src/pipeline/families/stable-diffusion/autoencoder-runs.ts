// Between pixels and a denoiser's latents, as a whole where memory allows it and else in tiles.
import type { HostTensor } from "../../../engine/index.js";
import { type Pixels, toBytes } from "../../pixels.js";
import { decodeInTiles, encodeInTiles } from "../../run-tiles.js";
import { f32, floats } from "../../tensors.js";
import { getTiling } from "../../tile-forecast.js";
import type { Autoencoder } from "./autoencoder.js";
import type { Networks } from "./networks.js";

/** Height and width of latents. */
export interface Area {
  readonly height: number;
  readonly width: number;
}

/** Up to so many latents, memory is no question, and nothing is traced in order to ask. */
const fewLatents = 96 * 96;

/** What latents a preview's autoencoder gets, and how they become pixels: always as a whole, since it is small. */
export async function decodePreview(
  autoencoder: Autoencoder,
  networks: Networks,
  latents: Float32Array,
  { height, width }: Area,
): Promise<Pixels> {
  const raw = f32(
    rawLatents(autoencoder, latents, height * width),
    1,
    autoencoder.latentChannels,
    height,
    width,
  );
  const pixels = await networks.use({ part: "preview decoder" }, (session) => session.run({ latents: raw }));
  return toPixels(floats(pixels, "pixels"), height * autoencoder.scale, width * autoencoder.scale);
}

/** From the denoiser's latents to the autoencoder's own. */
function rawLatents({ latents: own }: Autoencoder, latents: Float32Array, places: number): Float32Array {
  return latents.map((value, i) => {
    const channel = Math.floor(i / places);
    return value * own.factor[channel]! + own.offset[channel]!;
  });
}

/** Planes `[3, height, width]` in about [-1, 1] → pixels. */
function toPixels(planes: Float32Array, height: number, width: number): Pixels {
  const places = height * width;
  const values = Float32Array.from(
    { length: 3 * places },
    (_, i) => planes[(i % 3) * places + Math.floor(i / 3)]!,
  );
  return { width, height, channels: 3, data: toBytes(values) };
}

/** The autoencoder at work for one request. */
export class AutoencoderRuns {
  private readonly autoencoder: Autoencoder;
  private readonly networks: Networks;

  constructor(autoencoder: Autoencoder, networks: Networks) {
    this.autoencoder = autoencoder;
    this.networks = networks;
  }

  /** Latents `[channels, height, width]` of one image → its pixels. */
  async decode(latents: Float32Array, area: Area, tile: boolean): Promise<Pixels> {
    const { latentChannels, scale } = this.autoencoder;
    const { height, width } = area;
    const raw = rawLatents(this.autoencoder, latents, height * width);
    const pixels = await this.runDecoder(f32(raw, 1, latentChannels, height, width), area, tile);
    return toPixels(pixels, height * scale, width * scale);
  }

  private async runDecoder(latents: HostTensor, area: Area, tile: boolean): Promise<Float32Array> {
    // Tiles of an image whose sides fit to each other would have to go on beyond its sides.
    const { signal } = this.networks;
    const large =
      tile || area.height * area.width <= fewLatents ? undefined : this.autoencoder.traceLargeDecoder();
    const tiling = large && getTiling(large, area);
    if (large && tiling) {
      const pixels = await this.networks.exclusive((open) =>
        decodeInTiles(large, latents, { open, tiling, signal }),
      );
      return pixels.data as Float32Array;
    }
    const key = { part: "decoder", wraps: tile } as const;
    return floats(await this.networks.use(key, (session) => session.run({ latents })), "pixels");
  }

  /** An image [height, width, 3] in [-1, 1] → its latents `[channels, height, width]`. */
  async encode(values: Float32Array, area: Area, normals: () => Float32Array): Promise<Float32Array> {
    const { scale, stochastic, latents: own } = this.autoencoder;
    const places = values.length / 3;
    const planes = values.map((_, i) => values[(i % places) * 3 + Math.floor(i / places)]!);
    const pixels = f32(planes, 1, 3, area.height * scale, area.width * scale);
    const outputs = await this.runEncoder(pixels, area);
    const toDenoiser = (value: number, i: number) => {
      const channel = Math.floor(i / (area.height * area.width));
      return (value - own.offset[channel]!) / own.factor[channel]!;
    };
    if (!stochastic) return floats(outputs, "latents").map(toDenoiser);
    const [mean, logVariance] = [floats(outputs, "mean"), floats(outputs, "logVariance")];
    const noise = normals();
    return mean.map((value, i) => toDenoiser(value + Math.exp(logVariance[i]! / 2) * noise[i]!, i));
  }

  private async runEncoder(pixels: HostTensor, area: Area): Promise<Record<string, HostTensor>> {
    const { signal } = this.networks;
    const large = area.height * area.width <= fewLatents ? undefined : this.autoencoder.traceLargeEncoder();
    const tiling = large && getTiling(large, area);
    if (large && tiling) {
      return this.networks.exclusive((open) => encodeInTiles(large, pixels, { open, tiling, signal }));
    }
    return this.networks.use({ part: "encoder" }, (session) => session.run({ pixels }));
  }
}

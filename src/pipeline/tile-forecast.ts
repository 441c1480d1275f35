// How much memory an autoencoder takes for an image, and tiles that stay within a limit.
import { type Program, sizeOf } from "../graph/index.js";
import type { TiledNetwork } from "./tiled-networks.js";
import type { Tiling } from "./tiles.js";

/** Sides of an image, in latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** Memory that an image may take by default, in bytes: Stable Diffusion's decoder makes 1024×1024 pixels of it as a whole. */
export const defaultMemoryLimit = 6e9;

function weightBytes({ parameters }: Program): number {
  return parameters.reduce((bytes, { shape }) => bytes + 4 * sizeOf(shape), 0);
}

/** Pixels that come or go and features between the two parts: held by the caller, and once more where they are worked on. */
function imageBytes({ small, large, scale }: TiledNetwork, latents: number): number {
  const channels = (program: Program, input: boolean) => {
    const [first] = input ? program.inputs : program.outputs;
    return first!.tensor.shape[1] as number;
  };
  const decodes = large.inputs[0]!.name === "features";
  const features = channels(decodes ? large : small, true);
  return 2 * 4 * latents * (features + channels(large, !decodes) * scale ** 2);
}

/**
 * Bytes that a run takes at its height, for one image and beyond what the process had before: without a tiling as a
 * whole, else in such tiles. An estimate from measured sizes, for the CPU device.
 */
export function forecastMemory(
  network: TiledNetwork,
  { height, width }: LatentSize,
  tiling?: Tiling,
): number {
  const side = (length: number) => Math.min(length, tiling?.tileSize ?? length);
  const pixels = side(height) * side(width) * network.scale ** 2;
  const small = weightBytes(network.small) + network.bytes.small * height * width;
  const large = weightBytes(network.large) + network.bytes.large * pixels;
  // As a whole, both parts are one session; in tiles, one is closed before the other is opened.
  const atOnce = tiling ? Math.max(small, large) : large + weightBytes(network.small);
  return atOnce + imageBytes(network, height * width);
}

/**
 * Tiles for an image that would take more memory than the limit; undefined for one that would not. They overlap as far as
 * the network reaches. Where the limit is too low even for small tiles, small tiles are what comes.
 */
export function getTiling(
  network: TiledNetwork,
  size: LatentSize,
  limit = defaultMemoryLimit,
): Tiling | undefined {
  if (forecastMemory(network, size) <= limit) return undefined;
  const overlap = Math.ceil(network.reach);
  const smallest = 4 * overlap; // half of such a tile is overlap: below that, most work would be done several times
  const forTiles = limit - weightBytes(network.large) - imageBytes(network, size.height * size.width);
  const side = Math.sqrt(Math.max(0, forTiles) / network.bytes.large) / network.scale;
  return { tileSize: Math.max(smallest, Math.floor(side)), overlap };
}

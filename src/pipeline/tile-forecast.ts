// Estimates an autoencoder's memory for an image, and plans tiles that stay within a limit.
import { type Program, sizeOf } from "../graph/index.js";
import type { TiledNetwork } from "./tiled-networks.js";
import type { Tiling } from "./tiles.js";

/** Size of an image, in latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** The default memory limit in bytes: enough for Stable Diffusion's decoder to decode 1024×1024 pixels at once. */
export const defaultMemoryLimit = 6e9;

function weightBytes({ parameters }: Program): number {
  return parameters.reduce((bytes, { shape }) => bytes + 4 * sizeOf(shape), 0);
}

/** Memory of the pixels and the features between both parts: the caller holds one copy, the running network another. */
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
 * Estimates the peak memory in bytes that a run on one image adds, in tiles or, without a tiling, as a whole. Based on
 * measurements on the CPU device.
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
  // Without tiles, both parts are one session; with tiles, one closes before the other opens.
  const atOnce = tiling ? Math.max(small, large) : large + weightBytes(network.small);
  return atOnce + imageBytes(network, height * width);
}

/**
 * Plans tiles for an image that would exceed the memory limit; returns undefined if it fits. The overlap covers the network's
 * receptive field. If the limit is too low even for the smallest tiles, returns those.
 */
export function getTiling(
  network: TiledNetwork,
  size: LatentSize,
  limit = defaultMemoryLimit,
): Tiling | undefined {
  if (forecastMemory(network, size) <= limit) return undefined;
  const overlap = Math.ceil(network.reach);
  const smallest = 4 * overlap; // half of each side is overlap; smaller tiles would mostly repeat work
  const forTiles = limit - weightBytes(network.large) - imageBytes(network, size.height * size.width);
  const side = Math.sqrt(Math.max(0, forTiles) / network.bytes.large) / network.scale;
  return { tileSize: Math.max(smallest, Math.floor(side)), overlap };
}

// Which seeds each image of a request has.
import type { ImageSeeds } from "./noise.js";
import type { PictureSettings } from "./request.js";

/** The request that makes image `index` alone. Variations of one image share its seed. */
export function getImageSettings(settings: PictureSettings, index: number): PictureSettings {
  const { seed, variationSeed, variationStrength } = settings;
  if (variationSeed !== undefined && variationStrength)
    return { ...settings, count: 1, variationSeed: variationSeed + index };
  return { ...settings, count: 1, seed: seed + index };
}

/** The seeds of a request for one image. */
export function getImageSeeds({ seed, variationSeed, variationStrength }: PictureSettings): ImageSeeds {
  if (variationSeed === undefined || !variationStrength) return { seed };
  return { seed, variation: { seed: variationSeed, strength: variationStrength } };
}

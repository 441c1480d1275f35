// The seeds of each image of a request.
import type { ImageSettings } from "./image-request.js";
import type { ImageSeeds } from "./noise.js";

/** Picks a random seed, short enough to retype. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** The settings that reproduce image `index` alone. Variations of one image share its seed. */
export function getImageSettings<T extends Pick<ImageSettings, "seed" | "count" | "variation">>(
  settings: T,
  index: number,
): T {
  const { seed, variation } = settings;
  if (variation && variation.strength > 0)
    return { ...settings, count: 1, variation: { ...variation, seed: variation.seed + index } };
  return { ...settings, count: 1, seed: seed + index };
}

/** The settings that reproduce image `index` and those after it. */
export function getRemainingSettings<T extends Pick<ImageSettings, "seed" | "count" | "variation">>(
  settings: T,
  index: number,
): T {
  return { ...getImageSettings(settings, index), count: settings.count - index };
}

/** The seeds of a request for a single image. */
export function getImageSeeds({ seed, variation }: Pick<ImageSettings, "seed" | "variation">): ImageSeeds {
  return variation && variation.strength > 0 ? { seed, variation } : { seed };
}

// How well a map finds a thing whose place is known: for checking attribution on composed scenes.
import type { WordMap } from "./attribution.js";
import { resizeMap } from "./attribution.js";

/** Thresholds as shares of a map's maximum. */
export const thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] as const;

export interface AttributionScore {
  /** Intersection over union with the true mask, at each of the {@link thresholds}. */
  readonly iou: readonly number[];
  /** Whether the map's maximum lies within the mask (the pointing game: Zhang et al. 2016, arXiv:1608.00507). */
  readonly isHit: boolean;
}

/**
 * Scores a map.
 * @param mask [side, side], above 127 where the thing is
 */
export function scoreMap(
  map: Pick<WordMap, "data" | "height" | "width">,
  mask: Uint8Array,
  side: number,
): AttributionScore {
  const large = resizeMap(map.data, map, { height: side, width: side });
  let top = 0;
  for (let i = 1; i < large.length; i++) if (large[i]! > large[top]!) top = i;
  const iou = thresholds.map((threshold) => {
    const limit = threshold * large[top]!;
    let [both, either] = [0, 0];
    for (let i = 0; i < large.length; i++) {
      const [inMap, inMask] = [large[i]! >= limit, mask[i]! > 127];
      if (inMap && inMask) both++;
      if (inMap || inMask) either++;
    }
    return either === 0 ? 0 : both / either;
  });
  return { iou, isHit: mask[top]! > 127 };
}

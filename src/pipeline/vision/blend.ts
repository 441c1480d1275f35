// Arithmetic on embeddings of images and texts, in the manner of DALL-E 2 (Ramesh et al. 2022, arXiv:2204.06125, sections 3.2
// and 3.3): blends of several, interpolation between two, and changes by the difference of two texts.
import type { BlendName } from "../image-prompt-schema.js";

export interface WeightedEmbedding {
  readonly values: Float32Array;
  readonly weight: number;
}

const getLength = (values: Float32Array) => Math.hypot(...values);

const scale = (values: Float32Array, factor: number) => values.map((value) => value * factor);

const sum = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]!);

/** Scales to a length. An embedding of zeros stays. */
export function withLength(values: Float32Array, length: number): Float32Array {
  const own = getLength(values);
  return own === 0 ? values : scale(values, length / own);
}

/**
 * Rotates one embedding towards another (Shoemake 1985) and interpolates their lengths: `share` 0 is the first, 1 the second.
 * Nearly parallel ones are interpolated linearly.
 */
export function slerp(first: Float32Array, second: Float32Array, share: number): Float32Array {
  const [a, b] = [getLength(first), getLength(second)];
  const cosine = first.reduce((dot, value, i) => dot + value * second[i]!, 0) / (a * b);
  if (!(Math.abs(cosine) < 0.9995)) return sum(scale(first, 1 - share), scale(second, share));
  const angle = Math.acos(cosine);
  const [toFirst, toSecond] = [(1 - share) * angle, share * angle].map(Math.sin) as [number, number];
  const direction = sum(scale(first, toFirst / a), scale(second, toSecond / b));
  return scale(direction, ((1 - share) * a + share * b) / Math.sin(angle));
}

/**
 * Blends embeddings. "sum" adds them with their weights as they are. "slerp" rotates from each to the next, by the next one's
 * part of the weights so far, which may not be negative then; of two with weights 1 - t and t, it is their interpolation at t.
 */
export function blendEmbeddings(embeddings: readonly WeightedEmbedding[], way: BlendName): Float32Array {
  const [first, ...others] = embeddings as [WeightedEmbedding, ...WeightedEmbedding[]];
  if (way === "sum")
    return others.reduce(
      (all, { values, weight }) => sum(all, scale(values, weight)),
      scale(first.values, first.weight),
    );
  let [blend, total] = [first.values, first.weight];
  for (const { values, weight } of others) {
    total += weight;
    if (weight > 0) blend = slerp(blend, values, weight / total);
  }
  return blend;
}

/**
 * Turns an image's embedding by the difference of two texts' (section 3.3 there), keeping its length: 0 leaves it, 1 is the
 * difference alone; the paper takes 0.25 to 0.5.
 */
export function turnByDifference(
  image: Float32Array,
  { from, to, weight }: { readonly from: Float32Array; readonly to: Float32Array; readonly weight: number },
): Float32Array {
  const length = getLength(image);
  const difference = sum(withLength(to, 1), scale(withLength(from, 1), -1));
  return withLength(slerp(image, withLength(difference, length), weight), length);
}

// Which steps of a drawing show partial images: previews in full size that a client asked for, evenly spread.

/**
 * The steps, from 1, after which a partial image is shown. The last step is left out, because the image itself follows it.
 * @returns at most `count` steps, fewer if there are not enough
 */
export function getPartialSteps(steps: number, count: number): readonly number[] {
  const spread = Array.from({ length: count }, (_, i) => Math.round((steps * (i + 1)) / (count + 1)));
  return [...new Set(spread)].filter((step) => step >= 1 && step < steps);
}

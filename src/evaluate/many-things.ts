// Scenes of many things, which a classifier of one or two cannot answer for as a whole: each thing's place is cut out and enlarged, and the
// classifier says what it shows. Where a thing lies follows from the caption, so the place is known.
import type { Placement } from "../data/index.js";
import { cropTo } from "../pipeline/index.js";
import { type Classifier, classOf } from "./classifier.js";
import { argMax } from "./skills.js";

/** What was recognised of one scene of many things. */
export interface Recognised {
  readonly things: number;
  readonly right: number;
}

/** A place is cut out with this much around it, as a share of its size: as single things of training have. */
const around = 0.3;

/** The square about a placement, inside of the image. */
export function getPlace(
  { x, y, size }: Pick<Placement, "x" | "y" | "size">,
  side: number,
): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
  const width = Math.min(side, Math.round(size * (1 + around) * side));
  const start = (centre: number) =>
    Math.max(0, Math.min(side - width, Math.round(centre * side - width / 2)));
  return { left: start(x), top: start(y), width, height: width };
}

/**
 * Counts the things that a classifier recognises at their places.
 * @param pixels `[size, size, 3]` bytes of the classifier's size
 */
export async function recogniseThings(
  pixels: Uint8Array,
  placements: readonly Placement[],
  classifier: Classifier,
): Promise<Recognised> {
  const { pictureSize: side, classes } = classifier;
  const size = { width: side, height: side };
  const image = { ...size, channels: 3 as const, data: pixels };
  const crops = placements.map((placement) => cropTo(image, getPlace(placement, side), size).data);
  const verdicts = await classifier.classify(crops);
  const right = placements.filter(
    ({ thing }, i) => argMax(verdicts[i]!.answers.thing) === classOf(classes, "thing", thing),
  );
  return { things: placements.length, right: right.length };
}

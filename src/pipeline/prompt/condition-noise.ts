// The noise that a request puts on what its prompt says: of its own for each image, from Nishiki's generator, whatever
// generator draws the latents.
import { addConditionNoise, getConditionShare } from "../../diffusion/index.js";
import { random } from "../../random/index.js";
import type { ImageSettings } from "../image-request.js";
import type { Conditioning } from "../plan.js";

/** A part of a condition, at a step. */
export interface ConditionPlace {
  readonly conditioning: Conditioning;
  /** Which of its arrays: "states", or "vector". */
  readonly part: string;
  /** The step, from 0, and how much of the whole schedule remains: 1 before the first step. */
  readonly step: number;
  readonly timeLeft: number;
  /** Which numbers are used. Default: all. */
  readonly isUsed?: (index: number) => boolean;
}

export type ChangeCondition = (values: Float32Array, place: ConditionPlace) => Float32Array;

/** Settings that noise conditions. */
export type NoisySettings = Pick<ImageSettings, "cads" | "promptSpread">;

/**
 * What changes the conditions of the image with this seed; undefined if nothing does. The negative prompt is left alone:
 * guidance moves away from it, whatever noise there is.
 */
export function makeConditionNoise(
  { cads, promptSpread }: NoisySettings,
  seed: number,
): ChangeCondition | undefined {
  if (!cads && !promptSpread) return undefined;
  return (values, { conditioning, part, step, timeLeft, isUsed }) => {
    if (conditioning === "uncond") return values;
    let changed = values;
    if (promptSpread) {
      const noise = random(seed, "prompt spread", conditioning, part).normals(values.length);
      changed = addConditionNoise(changed, 1 - promptSpread ** 2, { scale: 1, mixing: 1 }, noise, isUsed);
    }
    const share = cads ? getConditionShare(timeLeft, cads) : 1;
    if (!cads || share === 1) return changed;
    const noise = random(seed, "cads", conditioning, part, step).normals(values.length);
    return addConditionNoise(changed, share, cads, noise, isUsed);
  };
}

/** How much of a schedule remains before a step, of those that are taken; a run that starts from an image begins below 1. */
export const getTimeLeft = (step: number, taken: number, all: number): number => (taken - step) / all;

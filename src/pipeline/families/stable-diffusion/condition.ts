// What one row of an evaluation is conditioned on: the text of a step, and the noise that the request puts on it.
import type { ImageSettings } from "../../image-request.js";
import type { Conditioning } from "../../plan.js";
import { getOf } from "../../prompt/composition.js";
import { getTimeLeft, makeConditionNoise } from "../../prompt/condition-noise.js";
import type { TextConditioning } from "../../prompt/encode-clip.js";
import { getScheduledPart } from "../../prompt/prompt-editing.js";
import type { ConditioningSchedule } from "./conditioning.js";

/** A row of an evaluation: a conditioning, as its prompt reads in this step. */
export interface Condition {
  readonly conditioning: Conditioning;
  readonly text: TextConditioning;
  /** Differs between variants of a prompt. */
  readonly key: string;
}

export const getCondition =
  (
    schedules: ConditioningSchedule,
    step: number,
    change: (text: TextConditioning, of: Conditioning) => TextConditioning,
  ) =>
  (conditioning: Conditioning): Condition => {
    const schedule = getOf(schedules, conditioning);
    const part = schedule.findIndex(({ until }) => step < until);
    const text = change(getScheduledPart(schedule, step), conditioning);
    return { conditioning, text, key: `${conditioning} ${part}` };
  };

/** The noise on the prompts of the image with this seed; DeepCache's features stay those of the step that computed them. */
export function makeTextNoise(settings: ImageSettings, seed: number, taken: number, all: number) {
  const change = makeConditionNoise(settings, seed);
  return (step: number) => (text: TextConditioning, conditioning: Conditioning) => {
    if (!change) return text;
    const place = { conditioning, step, timeLeft: getTimeLeft(step, taken, all) };
    return {
      ...text,
      states: change(text.states, { ...place, part: "states" }),
      ...(text.vector && { vector: change(text.vector, { ...place, part: "vector" }) }),
    };
  };
}

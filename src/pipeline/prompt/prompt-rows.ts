// What each row of an evaluation is conditioned on, for stages whose prompts change while they are drawn, or have parts.
import type { Denoiser } from "../../diffusion/index.js";
import type { ImageSettings } from "../image-request.js";
import type { Conditioning } from "../plan.js";
import { type Conditionings, getOf, nameConditioning, nameParts, splitComposition } from "./composition.js";
import { getScheduledPart, getStepAt, type Scheduled, schedulePrompt } from "./prompt-editing.js";

/** A row of an evaluation: a conditioning, and what it says in this step. */
export interface PromptRow<T> {
  readonly conditioning: Conditioning;
  readonly value: T;
}

export type PromptSchedules<T> = Conditionings<Scheduled<T>>;

/** The texts of a request's prompts over the steps that a stage takes. @throws NishikiError "usage" */
export const schedulePrompts = (
  { prompt, negativePrompt }: Pick<ImageSettings, "prompt" | "negativePrompt">,
  steps: number,
): PromptSchedules<string> =>
  nameParts(
    splitComposition(prompt).map(({ text }) => schedulePrompt(text, steps)),
    schedulePrompt(negativePrompt, steps),
  );

/** The same schedules with other values. */
export const mapSchedules = <T, U>(
  schedules: PromptSchedules<T>,
  change: (value: T, conditioning: Conditioning) => U,
): PromptSchedules<U> =>
  Object.fromEntries(
    Object.entries(schedules).map(([conditioning, parts]) => [
      conditioning,
      parts.map(({ until, value }) => ({ until, value: change(value, conditioning as Conditioning) })),
    ]),
  ) as unknown as PromptSchedules<U>;

/** What changes a value in a step, counted from 0, such as noise on what the prompt says. */
export type ChangeRow<T> = (row: PromptRow<T>, step: number) => T;

/**
 * A denoiser that knows conditions by their names, from one that takes what they say.
 * @param sigmas The noise levels of the stage's steps.
 */
export function atSteps<T>(
  denoise: Denoiser<PromptRow<T>>,
  schedules: PromptSchedules<T>,
  sigmas: readonly number[],
  change?: ChangeRow<T>,
): Denoiser<Conditioning> {
  return (x, sigma, conditions, signal) => {
    const step = getStepAt(sigmas, sigma);
    const rows = conditions.map((conditioning) => {
      const row = { conditioning, value: getScheduledPart(getOf(schedules, conditioning), step) };
      return change ? { conditioning, value: change(row, step) } : row;
    });
    return denoise(x, sigma, rows, signal);
  };
}

/** How much each row counts in what guidance does not combine; undefined for a plain prompt, whose own row counts alone. */
export function getRowShares(prompt: string): ((row: PromptRow<unknown>) => number) | undefined {
  const parts = splitComposition(prompt);
  if (parts.length === 1) return undefined;
  const shares = new Map<Conditioning, number>(
    parts.map(({ weight }, i) => [nameConditioning(i), Math.max(0, weight)]),
  );
  return ({ conditioning }) => shares.get(conditioning) ?? 0;
}

// The noise levels of a run: `steps` sigmas that decrease from the schedule's largest, and then 0.

import { NishikiError, unknownName } from "../errors.js";
import { getBetaQuantile } from "./beta-distribution.js";
import type { NoiseSchedule } from "./noise-schedules.js";

export type StepScheduleName =
  | "simple"
  | "uniform"
  | "leading"
  | "sgm-uniform"
  | "karras"
  | "exponential"
  | "beta";

export interface StepScheduleInfo {
  readonly label: string;
  /** Names in other programs. */
  readonly aliases: readonly string[];
  readonly getSigmas: (steps: number, schedule: NoiseSchedule) => number[];
}

/** Every step schedule by name. */
export const stepSchedules: Readonly<Record<StepScheduleName, StepScheduleInfo>> = {
  simple: { label: "Simple", aliases: ["trailing", "linear"], getSigmas: getSimpleSigmas },
  uniform: { label: "Uniform", aliases: ["normal", "linspace"], getSigmas: getUniformSigmas },
  leading: { label: "DDIM uniform", aliases: ["ddim-uniform", "ddim_uniform"], getSigmas: getLeadingSigmas },
  "sgm-uniform": {
    label: "SGM Uniform",
    aliases: ["sgm_uniform", "sgm uniform"],
    getSigmas: getSgmUniformSigmas,
  },
  karras: { label: "Karras", aliases: [], getSigmas: getKarrasSigmas },
  exponential: { label: "Exponential", aliases: [], getSigmas: getExponentialSigmas },
  beta: { label: "Beta", aliases: [], getSigmas: getBetaSigmas },
};

/**
 * Gets a step schedule by name or alias, ignoring case; an unknown name is a `usage` error with the choices.
 */
export function getStepSchedule(name: string): StepScheduleInfo {
  const lower = name.toLowerCase();
  for (const [key, info] of Object.entries(stepSchedules)) {
    const names = [key, info.label.toLowerCase(), ...info.aliases];
    if (names.includes(lower)) return info;
  }
  throw unknownName("step schedule", name, Object.keys(stepSchedules));
}

/**
 * Even in the schedule's time, each step as long as the last one down to 0: the "trailing" spacing that Lin
 * et al. 2023 (arXiv 2305.08891, section 3.3) recommend, and the usual one for flows.
 */
export function getSimpleSigmas(steps: number, schedule: NoiseSchedule): number[] {
  return descend(steps, (i) => schedule.sigmaAt(1 - i / steps));
}

/** Even in the schedule's time from its noisiest level to its cleanest, and then 0. */
export function getUniformSigmas(steps: number, schedule: NoiseSchedule): number[] {
  const cleanest = 1 / schedule.levels;
  return descend(steps, (_, ramp) => schedule.sigmaAt(1 + ramp * (cleanest - 1)));
}

/**
 * Multiples of a whole number of training times, from near the noisiest to the second cleanest, and then 0.
 */
export function getLeadingSigmas(steps: number, schedule: NoiseSchedule): number[] {
  const ratio = Math.floor(schedule.levels / steps);
  const first = ratio > 1 ? 2 : 1;
  return descend(steps, (i) => schedule.sigmaAt(((steps - 1 - i) * ratio + first) / schedule.levels));
}

/** Even in the schedule's time from its noisiest level to its cleanest, which is omitted, and then 0. */
export function getSgmUniformSigmas(steps: number, schedule: NoiseSchedule): number[] {
  const cleanest = 1 / schedule.levels;
  return descend(steps, (i) => schedule.sigmaAt(1 + (i / steps) * (cleanest - 1)));
}

/**
 * Quantiles over sigma of the beta distribution with both parameters 0.6: most steps at both ends (Lee et al.
 * 2024, arXiv 2407.12173).
 */
export function getBetaSigmas(
  steps: number,
  { sigmaMin, sigmaMax }: Pick<NoiseSchedule, "sigmaMin" | "sigmaMax">,
): number[] {
  return descend(steps, (_, ramp) => sigmaMin + getBetaQuantile(1 - ramp, 0.6, 0.6) * (sigmaMax - sigmaMin));
}

/**
 * Karras et al. 2022 (arXiv 2206.00364), equation 5: even in sigma^(1/rho); a larger rho puts more steps near
 * 0.
 */
export function getKarrasSigmas(
  steps: number,
  { sigmaMin, sigmaMax }: Pick<NoiseSchedule, "sigmaMin" | "sigmaMax">,
  rho = 7,
): number[] {
  const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
  return descend(steps, (_, ramp) => (high + ramp * (low - high)) ** rho);
}

/** Even in log sigma from the largest to the smallest, and then 0. */
export function getExponentialSigmas(
  steps: number,
  { sigmaMin, sigmaMax }: Pick<NoiseSchedule, "sigmaMin" | "sigmaMax">,
): number[] {
  return descend(steps, (_, ramp) => sigmaMax * (sigmaMin / sigmaMax) ** ramp);
}

/**
 * Lists `steps` sigmas and a 0; `ramp` goes from 0 at the first sigma to 1 at the last (0 if there is only
 * one).
 */
function descend(steps: number, sigmaOf: (i: number, ramp: number) => number): number[] {
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new NishikiError("usage", `steps: expected a whole number from 1, got ${steps}.`);
  const sigmas = Array.from({ length: steps }, (_, i) => sigmaOf(i, i / Math.max(1, steps - 1)));
  if (sigmas.some((sigma, i) => i > 0 && !(sigma < sigmas[i - 1]!)))
    throw new NishikiError(
      "usage",
      `steps: this noise schedule cannot distinguish ${steps} levels; use fewer steps.`,
    );
  return [...sigmas, 0];
}

// The times of the steps by each of diffusers' rules, and their noise levels. Facts of diffusers 0.42
// (src/diffusers/schedulers/scheduling_*.py); spacings follow Lin et al. 2023 (arXiv 2305.08891), table 2.
import { NishikiError } from "../errors.js";
import type { NoiseSchedule } from "./noise-schedules.js";
import type { SamplerSettings, Spacing } from "./trained-scheduler.js";

/** Python's round: halves round to even. */
export function roundEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * Gets the times of the steps, noisiest first, in training units; halves follow from float64 multiples of the
 * stride.
 */
export function getTimes(
  { rule, schedule: { levels }, endTime, stepsOffset }: SamplerSettings,
  steps: number,
  spacing: Spacing,
): number[] {
  const range = (count: number, at: (i: number) => number) => Array.from({ length: count }, (_, i) => at(i));
  const parts = rule === "solver" ? steps + 1 : steps;
  switch (spacing) {
    case "linspace": {
      const round = rule === "euler" ? (time: number) => time : roundEven;
      const stride = (endTime - 1) / Math.max(1, parts - 1);
      return range(steps, (i) => round((parts - 1 - i) * stride));
    }
    case "leading": {
      const ratio = Math.floor(endTime / parts);
      return range(steps, (i) => (parts - 1 - i) * ratio + stepsOffset);
    }
    case "trailing": {
      const stride = levels - (levels - levels / steps); // with the rounding of numpy's arange
      return range(steps, (i) => roundEven(levels - i * stride) - 1);
    }
  }
}

/** The scaled time above which the input's share in a consistency model's output is negligible. */
const LEAST_SCALED_TIME = 50;

/**
 * Gets a consistency model's times: a subset of those it was distilled at, limited to the share `strength`
 * for img2img.
 * @throws NishikiError "usage"
 */
export function getConsistencyTimes(
  { schedule: { levels }, distilledSteps, timestepScaling, hasShare }: SamplerSettings,
  steps: number,
  strength: number,
): number[] {
  const known = Math.trunc(distilledSteps * strength);
  const ratio = Math.floor(levels / distilledSteps);
  if (steps > known) {
    const share = strength < 1 ? `, of which strength ${strength} leaves ${known}` : "";
    const message = `steps: this model was distilled to at most ${distilledSteps} steps${share}, got ${steps}.`;
    throw new NishikiError("usage", message);
  }
  const times = Array.from(
    { length: steps },
    (_, i) => (known - Math.floor((i * known) / steps)) * ratio - 1,
  );
  if (hasShare && times.at(-1)! * timestepScaling < LEAST_SCALED_TIME) {
    const message = `steps: ${steps} steps reach too close to the end of this consistency model; use fewer.`;
    throw new NishikiError("usage", message);
  }
  return times;
}

/** Gets sigma at a training time; interpolates between times for samplers that support it. */
export function interpolateSigma(schedule: NoiseSchedule, time: number, between: boolean): number {
  const at = (t: number) => schedule.sigmaAt((t + 1) / schedule.levels);
  const low = Math.floor(time);
  if (!between || low === time) return at(time);
  return at(low) + (time - low) * (at(low + 1) - at(low));
}

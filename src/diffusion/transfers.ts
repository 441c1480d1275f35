// How DDIM and PNDM walk over training's times in diffusers: every step goes down by a whole number of times, whatever the next
// step's time is. Where a spacing rounds otherwise, what was brought to one level is taken for another.
import type { Transfer } from "./samplers/sampler.js";
import { interpolateSigma } from "./step-times.js";
import type { SamplerSettings } from "./trained-scheduler.js";

/** The levels at and around the times of a run of `steps` steps in all. */
function makeWalk({ schedule, endsClean }: SamplerSettings, steps: number) {
  const stride = Math.floor(schedule.levels / steps);
  const clean = endsClean ? 0 : schedule.sigmaMin;
  const level = (time: number) =>
    time < 0 ? clean : interpolateSigma(schedule, Math.min(time, schedule.levels - 1), false);
  return {
    /** From a time's level to that of one stride less. */
    down: (time: number): Transfer => ({ at: level(time), from: level(time), to: level(time - stride) }),
    /** Evaluated at a time, from one stride more. */
    again: (time: number): Transfer => ({ at: level(time), from: level(time + stride), to: level(time) }),
  };
}

/** One transfer for each of the times from `skipped` on. */
export function getDdimTransfers(
  settings: SamplerSettings,
  times: readonly number[],
  skipped: number,
): Transfer[] {
  return times.slice(skipped).map(makeWalk(settings, times.length).down);
}

/**
 * PNDM's evaluations: its first step takes two, the second at the next time, from where it goes once more.
 *
 * From an image, diffusers drops the first entries of a list that holds the second time twice. So a run begins one time earlier
 * than other samplers' and its second evaluation stands at the following time; x stays where the first step began and is taken
 * for one stride less.
 */
export function getPndmTransfers(
  settings: SamplerSettings,
  times: readonly number[],
  skipped: number,
): Transfer[] {
  const { down, again } = makeWalk(settings, times.length);
  const twice = times.length > 1 ? [...times.slice(0, 2), ...times.slice(1)] : times;
  return twice.slice(skipped).map((time, i) => (i === 1 ? again(time) : down(time)));
}

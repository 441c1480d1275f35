// DDIM and PNDM step over training times as in diffusers: every step goes down by a fixed whole number of
// times, whatever the next step's time is. Where a spacing rounds differently, latents of one level count as
// those of another.
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
    /** Moves from a time's level to that of one stride less. */
    down: (time: number): Transfer => ({ at: level(time), from: level(time), to: level(time - stride) }),
    /** Evaluates at a time, coming from one stride more. */
    again: (time: number): Transfer => ({ at: level(time), from: level(time + stride), to: level(time) }),
  };
}

/** Makes one transfer for each time from `skipped` on. */
export function getDdimTransfers(
  settings: SamplerSettings,
  times: readonly number[],
  skipped: number,
): Transfer[] {
  return times.slice(skipped).map(makeWalk(settings, times.length).down);
}

/**
 * Makes PNDM's evaluations: its first step takes two, the second at the next time, and repeats the move from
 * there.
 *
 * For img2img, diffusers drops the first entries of a list that contains the second time twice. So a run
 * begins one time earlier than with other samplers, and its second evaluation is at the following time; x
 * stays where the first step began and counts as one stride less.
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

// Plans a run as each of diffusers' schedulers does: its noise levels, and the network's time at each.
import { NishikiError } from "../errors.js";
import { getPredictionFrame } from "./denoisers.js";
import type { NoiseSchedule } from "./noise-schedules.js";
import type { SamplerOptions, Transfer } from "./samplers/sampler.js";
import type { SamplerName } from "./samplers/table.js";
import {
  getBetaSigmas,
  getExponentialSigmas,
  getKarrasSigmas,
  type StepScheduleName,
} from "./step-schedules.js";
import { getConsistencyTimes, getTimes, interpolateSigma, roundEven } from "./step-times.js";
import {
  getSamplerSettings,
  type SamplerSettings,
  type Spacing,
  type TrainedScheduler,
} from "./trained-scheduler.js";
import { getDdimTransfers, getPndmTransfers } from "./transfers.js";

/** The input of a plan. */
export interface StepRequest {
  readonly sampler: SamplerName;
  /** A name that is not a spacing selects levels by sigma. Default: as the model was published. */
  readonly stepSchedule?: StepScheduleName | undefined;
  readonly steps: number;
  /** The training times of the steps, noisiest first, instead of a schedule: as many as there are steps. */
  readonly times?: readonly number[] | undefined;
  /** The share of the schedule that img2img runs, in (0, 1]. Default 1. */
  readonly strength?: number;
}

/** The noise levels of a run, and the network's time at each. */
export interface StepPlan {
  /** One more than there are steps; the first is where the run begins. */
  readonly sigmas: readonly number[];
  /** The schedule with the exact times of these levels. */
  readonly schedule: NoiseSchedule;
  /** Scales unit noise to the initial latents of text-to-image. */
  readonly noiseScale: number;
  /** Scales the final latents: those that end with noise stay in the network's scale. */
  readonly finalScale: number;
  /**
   * Gets the noise level of the area outside a mask while the network is evaluated at a level. Default: that
   * level.
   */
  readonly getMaskSigma?: (sigma: number) => number;
  /** Options that the sampler needs for this plan. */
  readonly options: PlannedOptions;
}

/** The sampler options that a plan determines. */
export type PlannedOptions = Pick<
  SamplerOptions<unknown>,
  | "order"
  | "lowerOrderFinal"
  | "totalSteps"
  | "skippedSigmas"
  | "transfers"
  | "frame"
  | "timeParametrization"
  | "timeFraction"
  | "endsNoisy"
  | "roundsBeta"
  | "roundsPosterior"
>;

/** Step schedules that are spacings of time. */
const spacingNames: Partial<Record<StepScheduleName, Spacing>> = {
  simple: "trailing",
  uniform: "linspace",
  leading: "leading",
};

/** Step schedules that are spacings of sigma. */
const sigmaSchedules: Partial<Record<StepScheduleName, typeof getBetaSigmas>> = {
  karras: getKarrasSigmas,
  exponential: getExponentialSigmas,
  beta: getBetaSigmas,
};

/** diffusers' single-step solvers support only one spacing. */
const singles: ReadonlySet<SamplerName> = new Set(["dpmpp-2s", "dpmpp-3s"]);

/** Noise levels and times of all steps. */
interface Levels {
  readonly sigmas: readonly number[];
  readonly times: readonly number[];
  readonly spacing: Spacing;
  /** Whether the levels lie at whole training times, as spacings place them. */
  readonly isSpaced: boolean;
}

/**
 * Plans the noise levels of a sampler as diffusers' scheduler of that name does.
 * @throws NishikiError "usage" for too many distinct steps, "checkpoint" for an unsupported config
 */
export function planSteps(trained: TrainedScheduler, request: StepRequest): StepPlan {
  const { sampler, steps, strength = 1 } = request;
  const settings = getSamplerSettings(trained, sampler);
  // Pipelines of consistency models fit all steps into the remaining share.
  const isWithin = settings.rule === "consistency" && trained.pipeline === "consistency";
  const levels = layLevels(settings, request, isWithin ? strength : 1);
  const skipped = isWithin ? 0 : Math.max(0, steps - Math.trunc(steps * strength));
  // A list of times says where each step ends, too.
  const transfers = request.times ? undefined : getTransfers(settings, request, levels, skipped);
  const last = getLast(settings, sampler, levels);
  const sigmas = transfers ? getTransferSigmas(transfers, sampler) : [...levels.sigmas.slice(skipped), last];
  const isScaled = settings.rule === "euler"; // such samplers store x itself, in diffusers too
  const first = levels.sigmas[0]!;
  return {
    sigmas,
    schedule: withTimes(settings.schedule, levels),
    noiseScale: isScaled && levels.spacing !== "leading" ? first : Math.sqrt(first ** 2 + 1),
    finalScale: isScaled
      ? 1
      : settings.schedule.alphaOf(transfers?.at(-1)?.to ?? last) *
        (settings.roundsBeta ? getRoundedEnd(settings.schedule) : 1),
    ...(sampler.startsWith("dpm2") && { getMaskSigma: (sigma) => nextLevel(sigmas, sigma) }),
    options: {
      totalSteps: steps,
      order: settings.order,
      lowerOrderFinal: settings.lowerOrderFinal,
      skippedSigmas: levels.sigmas.slice(0, skipped),
      timeParametrization: "sigma",
      ...(settings.roundsBeta && { roundsBeta: true }),
      ...(settings.roundsPosterior && { roundsPosterior: true }),
      endsNoisy: levels.times.at(-1) !== 0,
      timeFraction: getTimeFraction(settings.schedule),
      ...(transfers && { transfers }),
      ...(trained.prediction === "v" && { frame: getPredictionFrame("v", settings.schedule) }),
    },
  };
}

/**
 * UnCLIPScheduler's last step weighs x̂0 by the first beta over 1 - (1 - beta), which float32 rounds to another number: a
 * factor of about 0.9995.
 */
function getRoundedEnd({ sigmaMin }: NoiseSchedule): number {
  const beta = Math.fround(sigmaMin ** 2 / (1 + sigmaMin ** 2));
  return Math.fround(beta / Math.fround(1 - Math.fround(1 - beta)));
}

/** DPM2 evaluates between two levels, where diffusers noises the image to the lower one. */
const nextLevel = (sigmas: readonly number[], sigma: number) =>
  sigmas.find((level) => level <= sigma * (1 + 1e-9))!;

function layLevels(
  settings: SamplerSettings,
  { sampler, stepSchedule: requested, steps, times: listed }: StepRequest,
  strength: number,
): Levels {
  const { schedule, rule } = settings;
  if (listed) return listLevels(settings, listed, steps);
  const stepSchedule = requested ?? settings.stepSchedule;
  const publishedSpacing = singles.has(sampler) ? "linspace" : settings.spacing;
  const spacing = (stepSchedule && spacingNames[stepSchedule]) ?? publishedSpacing;
  const isBetween = rule === "euler" || stepSchedule === "sgm-uniform";
  const times =
    rule === "consistency"
      ? getConsistencyTimes(settings, steps, strength)
      : stepSchedule === "sgm-uniform"
        ? Array.from({ length: steps }, (_, i) => (schedule.levels - 1) * (1 - i / steps))
        : getTimes(settings, steps, spacing);
  const isSpaced = stepSchedule === undefined || spacingNames[stepSchedule] !== undefined;
  const spaced = {
    times,
    spacing,
    isSpaced,
    sigmas: times.map((time) => interpolateSigma(schedule, time, isBetween)),
  };
  const getSigmas = stepSchedule && sigmaSchedules[stepSchedule];
  const levels = getSigmas ? layBySigma(settings, sampler, stepSchedule, spaced) : spaced;
  if (levels.sigmas.some((sigma, i) => i > 0 && !(sigma < levels.sigmas[i - 1]!))) {
    const message = `steps: this model's noise schedule cannot distinguish ${steps} levels; use fewer steps.`;
    throw new NishikiError("usage", message);
  }
  return levels;
}

/** The levels of a list of times. */
function listLevels({ schedule, spacing }: SamplerSettings, times: readonly number[], steps: number): Levels {
  const fault = findTimesFault(times, schedule.levels);
  if (fault) throw new NishikiError("usage", `timesteps: ${fault}.`);
  if (times.length !== steps)
    throw new NishikiError(
      "usage",
      `steps: expected ${times.length}, one for each of the timesteps, got ${steps}.`,
    );
  const sigmas = times.map((time) => interpolateSigma(schedule, time, false));
  return { times, sigmas, spacing: spacing === "leading" ? "trailing" : spacing, isSpaced: true };
}

/** What is wrong with a list of training times; undefined if it is one. */
function findTimesFault(times: readonly number[], levels: number): string | undefined {
  const isTime = (time: number) => Number.isSafeInteger(time) && time >= 0 && time < levels;
  const other = times.find((time) => !isTime(time));
  if (other !== undefined) return `expected whole numbers from 0 to ${levels - 1}, got ${other}`;
  const at = times.findIndex((time, i) => i > 0 && time >= times[i - 1]!);
  if (at > 0) return `expected falling numbers, got ${times[at]} after ${times[at - 1]}`;
  return times.length === 0 ? "expected at least one number, got none" : undefined;
}

function layBySigma(
  settings: SamplerSettings,
  sampler: SamplerName,
  name: StepScheduleName,
  spaced: Levels,
): Levels {
  const { schedule, rule, roundsTimes } = settings;
  const isSolver = rule === "solver";
  // Only LMS applies no limits, and only with Karras levels.
  const isFree = sampler === "lms" && name === "karras";
  const limit = (value: number | undefined) => (isFree ? undefined : value);
  const range = {
    sigmaMax: limit(settings.sigmaMax) ?? (isSolver ? schedule.sigmaMax : spaced.sigmas[0]!),
    sigmaMin: limit(settings.sigmaMin) ?? (isSolver ? schedule.sigmaMin : spaced.sigmas.at(-1)!),
  };
  const sigmas = sigmaSchedules[name]!(spaced.times.length, range).slice(0, -1);
  // Multistep solvers (and DPM2, for one schedule) get whole times. diffusers rounds them for one schedule
  // and truncates them for the others, where its float32 logarithms keep the noisiest just short of the last
  // time.
  const cut = (time: number) => Math.max(0, Math.floor(time - 1e-6));
  const isRounded = name === "karras" && roundsTimes;
  const isWhole = isSolver || (name === "karras" && sampler.startsWith("dpm2"));
  const round = !isWhole ? (time: number) => time : isRounded ? roundEven : cut;
  const times = sigmas.map((sigma) => round(schedule.timeOf(sigma)));
  return { ...spaced, sigmas, times, isSpaced: false };
}

/** Gets the last level, after these. */
function getLast(
  { schedule, rule, endsClean }: SamplerSettings,
  sampler: SamplerName,
  levels: Levels,
): number {
  if (endsClean) return 0;
  const before = levels.sigmas.at(-1)!;
  // UniPC and DEIS stay at the last level of a schedule over sigma, as does a run that is already at the
  // cleanest level.
  const stays = !levels.isSpaced && (sampler.startsWith("unipc") || sampler === "deis");
  if (!stays && before > schedule.sigmaMin * (1 + 1e-9)) return schedule.sigmaMin;
  return rule === "ddim" && !levels.isSpaced ? 0 : before * (1 - 1e-12);
}

function getTransfers(
  settings: SamplerSettings,
  { sampler }: StepRequest,
  { times, isSpaced }: Levels,
  skipped: number,
): Transfer[] | undefined {
  if (!isSpaced) return undefined;
  if (sampler === "ddim") return getDdimTransfers(settings, times, skipped);
  return sampler === "pndm" ? getPndmTransfers(settings, times, skipped) : undefined;
}

/** The levels at which transfers begin, one per step: PNDM's first step takes two. */
function getTransferSigmas(transfers: readonly Transfer[], sampler: SamplerName): number[] {
  const levels = transfers.map(({ at }) => at);
  if (sampler === "pndm") levels.splice(1, 1);
  // Sigmas decrease; the level at which x ends is the last transfer's.
  return [...levels, Math.min(transfers.at(-1)!.to, levels.at(-1)! * (1 - 1e-12))];
}

/** Gets the level at the whole training time that is a share of a level's time. */
function getTimeFraction(schedule: NoiseSchedule): (sigma: number, share: number) => number {
  return (sigma, share) =>
    interpolateSigma(schedule, Math.floor((1 - share) * schedule.timeOf(sigma) + 1e-6), false);
}

/** Restores the exact time of each level for the network if rounding has moved it. */
function withTimes(schedule: NoiseSchedule, { sigmas, times }: Levels): NoiseSchedule {
  const known = new Map(times.map((time, i) => [sigmas[i]!, time]));
  return { ...schedule, timeOf: (sigma) => known.get(sigma) ?? schedule.timeOf(sigma) };
}

// The noise levels at which each of diffusers' schedulers stops for a number of steps, and what the network gets there.
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

/** What a plan is made for. */
export interface StepRequest {
  readonly sampler: SamplerName;
  /** A name that is not a spacing lays levels by their sigmas. Left out: as the model was published. */
  readonly stepSchedule?: StepScheduleName | undefined;
  readonly steps: number;
  /** The share of the way that is left to go from an image, in (0, 1]. Default 1. */
  readonly strength?: number;
}

/** The noise levels of a run, and what the network gets at each. */
export interface StepPlan {
  /** From where the run begins; one more than there are steps. */
  readonly sigmas: readonly number[];
  /** The schedule with the very times of these levels. */
  readonly schedule: NoiseSchedule;
  /** Sampling from noise alone begins with unit noise times this. */
  readonly noiseScale: number;
  /** The factor of the last latents: those that end under noise stay in the network's own scale. */
  readonly finalScale: number;
  /** The noise level of what a mask keeps, while the network is evaluated at a level. Left out: that level. */
  readonly getMaskSigma?: (sigma: number) => number;
  /** What the sampler must know of the plan. */
  readonly options: PlannedOptions;
}

/** The options of samplers that a plan decides. */
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

/** diffusers' single-step solvers know one spacing. */
const singles: ReadonlySet<SamplerName> = new Set(["dpmpp-2s", "dpmpp-3s"]);

/** Noise levels and times of all steps. */
interface Levels {
  readonly sigmas: readonly number[];
  readonly times: readonly number[];
  readonly spacing: Spacing;
  /** Whether the levels are those of whole times of training, as a spacing lays them. */
  readonly isSpaced: boolean;
}

/**
 * The noise levels at which a sampler stops, as diffusers' scheduler of that name does.
 * @throws NishikiError "usage" for steps that cannot be told apart, "checkpoint" for a config that is not supported
 */
export function planSteps(trained: TrainedScheduler, request: StepRequest): StepPlan {
  const { sampler, steps, strength = 1 } = request;
  const settings = getSamplerSettings(trained, sampler);
  // A pipeline of consistency models lays all steps within the share that is left.
  const isWithin = settings.rule === "consistency" && trained.pipeline === "consistency";
  const levels = layLevels(settings, request, isWithin ? strength : 1);
  const skipped = isWithin ? 0 : Math.max(0, steps - Math.trunc(steps * strength));
  const transfers = getTransfers(settings, request, levels, skipped);
  const last = getLast(settings, sampler, levels);
  const sigmas = transfers ? getTransferSigmas(transfers, sampler) : [...levels.sigmas.slice(skipped), last];
  const isScaled = settings.rule === "euler"; // such samplers hold x itself, in diffusers too
  const first = levels.sigmas[0]!;
  return {
    sigmas,
    schedule: withTimes(settings.schedule, levels),
    noiseScale: isScaled && levels.spacing !== "leading" ? first : Math.sqrt(first ** 2 + 1),
    finalScale: isScaled ? 1 : settings.schedule.alphaOf(transfers?.at(-1)?.to ?? last),
    ...(sampler.startsWith("dpm2") && { getMaskSigma: (sigma) => nextLevel(sigmas, sigma) }),
    options: {
      totalSteps: steps,
      order: settings.order,
      lowerOrderFinal: settings.lowerOrderFinal,
      skippedSigmas: levels.sigmas.slice(0, skipped),
      timeParametrization: "sigma",
      timeFraction: getTimeFraction(settings.schedule),
      ...(transfers && { transfers }),
      ...(trained.prediction === "v" && { frame: getPredictionFrame("v", settings.schedule) }),
    },
  };
}

/** DPM2 evaluates between two levels, where diffusers keeps the image under the noise of the lower one. */
const nextLevel = (sigmas: readonly number[], sigma: number) =>
  sigmas.find((level) => level <= sigma * (1 + 1e-9))!;

function layLevels(
  settings: SamplerSettings,
  { sampler, stepSchedule: requested, steps }: StepRequest,
  strength: number,
): Levels {
  const { schedule, rule } = settings;
  const stepSchedule = requested ?? settings.stepSchedule;
  const own = singles.has(sampler) ? "linspace" : settings.spacing;
  const spacing = (stepSchedule && spacingNames[stepSchedule]) ?? own;
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
    const message = `steps: ${steps} are more than this model's noise schedule can tell apart; take fewer.`;
    throw new NishikiError("usage", message);
  }
  return levels;
}

function layBySigma(
  settings: SamplerSettings,
  sampler: SamplerName,
  name: StepScheduleName,
  spaced: Levels,
): Levels {
  const { schedule, rule, roundsTimes } = settings;
  const isSolver = rule === "solver";
  // LMS is the one that asks for no limits, and only with Karras's levels.
  const isFree = sampler === "lms" && name === "karras";
  const limit = (value: number | undefined) => (isFree ? undefined : value);
  const range = {
    sigmaMax: limit(settings.sigmaMax) ?? (isSolver ? schedule.sigmaMax : spaced.sigmas[0]!),
    sigmaMin: limit(settings.sigmaMin) ?? (isSolver ? schedule.sigmaMin : spaced.sigmas.at(-1)!),
  };
  const sigmas = sigmaSchedules[name]!(spaced.times.length, range).slice(0, -1);
  // Multistep solvers (and DPM2, for one schedule) get whole times, which diffusers rounds for one schedule and cuts for
  // the others, where its float32 logarithms keep the noisiest just short of the last time.
  const cut = (time: number) => Math.max(0, Math.floor(time - 1e-6));
  const isRounded = name === "karras" && roundsTimes;
  const isWhole = isSolver || (name === "karras" && sampler.startsWith("dpm2"));
  const round = !isWhole ? (time: number) => time : isRounded ? roundEven : cut;
  const times = sigmas.map((sigma) => round(schedule.timeOf(sigma)));
  return { ...spaced, sigmas, times, isSpaced: false };
}

/** The last level, after these. */
function getLast(
  { schedule, rule, endsClean }: SamplerSettings,
  sampler: SamplerName,
  levels: Levels,
): number {
  if (endsClean) return 0;
  const before = levels.sigmas.at(-1)!;
  // UniPC and DEIS stay at the last level of a schedule over sigma. So does whoever is at the cleanest level already.
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

/** The levels that transfers are made at, one for each step: PNDM's first step takes two. */
function getTransferSigmas(transfers: readonly Transfer[], sampler: SamplerName): number[] {
  const levels = transfers.map(({ at }) => at);
  if (sampler === "pndm") levels.splice(1, 1);
  // Sigmas fall; the very level that x ends at is the last transfer's.
  return [...levels, Math.min(transfers.at(-1)!.to, levels.at(-1)! * (1 - 1e-12))];
}

/** The level at the whole time that is a share of a level's time earlier, in training's own times. */
function getTimeFraction(schedule: NoiseSchedule): (sigma: number, share: number) => number {
  return (sigma, share) =>
    interpolateSigma(schedule, Math.floor((1 - share) * schedule.timeOf(sigma) + 1e-6), false);
}

/** The schedule that tells the network the very time of each level, where rounding had moved it. */
function withTimes(schedule: NoiseSchedule, { sigmas, times }: Levels): NoiseSchedule {
  const known = new Map(times.map((time, i) => [sigmas[i]!, time]));
  return { ...schedule, timeOf: (sigma) => known.get(sigma) ?? schedule.timeOf(sigma) };
}

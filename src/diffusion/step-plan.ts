// The noise levels at which each of diffusers' schedulers stops for a number of steps, and what the network is told there. Facts of
// diffusers 0.42 (src/diffusers/schedulers/scheduling_*.py); spacings are those of Lin et al. 2023 (arXiv 2305.08891), table 2.
import { NishikiError } from "../errors.js";
import type { NoiseSchedule } from "./noise-schedules.js";
import type { SamplerOptions, Strides } from "./samplers/sampler.js";
import type { SamplerName } from "./samplers/table.js";
import {
  getBetaSigmas,
  getExponentialSigmas,
  getKarrasSigmas,
  type StepScheduleName,
} from "./step-schedules.js";
import type { Spacing, TrainedScheduler } from "./trained-scheduler.js";

/** The noise levels of a run, and what the network is told at each. */
export interface StepPlan {
  /** One more than there are steps. */
  readonly sigmas: readonly number[];
  /** The schedule with the very times of these levels. */
  readonly schedule: NoiseSchedule;
  /** Drawing from nothing begins with unit noise times this. */
  readonly noiseScale: number;
  /** What the last latents are multiplied with: those that end under noise stay in the network's own scale. */
  readonly finalScale: number;
  /** What the sampler must know of the plan. */
  readonly options: Pick<SamplerOptions<unknown>, "order" | "strides" | "wholeSteps">;
}

/** Python's round: halves go to the even neighbour. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Which of diffusers' rules a sampler's times follow. */
type Rule = "euler" | "solver" | "ddim" | "lcm";

const rules: Partial<Record<SamplerName, Rule>> = {
  ddim: "ddim",
  ddpm: "ddim",
  pndm: "ddim",
  lcm: "lcm",
  tcd: "lcm",
  "dpmpp-2s": "solver",
  "dpmpp-3s": "solver",
  "dpmpp-2m": "solver",
  "dpmpp-3m": "solver",
  "dpmpp-2m-sde": "solver",
  "dpmpp-2m-sde-heun": "solver",
  deis: "solver",
  unipc: "solver",
  "unipc-bh1": "solver",
};

/** Times of the steps, the noisiest first, in the training's units. */
function getTimes(rule: Rule, steps: number, { spacing, stepsOffset, schedule }: TrainedScheduler): number[] {
  const { levels } = schedule;
  const range = (count: number, at: (i: number) => number) => Array.from({ length: count }, (_, i) => at(i));
  if (rule === "lcm") return getConsistencyTimes(steps, levels);
  const parts = rule === "solver" ? steps + 1 : steps;
  switch (spacing) {
    case "linspace": {
      const round = rule === "euler" ? (time: number) => time : roundEven;
      return range(steps, (i) => round(((levels - 1) * (parts - 1 - i)) / Math.max(1, parts - 1)));
    }
    case "leading": {
      const ratio = Math.floor(levels / parts);
      return range(steps, (i) => (parts - 1 - i) * ratio + stepsOffset);
    }
    case "trailing":
      return range(steps, (i) => roundEven(levels - (i * levels) / steps) - 1);
  }
}

/** A distilled network's: some of the fifty times that it was distilled at. */
function getConsistencyTimes(steps: number, levels: number): number[] {
  const known = 50;
  if (steps > known) {
    throw new NishikiError(
      "usage",
      `steps: this model was distilled to at most ${known} steps, got ${steps}.`,
    );
  }
  const ratio = Math.floor(levels / known);
  return Array.from({ length: steps }, (_, i) => (known - Math.floor((i * known) / steps)) * ratio - 1);
}

/** The noise levels of a spacing by diffusers' rules. */
function planSpacing(trained: TrainedScheduler, sampler: SamplerName, steps: number) {
  const { schedule } = trained;
  const rule = rules[sampler] ?? "euler";
  const times = getTimes(rule, steps, trained);
  const sigmas = times.map((time) => interpolateSigma(schedule, time, rule === "euler"));
  return { rule, times, sigmas };
}

/** Whether a sampler ends at the cleanest level of training instead of at no noise. */
function keepsNoise({ endsClean, solversEndClean }: TrainedScheduler, sampler: SamplerName): boolean {
  if (sampler === "tcd" || sampler === "deis") return true;
  return walks.has(sampler) ? !endsClean : rules[sampler] === "solver" && !solversEndClean;
}

const walks: ReadonlySet<SamplerName> = new Set(["ddim", "pndm"]);

/** The last level, after these. */
function getLast(trained: TrainedScheduler, sampler: SamplerName, sigmas: readonly number[]): number {
  const { sigmaMin } = trained.schedule;
  if (!keepsNoise(trained, sampler)) return 0;
  const before = sigmas.at(-1)!;
  if (before > sigmaMin * (1 + 1e-9)) return sigmaMin;
  // A spacing whose last step is at the cleanest level already cannot end there; solvers then stay where they are.
  return rules[sampler] === "solver" ? before * (1 - 1e-12) : 0;
}

/**
 * DDIM's and PNDM's steps go down by a whole number of times, whatever the next step's time is. The trailing spacing rounds it
 * otherwise where the steps do not divide the times: what was brought to one level is taken for another, by one time at most.
 */
function getStrides(
  { schedule, endsClean }: TrainedScheduler,
  steps: number,
  timeOf: NoiseSchedule["timeOf"],
): Strides {
  const stride = Math.floor(schedule.levels / steps);
  const clean = endsClean ? 0 : schedule.sigmaMin;
  return {
    level: (sigma, count) => {
      const time = timeOf(sigma) - count * stride;
      return time < 0 ? clean : interpolateSigma(schedule, time, false);
    },
    carry: (from, to) => schedule.alphaOf(from) / schedule.alphaOf(to),
  };
}

/** Sigma at a time of training. Between two of them, it is interpolated where a sampler stops there. */
function interpolateSigma(schedule: NoiseSchedule, time: number, between: boolean): number {
  const at = (t: number) => schedule.sigmaAt((t + 1) / schedule.levels);
  const low = Math.floor(time);
  if (!between || low === time) return at(time);
  return at(low) + (time - low) * (at(low + 1) - at(low));
}

/** diffusers' single-step solvers know one spacing. */
const singles: ReadonlySet<SamplerName> = new Set(["dpmpp-2s", "dpmpp-3s"]);

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

/**
 * The noise levels at which a sampler stops, as diffusers' scheduler of that name does.
 * @param stepSchedule A name that is not a spacing lays levels by their sigmas; undefined: as the model was published.
 * @throws NishikiError "usage"
 */
export function planSteps(
  trained: TrainedScheduler,
  { sampler, stepSchedule, steps }: { sampler: SamplerName; stepSchedule?: StepScheduleName; steps: number },
): StepPlan {
  const { schedule } = trained;
  const own = singles.has(sampler) ? "linspace" : trained.spacing;
  const spacing = (stepSchedule && spacingNames[stepSchedule]) ?? own;
  const plan = planSpacing({ ...trained, spacing }, sampler, steps);
  if (stepSchedule === "sgm-uniform") {
    plan.times = Array.from({ length: steps }, (_, i) => (schedule.levels - 1) * (1 - i / steps));
    plan.sigmas = plan.times.map((time) => interpolateSigma(schedule, time, true));
  }
  const getSigmas = stepSchedule && sigmaSchedules[stepSchedule];
  if (getSigmas) {
    const whole = plan.rule === "solver";
    const range = {
      sigmaMax: whole ? schedule.sigmaMax : plan.sigmas[0]!,
      sigmaMin: whole ? schedule.sigmaMin : plan.sigmas.at(-1)!,
    };
    plan.sigmas = getSigmas(steps, range).slice(0, -1);
    // Multistep solvers (and DPM2, for one schedule) are told whole times, which diffusers rounds for one schedule and cuts for
    // the others, where its float32 logarithms keep the noisiest just short of the last time.
    const cut =
      stepSchedule === "karras" ? roundEven : (time: number) => Math.max(0, Math.floor(time - 1e-6));
    const isWhole = whole || (stepSchedule === "karras" && sampler.startsWith("dpm2"));
    const round = isWhole ? cut : (time: number) => time;
    plan.times = plan.sigmas.map((sigma) => round(schedule.timeOf(sigma)));
  }
  if (plan.sigmas.some((sigma, i) => i > 0 && !(sigma < plan.sigmas[i - 1]!))) {
    const message = `steps: ${steps} are more than this model's noise schedule can tell apart; take fewer.`;
    throw new NishikiError("usage", message);
  }
  const known = withTimes(schedule, plan.sigmas, plan.times);
  const isRounded = spacing === "trailing" && !getSigmas && schedule.levels % steps !== 0;
  const strides =
    isRounded && stepSchedule !== "sgm-uniform" && walks.has(sampler)
      ? getStrides(trained, steps, known.timeOf)
      : undefined;
  const last = strides?.level(plan.sigmas.at(-1)!, 1) ?? getLast(trained, sampler, plan.sigmas);
  const first = plan.sigmas[0]!;
  const isEuler = plan.rule === "euler" && spacing !== "leading";
  return {
    sigmas: [...plan.sigmas, last],
    schedule: known,
    noiseScale: isEuler ? first : Math.sqrt(first ** 2 + 1),
    finalScale: schedule.alphaOf(last),
    options: {
      wholeSteps: steps,
      ...(strides && { strides }),
      ...(sampler === trained.sampler && trained.order !== undefined && { order: trained.order }),
    },
  };
}

/** The level at the whole time that is a share of a level's time earlier, in training's own times. */
export function getEarlierLevel(schedule: NoiseSchedule): (sigma: number, share: number) => number {
  return (sigma, share) =>
    interpolateSigma(schedule, Math.floor((1 - share) * schedule.timeOf(sigma) + 1e-6), false);
}

/** The schedule that tells the network the very time of each level, where rounding had moved it. */
function withTimes(
  schedule: NoiseSchedule,
  sigmas: readonly number[],
  times: readonly number[],
): NoiseSchedule {
  const known = new Map(times.map((time, i) => [sigmas[i]!, time]));
  return { ...schedule, timeOf: (sigma) => known.get(sigma) ?? schedule.timeOf(sigma) };
}

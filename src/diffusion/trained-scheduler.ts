// What a published model says of how it was trained and is to be sampled: diffusers' scheduler_config.json, and the noise
// levels at which each of diffusers' schedulers stops for a number of steps. Facts of diffusers 0.42 (src/diffusers/
// schedulers/scheduling_*.py); spacings are those of Lin et al. 2023 (arXiv 2305.08891), table 2.
import { NishikiError, unknownName } from "../errors.js";
import type { PredictionName } from "./denoisers.js";
import { getBetas, getDiscreteSchedule, type NoiseSchedule } from "./noise-schedules.js";
import type { SamplerName } from "./samplers/table.js";
import {
  getBetaSigmas,
  getExponentialSigmas,
  getKarrasSigmas,
  type StepScheduleName,
} from "./step-schedules.js";

/** How steps are laid over the training's times. */
export type Spacing = "leading" | "linspace" | "trailing";

/** A `scheduler_config.json`, read. */
export interface TrainedScheduler {
  readonly prediction: PredictionName;
  readonly schedule: NoiseSchedule;
  /** The sampler that the model was published with. */
  readonly sampler: SamplerName;
  /** Its step schedule where that is not a spacing. */
  readonly stepSchedule: StepScheduleName | undefined;
  readonly spacing: Spacing;
  /** Added to every time of the leading spacing. */
  readonly stepsOffset: number;
  /** Where DDIM and PNDM end: at no noise, else at the cleanest level of training. */
  readonly endsClean: boolean;
}

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
}

type Json = Readonly<Record<string, unknown>>;

/** diffusers' classes, and which sampler each is with its usual options. */
export const schedulerClasses: Readonly<Record<string, SamplerName>> = {
  DDIMScheduler: "ddim",
  DDPMScheduler: "ddpm",
  PNDMScheduler: "pndm",
  LMSDiscreteScheduler: "lms",
  EulerDiscreteScheduler: "euler",
  EulerAncestralDiscreteScheduler: "euler-ancestral",
  HeunDiscreteScheduler: "heun",
  KDPM2DiscreteScheduler: "dpm2",
  KDPM2AncestralDiscreteScheduler: "dpm2-ancestral",
  DPMSolverMultistepScheduler: "dpmpp-2m",
  DPMSolverSDEScheduler: "dpmpp-sde",
  UniPCMultistepScheduler: "unipc",
  LCMScheduler: "lcm",
  TCDScheduler: "tcd",
};

/** Options that this program takes only with these values, by class. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  DDIMScheduler: { clip_sample: [false] },
  DDPMScheduler: { clip_sample: [false], variance_type: ["fixed_small", "fixed_small_log"] },
  PNDMScheduler: { skip_prk_steps: [true] },
  LCMScheduler: { clip_sample: [false], original_inference_steps: [50] },
  TCDScheduler: { clip_sample: [false], original_inference_steps: [50] },
  DPMSolverMultistepScheduler: {
    algorithm_type: ["dpmsolver++", "sde-dpmsolver++"],
    solver_order: [2],
    solver_type: ["midpoint"],
    use_lu_lambdas: [false],
    use_flow_sigmas: [false],
    lower_order_final: [true],
  },
  UniPCMultistepScheduler: {
    solver_order: [2],
    predict_x0: [true],
    solver_type: ["bh1", "bh2"],
    use_flow_sigmas: [false],
  },
};

const distilled = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  timestep_spacing: "leading",
};

/** What each class takes where the config says nothing, as far as it is not what most take. */
const ownDefaults: Readonly<Record<string, Json>> = {
  DDIMScheduler: { timestep_spacing: "leading", clip_sample: true },
  DDPMScheduler: { timestep_spacing: "leading", clip_sample: true },
  PNDMScheduler: { timestep_spacing: "leading", skip_prk_steps: false, set_alpha_to_one: false },
  LCMScheduler: distilled,
  TCDScheduler: distilled,
};

/** What is taken where no class is named: how Stable Diffusion 1.x was published. */
const unnamed: Json = { timestep_spacing: "leading", skip_prk_steps: true };

/** Classes that leave nothing of the signal where there should be none; the others leave 2^-24. */
const keepsZero: ReadonlySet<string> = new Set(["DDIMScheduler", "DDPMScheduler"]);
const ALMOST_NOTHING = 2 ** -60;

const predictionNames: Readonly<Record<string, PredictionName>> = {
  epsilon: "eps",
  v_prediction: "v",
  sample: "sample",
};

const betaNames = { linear: "linear", scaled_linear: "scaled-linear", squaredcos_cap_v2: "cosine" } as const;

function pick<T>(json: Json, field: string, choices: Readonly<Record<string, T>>, fallback: string): T {
  const value = json[field] ?? fallback;
  if (typeof value === "string" && Object.hasOwn(choices, value)) return choices[value]!;
  const names = Object.keys(choices).join(", ");
  throw new NishikiError(
    "checkpoint",
    `scheduler_config.json: ${field}: expected one of ${names}, got ${JSON.stringify(value)}.`,
  );
}

function numberOf(json: Json, field: string, fallback: number): number {
  const value = json[field] ?? fallback;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new NishikiError(
    "checkpoint",
    `scheduler_config.json: ${field}: expected a number, got ${JSON.stringify(value)}.`,
  );
}

function refuse(json: Json, field: string, harmless: readonly unknown[]): void {
  const value = json[field];
  if (value === undefined || value === null || harmless.includes(value)) return;
  const wanted = harmless.map((one) => JSON.stringify(one)).join(" or ");
  throw new NishikiError(
    "checkpoint",
    `scheduler_config.json: ${field}: ${JSON.stringify(value)} is not supported; expected ${wanted}.`,
  );
}

/**
 * Reads a `scheduler_config.json`. Options that this program cannot honour are refused by name.
 * @throws NishikiError "checkpoint"
 */
export function readScheduler(given: Json): TrainedScheduler {
  const name = String(given._class_name ?? "PNDMScheduler");
  const json: Json = { ...(given._class_name === undefined ? unnamed : ownDefaults[name]), ...given };
  if (!Object.hasOwn(schedulerClasses, name)) {
    const cause = unknownName("scheduler", name, Object.keys(schedulerClasses));
    throw new NishikiError("checkpoint", `scheduler_config.json: ${cause.message}`, { cause });
  }
  refuse(json, "thresholding", [false]);
  refuse(json, "trained_betas", []);
  refuse(json, "final_sigmas_type", ["zero"]);
  for (const [field, values] of Object.entries(expected[name] ?? {})) refuse(json, field, values);
  const count = numberOf(json, "num_train_timesteps", 1000);
  const range = [numberOf(json, "beta_start", 0.0001), numberOf(json, "beta_end", 0.02)] as const;
  const betas = getBetas(pick(json, "beta_schedule", betaNames, "linear"), count, range);
  const spacings = { leading: "leading", linspace: "linspace", trailing: "trailing" } as const;
  return {
    prediction: pick(json, "prediction_type", predictionNames, "epsilon"),
    schedule: getDiscreteSchedule(betas, {
      zeroSnr: json.rescale_betas_zero_snr === true,
      ...(keepsZero.has(name) && { leastAlphaBar: ALMOST_NOTHING }),
    }),
    sampler: samplerOf(name, json),
    stepSchedule: stepScheduleOf(json),
    spacing: pick(json, "timestep_spacing", spacings, "linspace"),
    stepsOffset: numberOf(json, "steps_offset", 0),
    endsClean: json.set_alpha_to_one !== false,
  };
}

function samplerOf(name: string, json: Json): SamplerName {
  if (name === "DPMSolverMultistepScheduler" && json.algorithm_type === "sde-dpmsolver++")
    return "dpmpp-2m-sde";
  if (name === "UniPCMultistepScheduler" && json.solver_type === "bh1") return "unipc-bh1";
  return schedulerClasses[name]!;
}

function stepScheduleOf(json: Json): StepScheduleName | undefined {
  const names = ["karras", "exponential", "beta"] as const;
  return names.find((name) => json[`use_${name}_sigmas`] === true);
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
  "dpmpp-2m": "solver",
  "dpmpp-2m-sde": "solver",
  "dpmpp-2m-sde-heun": "solver",
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
  const { schedule, endsClean } = trained;
  const rule = rules[sampler] ?? "euler";
  const times = getTimes(rule, steps, trained);
  const sigmaOf = (time: number) => interpolateSigma(schedule, time, rule === "euler");
  const keepsNoise = sampler === "tcd" || ((sampler === "ddim" || sampler === "pndm") && !endsClean);
  const sigmas = times.map(sigmaOf);
  // A spacing whose last step is at the cleanest level already cannot end there.
  const last = keepsNoise && sigmas.at(-1)! > schedule.sigmaMin ? schedule.sigmaMin : 0;
  return { rule, times, sigmas, last };
}

/** Sigma at a time of training. Between two of them, it is interpolated where a sampler stops there. */
function interpolateSigma(schedule: NoiseSchedule, time: number, between: boolean): number {
  const at = (t: number) => schedule.sigmaAt((t + 1) / schedule.levels);
  const low = Math.floor(time);
  if (!between || low === time) return at(time);
  return at(low) + (time - low) * (at(low + 1) - at(low));
}

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
  const spacing = (stepSchedule && spacingNames[stepSchedule]) ?? trained.spacing;
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
    // Multistep solvers (and DPM2, for one schedule) are told whole times, which diffusers rounds for one schedule and cuts for the others, where its
    // float32 logarithms keep the noisiest just short of the last time.
    const cut =
      stepSchedule === "karras" ? roundEven : (time: number) => Math.max(0, Math.floor(time - 1e-6));
    const isWhole = whole || (stepSchedule === "karras" && sampler.startsWith("dpm2"));
    const round = isWhole ? cut : (time: number) => time;
    plan.times = plan.sigmas.map((sigma) => round(schedule.timeOf(sigma)));
  }
  const sigmas = [...plan.sigmas, plan.last];
  const first = sigmas[0]!;
  const isEuler = plan.rule === "euler" && spacing !== "leading";
  return {
    sigmas,
    schedule: withTimes(schedule, sigmas, plan.times),
    noiseScale: isEuler ? first : Math.sqrt(first ** 2 + 1),
    finalScale: schedule.alphaOf(plan.last),
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

// How a published model was trained and should be sampled: diffusers' scheduler_config.json, read for the
// class that the model was published with or for any other. Facts of diffusers 0.42 (configuration_utils.py
// and the pipelines' __init__).
import { NishikiError, quote } from "../errors.js";
import { show } from "../schema/index.js";
import type { PredictionName } from "./denoisers.js";
import { type BetaName, getBetas, getDiscreteSchedule, type NoiseSchedule } from "./noise-schedules.js";
import type { SamplerName } from "./samplers/table.js";
import {
  commonFields,
  getClassName,
  getClassSampler,
  type SchedulerClass,
  schedulerClasses,
  type TimeRule,
} from "./scheduler-classes.js";
import { readSchedulerFields, type SchedulerFields } from "./scheduler-config.js";
import type { StepScheduleName } from "./step-schedules.js";

/** How steps are spaced over the training times: Lin et al. 2023 (arXiv 2305.08891), table 2. */
export type Spacing = "leading" | "linspace" | "trailing";

/**
 * The pipeline whose rules apply besides the scheduler's: Stable Diffusion 1.x and 2.x, XL, latent consistency
 * models, or models of pixels, whose family limits predictions (`getTrainedLimit`).
 */
export type PipelineKind = "stable-diffusion" | "xl" | "consistency" | "pixels";

/** A `scheduler_config.json`, read. */
export interface TrainedScheduler {
  /** The class that the model was published with. */
  readonly className: string;
  /** The sampler of this class; undefined for an unsupported class. */
  readonly sampler: SamplerName | undefined;
  readonly prediction: PredictionName;
  /** The published spacing of steps, if the config sets it. */
  readonly spacing: Spacing | undefined;
  /** The explicit fields of the config. */
  readonly fields: SchedulerFields;
  readonly pipeline: PipelineKind;
}

/** What a config means to one sampler. */
export interface SamplerSettings {
  readonly rule: TimeRule;
  readonly schedule: NoiseSchedule;
  readonly spacing: Spacing;
  /** Added to every time of the leading spacing. */
  readonly stepsOffset: number;
  /** The step schedule, if it is not a spacing. */
  readonly stepSchedule: StepScheduleName | undefined;
  /** The ends of step schedules over sigma, if they differ from the ends of the steps. */
  readonly sigmaMin: number | undefined;
  readonly sigmaMax: number | undefined;
  /** Whether the last step ends without noise, rather than at the cleanest training level. */
  readonly endsClean: boolean;
  /** Whether the class computes 1 - beta in float32. */
  readonly roundsBeta: boolean;
  /** Whether a step's weights are computed in float32: of pixels, the last steps are too close for it not to matter. */
  readonly roundsPosterior: boolean;
  /** The order of samplers whose name does not state it. */
  /** Steps lie below this time, at most `schedule.levels`. */
  readonly endTime: number;
  readonly order: number;
  readonly lowerOrderFinal: boolean;
  /** Whether solvers round the times of a step schedule's levels to whole numbers. */
  readonly roundsTimes: boolean;
  /** The number of steps that a consistency model was distilled at. */
  readonly distilledSteps: number;
  /**
   * Whether a consistency model's output includes a share of its input, and the factor of time in that share.
   */
  readonly hasShare: boolean;
  readonly timestepScaling: number;
}

const predictionNames = { epsilon: "eps", v_prediction: "v", sample: "sample" } as const;

const betaNames = {
  linear: "linear",
  scaled_linear: "scaled-linear",
  squaredcos_cap_v2: "cosine",
  sigmoid: "sigmoid",
  exp: "exponential",
  laplace: "laplace",
} as const satisfies Record<string, BetaName>;

/**
 * Classes of models other than discrete variance-preserving diffusion; no other sampler's times would fit
 * them.
 */
const otherDiffusion = /FlowM|EDM|ScoreSde|KarrasVe|VQDiffusion|Wuerstchen|CMStochastic|IPNDM|Amused/;

const fail = (sentence: string): never => {
  throw new NishikiError("checkpoint", `scheduler_config.json: ${sentence}`);
};

/**
 * Reads a `scheduler_config.json`. Accepts an unsupported class too: a request may choose another sampler.
 * @param pipeline The diffusers pipeline of the model.
 * @throws NishikiError "checkpoint" with all faults, or if the model is not a discrete variance-preserving
 *   diffusion
 */
export function readScheduler(json: unknown, pipeline: PipelineKind = "stable-diffusion"): TrainedScheduler {
  const explicit = readSchedulerFields(json);
  const className = explicit._class_name ?? "PNDMScheduler";
  if (otherDiffusion.test(className))
    fail(`_class_name: ${quote(className)} belongs to another kind of diffusion, which is not supported.`);
  // Default if no class is named: as Stable Diffusion 1.x was published.
  const fields = explicit._class_name === undefined ? { skip_prk_steps: true, ...explicit } : explicit;
  return {
    className,
    sampler: getClassSampler(className, fields),
    prediction: predictionNames[fields.prediction_type ?? "epsilon"],
    spacing: fields.timestep_spacing,
    fields,
    pipeline,
  };
}

/**
 * Gets a config's settings for a sampler: the explicit fields that the sampler's class knows, and otherwise
 * the defaults of that class.
 * @throws NishikiError "checkpoint" for unsupported options
 */
export function getSamplerSettings(trained: TrainedScheduler, sampler: SamplerName): SamplerSettings {
  // A sampler that several classes use: as the model was published, if it was with one of them.
  const isPublished = schedulerClasses[trained.className]?.sampler === sampler;
  const className = isPublished ? trained.className : getClassName(sampler);
  const known = schedulerClasses[className]!;
  const fields = chooseFields(trained, known);
  refuseUnsupported(trained.pipeline === "pixels" ? { ...fields, thresholding: undefined } : fields, known);
  if (className === trained.className) refuseOwn(trained, className);
  const spacing = fields.timestep_spacing ?? "linspace";
  const roundsPosterior = trained.pipeline === "pixels" && className === "DDPMScheduler";
  const schedule = makeSchedule(fields, known, roundsPosterior);
  return {
    rule: known.rule,
    schedule,
    endTime: getEndTime(schedule, fields.lambda_min_clipped),
    spacing,
    stepsOffset: getStepsOffset(trained, className, fields),
    stepSchedule: (["karras", "exponential", "beta"] as const).find(
      (name) => fields[`use_${name}_sigmas`] === true,
    ),
    sigmaMin: fields.sigma_min,
    sigmaMax: fields.sigma_max,
    endsClean: endsClean(sampler, fields),
    roundsBeta: className === "UnCLIPScheduler",
    roundsPosterior,
    order: fields.solver_order ?? 2,
    lowerOrderFinal: fields.lower_order_final !== false,
    roundsTimes: className !== "DPMSolverMultistepScheduler" || fields.beta_schedule !== "squaredcos_cap_v2",
    distilledSteps: fields.original_inference_steps ?? 50,
    hasShare: sampler === "lcm",
    timestepScaling: fields.timestep_scaling ?? 10,
  };
}

/** The first time from which on log(1/sigma) is below a limit. */
function getEndTime({ levels, sigmaAt }: NoiseSchedule, limit = Number.NEGATIVE_INFINITY): number {
  let end = levels;
  while (end > 1 && -Math.log(sigmaAt(end / levels)) < limit) end--;
  return end;
}

/** The noise levels of a config, for its own class. @throws NishikiError "checkpoint" for an unsupported class */
export function getTrainedSchedule(trained: TrainedScheduler): NoiseSchedule {
  const { sampler, className } = trained;
  if (sampler === undefined) return fail(`_class_name: ${quote(className)} is not supported here.`);
  return getSamplerSettings(trained, sampler).schedule;
}

/** Whether a class ends without noise. */
function endsClean(sampler: SamplerName, fields: SchedulerFields): boolean {
  if (sampler === "ddim" || sampler === "pndm") return fields.set_alpha_to_one !== false;
  return fields.final_sigmas_type !== "sigma_min" && sampler !== "deis" && sampler !== "tcd";
}

function chooseFields({ fields }: TrainedScheduler, known: SchedulerClass): SchedulerFields {
  const names = [...commonFields, ...known.fields].filter((name) => fields[name] !== undefined);
  return { ...known.defaults, ...Object.fromEntries(names.map((name) => [name, fields[name]])) };
}

/**
 * The pipelines of 1.x and 2.x correct an offset, but only for the class that the model was published with.
 */
function getStepsOffset(
  { className: published, fields: explicit, pipeline }: TrainedScheduler,
  className: string,
  fields: SchedulerFields,
): number {
  const isCorrected = published === className || explicit.steps_offset !== undefined;
  return pipeline === "stable-diffusion" && isCorrected ? 1 : (fields.steps_offset ?? 0);
}

/** The residual signal for classes that leave none; the others leave 2^-24. */
const ALMOST_NOTHING = 2 ** -60;

function makeSchedule(fields: SchedulerFields, { rule }: SchedulerClass, isSingle: boolean): NoiseSchedule {
  const count = fields.num_train_timesteps ?? 1000;
  const range = [fields.beta_start ?? 0.0001, fields.beta_end ?? 0.02] as const;
  const betas = fields.trained_betas ?? getBetas(betaNames[fields.beta_schedule ?? "linear"], count, range);
  return getDiscreteSchedule(betas, {
    zeroSnr: fields.rescale_betas_zero_snr === true,
    isSingle,
    ...((rule === "ddim" || rule === "consistency") && { leastAlphaBar: ALMOST_NOTHING }),
  });
}

const isEmpty = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);

function refuse(fields: SchedulerFields, field: string, supported: readonly unknown[]): void {
  const value = fields[field];
  if (isEmpty(value) || supported.includes(value)) return;
  const choices = supported.filter((one) => one !== undefined).map((one) => show(one));
  fail(`${field}: ${show(value)} is not supported; expected ${choices.join(" or ") || "nothing"}.`);
}

function refuseUnsupported(fields: SchedulerFields, known: SchedulerClass): void {
  for (const [field, values] of Object.entries(known.supported)) refuse(fields, field, values);
}

/** Options that a sampler's name decides are checked only if the model was published with its class. */
function refuseOwn({ fields }: TrainedScheduler, className: string): void {
  if (className === "PNDMScheduler")
    refuse({ ...fields, skip_prk_steps: fields.skip_prk_steps ?? false }, "skip_prk_steps", [true]);
  if (!className.startsWith("DPMSolverM") && !className.startsWith("DPMSolverSingle")) return;
  const isSde = fields.algorithm_type === "sde-dpmsolver++";
  if (isSde && className.startsWith("DPMSolverSingle")) refuse(fields, "algorithm_type", ["dpmsolver++"]);
  refuse(fields, "solver_order", isSde ? [2] : [2, 3]);
  refuse(fields, "solver_type", isSde ? ["midpoint", "heun"] : ["midpoint"]);
  if (fields.final_sigmas_type === "sigma_min") refuse(fields, "euler_at_final", [false]);
}

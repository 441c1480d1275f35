// What a published model says of how it was trained and is to be sampled: diffusers' scheduler_config.json, read for the class that
// the model was published with or for any other. Facts of diffusers 0.42 (configuration_utils.py and the pipelines' __init__).
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

/** How steps are laid over the training's times: Lin et al. 2023 (arXiv 2305.08891), table 2. */
export type Spacing = "leading" | "linspace" | "trailing";

/** The pipeline whose rules hold besides the scheduler's: Stable Diffusion 1.x and 2.x, XL, or latent consistency models. */
export type PipelineKind = "stable-diffusion" | "xl" | "consistency";

/** A `scheduler_config.json`, read. */
export interface TrainedScheduler {
  /** The class that the model was published with. */
  readonly className: string;
  /** The sampler that this class is; undefined for a class that is not known here. */
  readonly sampler: SamplerName | undefined;
  readonly prediction: PredictionName;
  /** How the model was published to lay its steps, where the config says so. */
  readonly spacing: Spacing | undefined;
  /** What the config says itself. */
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
  /** The step schedule, where that is not a spacing. */
  readonly stepSchedule: StepScheduleName | undefined;
  /** Where step schedules over sigma begin and end, if not at the ends of the steps. */
  readonly sigmaMin: number | undefined;
  readonly sigmaMax: number | undefined;
  /** Whether the last step ends at no noise, or at the cleanest level of training. */
  readonly endsClean: boolean;
  /** The order of samplers whose name does not say one. */
  readonly order: number;
  readonly lowerOrderFinal: boolean;
  /** Whether times that belong to levels of a step schedule are whole numbers for solvers. */
  readonly roundsTimes: boolean;
  /** Steps that a consistency model was distilled at. */
  readonly distilledSteps: number;
  /** Whether a consistency model's answer has a share of its input, and the factor of time in that share. */
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

/** Classes whose models are no discrete variance-preserving diffusion; no other sampler's times would suit them. */
const otherDiffusion = /FlowM|EDM|ScoreSde|KarrasVe|VQDiffusion|Wuerstchen|CMStochastic|IPNDM|Amused/;

const fail = (sentence: string): never => {
  throw new NishikiError("checkpoint", `scheduler_config.json: ${sentence}`);
};

/**
 * Reads a `scheduler_config.json`. A class that is not known is read as well: a request may name another sampler.
 * @param pipeline Which of diffusers' pipelines the model belongs to.
 * @throws NishikiError "checkpoint" with all faults, or for a model that is no discrete variance-preserving diffusion
 */
export function readScheduler(json: unknown, pipeline: PipelineKind = "stable-diffusion"): TrainedScheduler {
  const explicit = readSchedulerFields(json);
  const className = explicit._class_name ?? "PNDMScheduler";
  if (otherDiffusion.test(className))
    fail(`_class_name: ${quote(className)} belongs to another kind of diffusion, which is not supported.`);
  // Where no class is named: how Stable Diffusion 1.x was published.
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
 * What a model's config means to a sampler: fields that the config says itself, as far as the sampler's class knows them, and
 * else what that class takes by default.
 * @throws NishikiError "checkpoint" for options that this program cannot honour
 */
export function getSamplerSettings(trained: TrainedScheduler, sampler: SamplerName): SamplerSettings {
  const className = getClassName(sampler);
  const known = schedulerClasses[className]!;
  const fields = chooseFields(trained, known);
  refuseUnsupported(fields, known);
  if (className === trained.className) refuseOwn(trained, className);
  const spacing = fields.timestep_spacing ?? "linspace";
  return {
    rule: known.rule,
    schedule: makeSchedule(fields, known),
    spacing,
    stepsOffset: getStepsOffset(trained, className, fields),
    stepSchedule: (["karras", "exponential", "beta"] as const).find(
      (name) => fields[`use_${name}_sigmas`] === true,
    ),
    sigmaMin: fields.sigma_min,
    sigmaMax: fields.sigma_max,
    endsClean: endsClean(sampler, fields),
    order: fields.solver_order ?? 2,
    lowerOrderFinal: fields.lower_order_final !== false,
    roundsTimes: className !== "DPMSolverMultistepScheduler" || fields.beta_schedule !== "squaredcos_cap_v2",
    distilledSteps: fields.original_inference_steps ?? 50,
    hasShare: sampler === "lcm",
    timestepScaling: fields.timestep_scaling ?? 10,
  };
}

/** Where the last step ends, by class. */
function endsClean(sampler: SamplerName, fields: SchedulerFields): boolean {
  if (sampler === "ddim" || sampler === "pndm") return fields.set_alpha_to_one !== false;
  return fields.final_sigmas_type !== "sigma_min" && sampler !== "deis" && sampler !== "tcd";
}

function chooseFields({ fields }: TrainedScheduler, known: SchedulerClass): SchedulerFields {
  const names = [...commonFields, ...known.fields].filter((name) => fields[name] !== undefined);
  return { ...known.defaults, ...Object.fromEntries(names.map((name) => [name, fields[name]])) };
}

/** The pipelines of 1.x and 2.x correct an offset, but only of the class that the model was published with. */
function getStepsOffset(
  { className: published, fields: explicit, pipeline }: TrainedScheduler,
  className: string,
  fields: SchedulerFields,
): number {
  const isCorrected = published === className || explicit.steps_offset !== undefined;
  return pipeline === "stable-diffusion" && isCorrected ? 1 : (fields.steps_offset ?? 0);
}

/** What is left of the signal where there should be none, for classes that leave nothing; the others leave 2^-24. */
const ALMOST_NOTHING = 2 ** -60;

function makeSchedule(fields: SchedulerFields, { rule }: SchedulerClass): NoiseSchedule {
  const count = fields.num_train_timesteps ?? 1000;
  const range = [fields.beta_start ?? 0.0001, fields.beta_end ?? 0.02] as const;
  const betas = fields.trained_betas ?? getBetas(betaNames[fields.beta_schedule ?? "linear"], count, range);
  return getDiscreteSchedule(betas, {
    zeroSnr: fields.rescale_betas_zero_snr === true,
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

/** What the name of a sampler decides is judged only where the model was published with its class. */
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

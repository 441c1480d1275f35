// diffusers' scheduler classes: the sampler of each, the config fields it knows, and its defaults. Facts of
// diffusers 0.42 (src/diffusers/schedulers/scheduling_*.py).
//
// If a request uses a class other than the published one, it gets only the explicit fields of the config that
// it knows: defaults apply only to their class.
import type { SamplerName } from "./samplers/table.js";
import type { SchedulerFields } from "./scheduler-config.js";

/** How the times of the steps are laid out: rounding and end points. */
export type TimeRule = "euler" | "solver" | "ddim" | "consistency";

export interface SchedulerClass {
  /** The sampler of the class with its usual options. */
  readonly sampler: SamplerName;
  readonly rule: TimeRule;
  /** Fields that it knows besides the common ones. */
  readonly fields: readonly string[];
  readonly defaults: Partial<SchedulerFields>;
  /** Fields supported only with these values. A missing field counts as the first value. */
  readonly supported: Readonly<Record<string, readonly unknown[]>>;
}

/** Fields that every class knows. */
export const commonFields: readonly string[] = [
  "num_train_timesteps",
  "beta_start",
  "beta_end",
  "beta_schedule",
  "trained_betas",
  "prediction_type",
];

const spaced = ["timestep_spacing", "steps_offset"];
const zeroSnr = "rescale_betas_zero_snr";
/** Most classes do not declare the limits, but all look for them. */
const levels = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "sigma_min", "sigma_max"];
const solving = ["solver_order", "lower_order_final", "solver_type", "thresholding", "use_flow_sigmas"];

/** Where the logarithm of the signal-to-noise ratio diverges, steps begin below it. */
const clipped = ["lambda_min_clipped"];

const usual = { beta_schedule: "linear", beta_start: 0.0001, beta_end: 0.02 } as const;
const narrow = { beta_schedule: "linear", beta_start: 0.00085, beta_end: 0.012 } as const;
const leading = { ...usual, timestep_spacing: "leading" } as const;

const karlo = { ...usual, beta_schedule: "squaredcos_cap_v2", timestep_spacing: "linspace" } as const;

const row = (
  sampler: SamplerName,
  rule: TimeRule,
  fields: readonly string[],
  defaults: SchedulerClass["defaults"] = usual,
  supported: SchedulerClass["supported"] = {},
): SchedulerClass => ({
  sampler,
  rule,
  fields: [...fields, ...Object.keys(supported)],
  defaults,
  supported,
});

const plain = { thresholding: [false] };
const solver = { ...plain, use_flow_sigmas: [false] };
/** The samplers that the class may be; "deis" counts as the first. */
const algorithms = { algorithm_type: ["dpmsolver++", "sde-dpmsolver++", "deis"] };
const distilled = { ...narrow, beta_schedule: "scaled_linear", timestep_spacing: "leading" } as const;
const consistency = ["original_inference_steps", "timestep_scaling", "set_alpha_to_one", ...spaced, zeroSnr];
/** The posterior's variance; a name for its logarithm makes no difference. */
const fixedVariance = { variance_type: [undefined, "fixed_small", "fixed_small_log"] };
/** Or one that the network predicts. */
const anyVariance = { variance_type: [...fixedVariance.variance_type, "learned_range"] };

export const schedulerClasses: Readonly<Record<string, SchedulerClass>> = {
  DDIMScheduler: row("ddim", "ddim", [...spaced, "set_alpha_to_one", zeroSnr], leading, plain),
  // DDPM with the spacing of Karlo; before DDPM, which the sampler's name stands for.
  UnCLIPScheduler: row("ddpm", "ddim", [], karlo, {
    ...plain,
    ...anyVariance,
    beta_schedule: ["squaredcos_cap_v2"],
  }),
  DDPMScheduler: row("ddpm", "ddim", [...spaced, zeroSnr], leading, { ...plain, ...anyVariance }),
  PNDMScheduler: row("pndm", "ddim", [...spaced, "set_alpha_to_one"], {
    ...leading,
    set_alpha_to_one: false,
  }),
  LMSDiscreteScheduler: row("lms", "euler", [...spaced, ...levels]),
  EulerDiscreteScheduler: row("euler", "euler", [...spaced, ...levels, zeroSnr, "final_sigmas_type"], usual, {
    timestep_type: ["discrete"],
    interpolation_type: ["linear"],
  }),
  EulerAncestralDiscreteScheduler: row("euler-ancestral", "euler", [...spaced, zeroSnr]),
  HeunDiscreteScheduler: row("heun", "euler", [...spaced, ...levels], narrow),
  KDPM2DiscreteScheduler: row("dpm2", "euler", [...spaced, ...levels], narrow),
  KDPM2AncestralDiscreteScheduler: row("dpm2-ancestral", "euler", [...spaced, ...levels], narrow),
  DPMSolverMultistepScheduler: row(
    "dpmpp-2m",
    "solver",
    [...spaced, ...levels, ...solving, ...clipped, zeroSnr, "final_sigmas_type", "euler_at_final"],
    usual,
    { ...solver, ...algorithms, ...anyVariance, use_lu_lambdas: [false] },
  ),
  DPMSolverSinglestepScheduler: row(
    "dpmpp-2s",
    "solver",
    [...levels, ...solving, ...clipped, "final_sigmas_type"],
    { ...usual, lower_order_final: false },
    { ...solver, ...algorithms, ...anyVariance },
  ),
  DPMSolverSDEScheduler: row("dpmpp-sde", "euler", [...spaced, ...levels], narrow),
  DEISMultistepScheduler: row("deis", "solver", [...spaced, ...levels, ...solving], usual, solver),
  UniPCMultistepScheduler: row(
    "unipc",
    "solver",
    [...spaced, ...levels, ...solving, zeroSnr, "final_sigmas_type"],
    usual,
    { ...solver, predict_x0: [true], disable_corrector: [], solver_p: [] },
  ),
  LCMScheduler: row("lcm", "consistency", consistency, distilled, plain),
  TCDScheduler: row("tcd", "consistency", consistency, distilled, plain),
};

/** The class whose times and levels each sampler uses. */
const classNames: Readonly<Partial<Record<SamplerName, string>>> = {
  ...Object.fromEntries(Object.entries(schedulerClasses).map(([name, { sampler }]) => [sampler, name])),
  "dpmpp-3m": "DPMSolverMultistepScheduler",
  "dpmpp-2m-sde": "DPMSolverMultistepScheduler",
  "dpmpp-2m-sde-heun": "DPMSolverMultistepScheduler",
  "dpmpp-3s": "DPMSolverSinglestepScheduler",
  "unipc-bh1": "UniPCMultistepScheduler",
};

/** Gets the diffusers class of a sampler; samplers that diffusers lacks use Euler's times. */
export const getClassName = (sampler: SamplerName): string => classNames[sampler] ?? "EulerDiscreteScheduler";

/** Gets the sampler of a class with its options. */
export function getClassSampler(className: string, fields: SchedulerFields): SamplerName | undefined {
  const known = Object.hasOwn(schedulerClasses, className) ? schedulerClasses[className] : undefined;
  const { solver_order: order, solver_type: type, algorithm_type: algorithm } = fields;
  if (className === "DPMSolverMultistepScheduler") {
    if (algorithm === "sde-dpmsolver++") return type === "heun" ? "dpmpp-2m-sde-heun" : "dpmpp-2m-sde";
    return order === 3 ? "dpmpp-3m" : "dpmpp-2m";
  }
  if (className === "DPMSolverSinglestepScheduler" && order === 3) return "dpmpp-3s";
  if (className === "UniPCMultistepScheduler" && type === "bh1") return "unipc-bh1";
  return known?.sampler;
}

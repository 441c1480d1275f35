// What a published model says of how it was trained and is to be sampled: diffusers' scheduler_config.json. Facts of diffusers
// 0.42 (src/diffusers/schedulers/scheduling_*.py).
import { NishikiError, unknownName } from "../errors.js";
import type { PredictionName } from "./denoisers.js";
import { getBetas, getDiscreteSchedule, type NoiseSchedule } from "./noise-schedules.js";
import type { SamplerName } from "./samplers/table.js";
import type { StepScheduleName } from "./step-schedules.js";

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
  /** The same of DPM-Solver++ and UniPC. */
  readonly solversEndClean: boolean;
  /** The order of its sampler, where that is not in the sampler's name. */
  readonly order?: number;
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
  DPMSolverSinglestepScheduler: "dpmpp-2s",
  DPMSolverSDEScheduler: "dpmpp-sde",
  DEISMultistepScheduler: "deis",
  UniPCMultistepScheduler: "unipc",
  LCMScheduler: "lcm",
  TCDScheduler: "tcd",
};

/** Options that are taken of no class but with these values. */
const usualOptions: Readonly<Record<string, readonly unknown[]>> = {
  thresholding: [false],
  trained_betas: [],
  final_sigmas_type: ["zero"],
  lambda_min_clipped: [-Infinity],
};

/** Options that this program takes only with these values, by class. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  DDIMScheduler: { clip_sample: [false] },
  DDPMScheduler: { clip_sample: [false], variance_type: ["fixed_small", "fixed_small_log"] },
  PNDMScheduler: { skip_prk_steps: [true] },
  EulerDiscreteScheduler: { timestep_type: ["discrete"], interpolation_type: ["linear"] },
  LCMScheduler: { clip_sample: [false], original_inference_steps: [50] },
  TCDScheduler: { clip_sample: [false], original_inference_steps: [50] },
  DPMSolverMultistepScheduler: {
    algorithm_type: ["dpmsolver++", "sde-dpmsolver++"],
    solver_order: [2, 3],
    solver_type: ["midpoint"],
    use_lu_lambdas: [false],
    use_flow_sigmas: [false],
    lower_order_final: [true],
    final_sigmas_type: ["zero", "sigma_min"],
  },
  DPMSolverSinglestepScheduler: {
    algorithm_type: ["dpmsolver++"],
    solver_order: [2, 3],
    solver_type: ["midpoint"],
    use_flow_sigmas: [false],
    final_sigmas_type: ["zero", "sigma_min"],
  },
  DEISMultistepScheduler: {
    algorithm_type: ["deis"],
    solver_order: [1, 2, 3],
    solver_type: ["logrho"],
    use_flow_sigmas: [false],
    lower_order_final: [true],
  },
  UniPCMultistepScheduler: {
    solver_order: [1, 2, 3],
    final_sigmas_type: ["zero", "sigma_min"],
    lower_order_final: [true],
    predict_x0: [true],
    disable_corrector: [],
    solver_p: [],
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

/** Classes whose samplers take an order. */
const orderly: ReadonlySet<string> = new Set(["UniPCMultistepScheduler", "DEISMultistepScheduler"]);

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

function wholeNumberOf(
  json: Json,
  field: string,
  fallback: number,
  [low, high]: readonly [number, number],
): number {
  const value = numberOf(json, field, fallback);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  const expected = `a whole number from ${low} to ${high}`;
  throw new NishikiError(
    "checkpoint",
    `scheduler_config.json: ${field}: expected ${expected}, got ${value}.`,
  );
}

function readBetas(json: Json, count: number): number[] {
  const range = [numberOf(json, "beta_start", 0.0001), numberOf(json, "beta_end", 0.02)] as const;
  const [start, end] = range;
  if (start > 0 && start <= end && end < 1)
    return getBetas(pick(json, "beta_schedule", betaNames, "linear"), count, range);
  const expected = "numbers between 0 and 1, the first not the larger";
  throw new NishikiError(
    "checkpoint",
    `scheduler_config.json: beta_start, beta_end: expected ${expected}, got ${start}, ${end}.`,
  );
}

function refuse(json: Json, field: string, harmless: readonly unknown[]): void {
  const value = json[field];
  const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  if (isEmpty || harmless.includes(value)) return;
  const wanted = harmless.map((one) => JSON.stringify(one)).join(" or ") || "nothing";
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
  for (const [field, values] of Object.entries({ ...usualOptions, ...expected[name] }))
    refuse(json, field, values);
  const isStochastic = json.algorithm_type === "sde-dpmsolver++";
  if (isStochastic) refuse(json, "solver_order", [2]);
  if (json.final_sigmas_type === "sigma_min") refuse(json, "euler_at_final", [false]);
  if (name === "DPMSolverSinglestepScheduler" && json.final_sigmas_type === "sigma_min")
    refuse(json, "lower_order_final", [false]);
  const count = wholeNumberOf(json, "num_train_timesteps", 1000, [2, 100_000]);
  const betas = readBetas(json, count);
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
    stepsOffset: wholeNumberOf(json, "steps_offset", 0, [0, count - 1]),
    endsClean: json.set_alpha_to_one !== false,
    solversEndClean: json.final_sigmas_type !== "sigma_min",
    ...(orderly.has(name) && { order: numberOf(json, "solver_order", 2) }),
  };
}

function samplerOf(name: string, json: Json): SamplerName {
  const isThird = json.solver_order === 3;
  if (name === "DPMSolverMultistepScheduler" && json.algorithm_type === "sde-dpmsolver++")
    return "dpmpp-2m-sde";
  if (name === "DPMSolverMultistepScheduler" && isThird) return "dpmpp-3m";
  if (name === "DPMSolverSinglestepScheduler" && isThird) return "dpmpp-3s";
  if (name === "UniPCMultistepScheduler" && json.solver_type === "bh1") return "unipc-bh1";
  return schedulerClasses[name]!;
}

function stepScheduleOf(json: Json): StepScheduleName | undefined {
  const names = ["karras", "exponential", "beta"] as const;
  return names.find((name) => json[`use_${name}_sigmas`] === true);
}

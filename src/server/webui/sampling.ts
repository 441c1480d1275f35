// Samplers, schedules and random numbers as webui names them.
import {
  parseSamplerName,
  type SamplerName,
  type StepScheduleName,
  samplers,
  stepSchedules,
} from "../../diffusion/index.js";
import { NishikiError } from "../../errors.js";
import type { ModelInfo } from "../api/index.js";
import { refuse } from "./errors.js";
import type { CommonFields } from "./fields.js";
import type { Options } from "./options.js";

/** The schedules that webui's "Automatic" stands for; "uniform" for every other sampler (modules/sd_samplers_kdiffusion). */
const automatic: Partial<Record<SamplerName, StepScheduleName | undefined>> = {
  "dpmpp-2m": "karras",
  "dpmpp-sde": "karras",
  "dpmpp-2m-sde": "exponential",
  "dpmpp-2m-sde-heun": "exponential",
  "dpmpp-2s-ancestral": "karras",
  "dpmpp-3m-sde": "exponential",
  dpm2: "karras",
  "dpm2-ancestral": "karras",
  ddim: "leading",
  // These have levels of their own.
  pndm: undefined,
  unipc: undefined,
  "unipc-bh1": undefined,
  lcm: undefined,
  tcd: undefined,
  ddpm: undefined,
};

export const isStableDiffusion = ({ family }: Pick<ModelInfo, "family">) => family === "stable-diffusion";

const isAutomatic = (name: string | undefined) =>
  name === undefined || ["", "none", "automatic", "use same scheduler"].includes(name.toLowerCase());

function findSchedule(name: string): StepScheduleName {
  const wanted = name.toLowerCase();
  for (const [key, { label, aliases }] of Object.entries(stepSchedules))
    if ([key, label.toLowerCase(), ...aliases].includes(wanted)) return key as StepScheduleName;
  return refuse(400, "Scheduler not found");
}

function findSampler(name: string) {
  try {
    return parseSamplerName(name);
  } catch (error) {
    if (error instanceof NishikiError) refuse(400, "Sampler not found");
    throw error;
  }
}

export interface Sampling {
  readonly sampler: SamplerName;
  /** Undefined: the model's own. */
  readonly schedule: StepScheduleName | undefined;
}

/** The sampler and the schedule. Like webui, a schedule at the end of the sampler's name comes first. */
export function readSampling(
  name: string,
  scheduler: string | undefined,
  model: Pick<ModelInfo, "family">,
): Sampling {
  const { sampler, schedule } = findSampler(name);
  if (schedule) return { sampler, schedule };
  if (!isAutomatic(scheduler)) return { sampler, schedule: findSchedule(scheduler!) };
  if (!isStableDiffusion(model)) return { sampler, schedule: undefined };
  return { sampler, schedule: sampler in automatic ? automatic[sampler] : "uniform" };
}

/** webui's generator: of the GPU unless it is told otherwise. Other models keep theirs, as no webui draws them. */
export function readRandom(
  { randomSource, choseRandomSource }: Options,
  model: Pick<ModelInfo, "family">,
): "torch-cpu" | "torch-cuda" | undefined {
  if (!isStableDiffusion(model) && !choseRandomSource) return undefined;
  return randomSource === "CPU" ? "torch-cpu" : "torch-cuda";
}

/** The samplers' own shares of noise, of those that have one other than 1. */
const usualEtas: Partial<Record<SamplerName, number>> = { ddim: 0, tcd: 0.3 };

/** The share of noise that is renewed, unless it is the sampler's own. Like webui, samplers that have none pass over it. */
export function readEta({ eta }: CommonFields, sampler: SamplerName): { readonly eta?: number } {
  const isUsual = eta === undefined || eta === (usualEtas[sampler] ?? 1);
  return isUsual || !samplers[sampler].takesEta ? {} : { eta };
}

/** Refuses noise that no setting of this server makes. */
export function checkNoise({ s_churn, s_noise, s_min_uncond }: CommonFields, sampler: SamplerName): void {
  if (s_churn > 0)
    refuse(422, `s_churn: expected 0, got ${s_churn}: this server adds no noise between steps.`);
  if (s_noise !== 1 && samplers[sampler].stochastic)
    refuse(422, `s_noise: expected 1, got ${s_noise}: this server does not scale a sampler's noise.`);
  if (s_min_uncond > 0)
    refuse(
      422,
      `s_min_uncond: expected 0, got ${s_min_uncond}: this server never leaves out the negative prompt.`,
    );
}

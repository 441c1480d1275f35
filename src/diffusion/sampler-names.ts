// Sampler names: ours, those of other programs, and those that include a step schedule, which
// stable-diffusion-webui used before 1.9 ("DPM++ 2M Karras") and still reads.
import { unknownName } from "../errors.js";
import { findSampler, type SamplerName, samplers, simplifyName } from "./samplers/table.js";
import { schedulerClasses } from "./scheduler-classes.js";
import { type StepScheduleName, stepSchedules } from "./step-schedules.js";

/** A sampler, and the step schedule if the name includes one. */
export interface NamedSampler {
  readonly sampler: SamplerName;
  readonly schedule?: StepScheduleName;
}

const classes: ReadonlyMap<string, SamplerName> = new Map(
  Object.entries(schedulerClasses).map(([name, { sampler }]) => [simplifyName(name), sampler]),
);

/** Suffixes of a sampler's name; "Automatic" leaves the schedule to the model. */
function listEndings(): ReadonlyMap<string, StepScheduleName | undefined> {
  const endings = new Map<string, StepScheduleName | undefined>([["automatic", undefined]]);
  for (const name of Object.keys(stepSchedules) as StepScheduleName[])
    for (const one of [name, stepSchedules[name].label, ...stepSchedules[name].aliases])
      endings.set(simplifyName(one), name);
  // webui's short names: "k_dpmpp_2m_ka", "k_dpmpp_2m_sde_exp".
  return endings.set("ka", "karras").set("exp", "exponential");
}

const endings = listEndings();

/**
 * Parses a name, label, alias or diffusers class of a sampler, with an optional step schedule after it:
 * "DPM++ 2M", "dpmpp_2m", "DPMSolverMultistepScheduler" and "dpmpp-2m" mean the same; "DPM++ 2M Karras" also
 * sets a schedule.
 * @throws NishikiError "usage" for an unknown name, with the choices.
 */
export function parseSamplerName(name: string): NamedSampler {
  const simplified = simplifyName(name);
  const find = (text: string) => findSampler(text)?.name ?? classes.get(text);
  const exact = find(simplified);
  if (exact) return { sampler: exact };
  for (const [ending, schedule] of endings) {
    const sampler = simplified.endsWith(ending) ? find(simplified.slice(0, -ending.length)) : undefined;
    if (sampler) return { sampler, ...(schedule && { schedule }) };
  }
  throw unknownName("sampler", name, Object.keys(samplers));
}

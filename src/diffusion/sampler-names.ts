// The names by which people ask for a sampler: its own, those of other programs, and those that say a step schedule as well, as
// stable-diffusion-webui had them before 1.9 ("DPM++ 2M Karras") and still reads them.
import { unknownName } from "../errors.js";
import { findSampler, type SamplerName, samplers, simplifyName } from "./samplers/table.js";
import { schedulerClasses } from "./scheduler-classes.js";
import { type StepScheduleName, stepSchedules } from "./step-schedules.js";

/** A sampler, and the step schedule that the name includes. */
export interface NamedSampler {
  readonly sampler: SamplerName;
  readonly schedule?: StepScheduleName;
}

const classes: ReadonlyMap<string, SamplerName> = new Map(
  Object.entries(schedulerClasses).map(([name, { sampler }]) => [simplifyName(name), sampler]),
);

/** What may stand behind a sampler's name; "Automatic" leaves the schedule to the model. */
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
 * The sampler with this name, label, alias or class of diffusers, and the step schedule that follows it, if one does: "DPM++ 2M",
 * "dpmpp_2m", "DPMSolverMultistepScheduler" and "dpmpp-2m" are one, "DPM++ 2M Karras" asks for a schedule too.
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

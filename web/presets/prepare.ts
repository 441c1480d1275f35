// What Draw sends for the prompt bar's job: with its parameters read, the LoRAs that it names, the styles that are on, and its
// wildcards filled in.
import { drawSeed } from "../../src/pipeline/image-seeds.js";
import { newId } from "../api/client.js";
import type { DrawJobRequest } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { loadNamedLoras } from "../parameters/loras.js";
import { readJobs } from "../parameters/state.js";
import { catalogue } from "../store/models.js";
import { notify } from "../store/notices.js";
import { getActiveStyles, presets } from "./state.js";

const refuse = (text: string): readonly DrawJobRequest[] => {
  notify(text, { isError: true });
  return [];
};

/** The jobs to create, in their order; none, with a notice, if the prompt cannot be drawn. */
export async function prepareJobs(written: DrawJobRequest): Promise<readonly DrawJobRequest[]> {
  const texts = messages();
  const { job, unknown: loras } = loadNamedLoras(written, catalogue.peek().additions);
  if (loras.length > 0) return refuse(texts.unknownLoras(loras.join(", ")));
  const { jobs: asked, faults } = await readJobs(job);
  if (faults.length > 0) return refuse(faults.join(" "));
  // Its random numbers are not needed to open the page.
  const { expandJob } = await import("./expand.js");
  const unknown = new Set<string>();
  const jobs = asked.flatMap((one) => {
    const expanded = expandJob(one, getActiveStyles(), presets.peek().lists, drawSeed);
    for (const name of expanded.unknown) unknown.add(name);
    return expanded.jobs;
  });
  if (unknown.size > 0)
    notify(texts.unknownLists([...unknown].map((name) => `__${name}__`).join(", ")), { isError: true });
  const group = `wildcards-${newId().slice(0, 16)}`;
  return jobs.length === 1 ? jobs : jobs.map((one) => ({ ...one, group }));
}

// What Draw sends for the prompt bar's job: with the styles that are on, and with wildcards filled in.
import { newId } from "../api/client.js";
import type { DrawJobRequest } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { notify } from "../store/notices.js";
import { expandJob } from "./expand.js";
import { getActiveStyles, presets } from "./state.js";

/** The jobs to create, in their order. */
export function prepareJobs(job: DrawJobRequest): readonly DrawJobRequest[] {
  const { jobs, unknown } = expandJob(job, getActiveStyles(), presets.peek().lists, Math.random);
  if (unknown.length > 0)
    notify(messages().unknownLists(unknown.map((name) => `__${name}__`).join(", ")), { isError: true });
  const group = `wildcards-${newId().slice(0, 16)}`;
  return jobs.length === 1 ? jobs : jobs.map((one) => ({ ...one, group }));
}

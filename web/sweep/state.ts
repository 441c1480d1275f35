// Sweeps: what the sheet holds, how their jobs are created, and which jobs belong to one.
import { computed, signal } from "@preact/signals";
import { api, newId } from "../api/client.js";
import type { DrawJobRequest, Job } from "../api/types.js";
import { drawSeed } from "../family/actions.js";
import { messages } from "../i18n/index.js";
import { expandJob } from "../presets/expand.js";
import { getActiveStyles } from "../presets/state.js";
import { getPlainName } from "../settings/schema.js";
import { draft, getJobRequest, rememberPrompt } from "../store/draft.js";
import { getJob, jobIds, putJobs } from "../store/jobs.js";
import { capabilities, catalogue, model, settingsSchema } from "../store/models.js";
import { attempt } from "../store/notices.js";
import { stored } from "../store/storage.js";
import { type Axis, getAxes } from "./axes.js";
import { type AxisName, axisNames, findsText, type Grid, getCells, readGrid, type Sweep } from "./cells.js";
import { prefix } from "./groups.js";
import { readValues, type ValueFault, type Values } from "./values.js";

export interface AxisText {
  /** Path of the setting; "" for an axis that is not used. */
  readonly path: string;
  readonly text: string;
}

export const axisTexts = stored<Readonly<Record<AxisName, AxisText>>>("sweep", {
  x: { path: "steps", text: "" },
  y: { path: "", text: "" },
  z: { path: "", text: "" },
});

export function changeAxis(name: AxisName, change: Partial<AxisText>): void {
  axisTexts.value = { ...axisTexts.peek(), [name]: { ...axisTexts.peek()[name], ...change } };
}

/** The name of a setting in the page's language. */
export function getAxisTitle(path: string): string {
  const texts = messages();
  if (path === "prompt") return texts.searchAndReplace;
  const names: Readonly<Record<string, string | undefined>> = texts.settingNames;
  const last = path.split(".").at(-1)!;
  return names[path] ?? names[last] ?? getPlainName(last);
}

export const axes = computed<readonly Axis[]>(() => {
  const { samplers = [], schedules = [] } = capabilities.value ?? {};
  const sampler = samplers.map(({ name }) => name);
  const choices = { sampler, upscaleSampler: sampler, schedule: schedules.map(({ name }) => name) };
  const models = catalogue.value.models.filter(({ state }) => state !== "broken").map(({ id }) => id);
  return getAxes({ ...settingsSchema.value }, choices, models);
});

export type ReadAxis = { readonly axis: Axis } & (
  | Values
  | { readonly fault: ValueFault | { readonly kind: "not-found"; readonly text: string } }
);

/** An axis with its values read; undefined if it is not used. */
export function readAxis(name: AxisName): ReadAxis | undefined {
  const { path, text } = axisTexts.value[name];
  const axis = axes.value.find((one) => one.path === path);
  if (!axis) return undefined;
  const read = readValues(text, axis.type);
  if ("fault" in read || axis.type.kind !== "replace") return { axis, ...read };
  const searched = String(read.values[0]);
  const isThere = findsText(
    { prompt: draft.value.prompt, negativePrompt: draft.value.negativePrompt },
    searched,
  );
  return isThere ? { axis, ...read } : { axis, fault: { kind: "not-found", text: searched } };
}

/** The sweep as it stands; undefined while something is wrong with it. */
export const sweep = computed<Sweep | undefined>(() => {
  const chosen: { -readonly [Name in keyof Sweep]: Sweep[Name] } = {};
  for (const name of axisNames) {
    const read = readAxis(name);
    if (read && !("values" in read)) return undefined;
    if (read) chosen[name] = { axis: read.axis, values: read.values };
  }
  return Object.keys(chosen).length > 0 ? chosen : undefined;
});

/** Jobs that are sent at a time. */
const atOnce = 4;
export const isSending = signal(false);

/** Creates the jobs of the sweep, one per cell. @returns the group, once all are sent */
export async function drawSweep(): Promise<string | undefined> {
  const chosen = sweep.peek();
  const from = draft.peek();
  if (!chosen || from.prompt.trim() === "" || isSending.peek()) return undefined;
  const [job] = expandJob(getJobRequest(from), getActiveStyles(), {}, () => 0).jobs as [DrawJobRequest];
  const base = { ...(job.request as Record<string, unknown>), seed: from.seed ?? drawSeed() };
  const cells = [...getCells(base, chosen)];
  const group = `${prefix}${newId().slice(0, 16)}`;
  rememberPrompt(from.prompt.trim());
  isSending.value = true;
  const send = async () => {
    for (let cell = cells.shift(); cell; cell = cells.shift()) {
      const { request, model: other, labels } = cell;
      const asked = performance.now();
      const sent = await api.putJob(newId(), {
        ...job,
        request: request as typeof job.request,
        ...(other !== undefined && { model: other }),
        group,
        labels: { ...labels, title: from.prompt.trim().slice(0, 500) },
      });
      putJobs([sent], asked);
    }
  };
  const succeeded = await attempt(() => Promise.all(Array.from({ length: atOnce }, send)));
  isSending.value = false;
  if (!succeeded) void api.cancelJobs(group).catch(() => undefined);
  return succeeded ? group : undefined;
}

/** Time that the sweep takes, from this machine's own times and the steps of each cell; undefined before its first image. */
export function getSeconds(cells: number): number | undefined {
  const { secondsPerImage: each, defaults } = model.value ?? {};
  if (each === null || each === undefined) return undefined;
  const usual = Number(defaults?.steps ?? 1);
  const varied = axisNames
    .map((name) => sweep.value?.[name])
    .find((axis) => axis?.axis.path === "steps")?.values;
  const steps = varied
    ? varied.reduce<number>((sum, value) => sum + Number(value), 0) / varied.length
    : draft.value.settings.steps;
  return each * cells * (Number(steps ?? usual) / usual);
}

const fetched = new Set<string>();

/** The jobs of a group; those that the page does not know are asked for once. */
export function getGroup(group: string): readonly Job[] {
  if (!fetched.has(group)) {
    fetched.add(group);
    const asked = performance.now();
    void attempt(async () => putJobs((await api.jobs({ group, limit: 500 })).jobs, asked));
  }
  return jobIds.value.map((id) => getJob(id)!).filter((job) => job.group === group);
}

export const getGrid = (group: string): Grid<Job> => readGrid(getGroup(group));

// What the prompt bar holds: the request that Draw sends. It belongs to this browser and survives a reload.
import { signal } from "@preact/signals";
import { api, newId } from "../api/client.js";
import type { DrawJobRequest, Job, JobLoad, Parent, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { prepareJobs } from "../presets/prepare.js";
import { isFiltered, setFilter } from "./images.js";
import { forgetJob, moveJob, putJob, putJobs } from "./jobs.js";
import { model, settingsSchema } from "./models.js";
import { attempt, notify, notifyError } from "./notices.js";
import { stored } from "./storage.js";

export interface Draft {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Null: the server's default. */
  readonly model: string | null;
  readonly count: number;
  /** Null: a new seed for every job. */
  readonly seed: number | null;
  /** Every other setting that was chosen, as in a request: `size`, `steps`, `init` … What is missing is the model's default. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly load: JobLoad;
  readonly parent: Parent | null;
}

const empty: Draft = {
  prompt: "",
  negativePrompt: "",
  model: null,
  count: 4,
  seed: null,
  settings: {},
  load: {},
  parent: null,
};

export const draft = stored<Draft>("draft", empty);
/** Prompts that were drawn, newest first. */
export const promptHistory = stored<readonly string[]>("prompts", []);
/** The seed of the newest job: what the lock holds on to. */
export const lastSeed = signal<number | null>(null);
const historyLength = 200;

/** Counts what Draw sent: the feed goes to its top. */
export const drawnJobs = signal(0);

export const changeDraft = (changes: Partial<Draft>) => {
  draft.value = { ...draft.peek(), ...changes };
};

/** Chooses a setting; undefined goes back to the model's default. */
export function setSetting(name: string, value: unknown): void {
  const { [name]: _, ...others } = draft.peek().settings;
  changeDraft({ settings: value === undefined ? others : { ...others, [name]: value } });
}

/** Settings that the chosen model takes; the others stay in the draft for a model that takes them. */
function getTaken(settings: Draft["settings"]): Draft["settings"] {
  const properties = settingsSchema.peek()?.properties;
  if (!properties) return settings;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name in properties));
}

/** Whether a draft says what to draw: by words, or by a picture where the model takes one. Read by what draws the page. */
export const isDrawable = ({ prompt, settings }: Draft): boolean =>
  prompt.trim() !== "" ||
  (settings.imagePrompt !== undefined && "imagePrompt" in (settingsSchema.value?.properties ?? {}));

/** The job request of a draft. */
export function getJobRequest(from: Draft): DrawJobRequest {
  const { prompt, negativePrompt, count, seed, settings, load, parent } = from;
  const request = {
    ...getTaken(settings),
    prompt: prompt.trim(),
    ...(negativePrompt.trim() !== "" && { negativePrompt: negativePrompt.trim() }),
    count,
    ...(seed !== null && { seed }),
  };
  const chosen = model.peek()?.id;
  return {
    kind: "draw",
    request: request as DrawJobRequest["request"],
    ...(chosen !== undefined && { model: chosen }),
    ...(Object.keys(load).length > 0 && { load }),
    ...(parent && { parent }),
  };
}

/** The job as it will look, shown until the server answers. */
function forecastJob(id: string, { request, model: chosen, parent, group, labels }: DrawJobRequest): Job {
  return {
    id,
    kind: "draw",
    state: "queued",
    position: null,
    owner: "",
    priority: 0,
    group: group ?? null,
    labels: labels ?? {},
    model: chosen ?? "",
    modelName: model.peek()?.name ?? "",
    request: { ...request },
    load: {},
    parent: parent ?? null,
    created: new Date().toISOString(),
    started: null,
    finished: null,
    attempts: 0,
    progress: null,
    images: [],
    result: null,
    warnings: [],
    error: null,
  };
}

/** Sends a job. It is in the queue at once, and leaves it again if the server refuses it. @returns its id */
export async function sendJob(
  request: DrawJobRequest,
  options: { first?: boolean } = {},
): Promise<string | undefined> {
  const id = newId();
  putJob(forecastJob(id, request));
  try {
    const asked = performance.now();
    const job = await api.putJob(id, request);
    putJobs([job], asked);
    if (typeof job.request.seed === "number") lastSeed.value = job.request.seed;
    if (options.first) await moveJob(id, { to: "first" });
    return id;
  } catch (error) {
    forgetJob(id);
    notifyError(error);
    return undefined;
  }
}

export function rememberPrompt(prompt: string): void {
  if (prompt === "") return;
  promptHistory.value = [prompt, ...promptHistory.peek().filter((other) => other !== prompt)].slice(
    0,
    historyLength,
  );
}

/** Draws what the prompt bar holds. */
export async function drawDraft(options: { first?: boolean } = {}): Promise<string | undefined> {
  const from = draft.peek();
  if (!isDrawable(from)) return undefined;
  rememberPrompt(from.prompt.trim());
  drawnJobs.value++;
  if (isFiltered.peek())
    notify(messages().queued, { action: { label: messages().showAll, run: () => void setFilter({}) } });
  let ids: readonly (string | undefined)[] = [];
  await attempt(async () => {
    const jobs = await prepareJobs(getJobRequest(from));
    ids = await Promise.all(jobs.map((job) => sendJob(job, options)));
  });
  return ids[0];
}

export type RecallPart = "prompt" | "seed" | "size" | "settings" | "model";

const separate = ["prompt", "negativePrompt", "seed", "count", "size", "init", "inpaint"];

/** Takes parts of an image's settings into the prompt bar. Nothing else changes. */
export function recall(image: StoredImage, parts: readonly RecallPart[]): void {
  const { request } = image;
  const changes: { -readonly [K in keyof Draft]?: Draft[K] } = {};
  if (parts.includes("prompt")) {
    changes.prompt = image.prompt;
    changes.negativePrompt = image.negativePrompt;
  }
  if (parts.includes("seed")) changes.seed = image.seed;
  if (parts.includes("model") && image.modelId !== null) changes.model = image.modelId;
  const settings = { ...draft.peek().settings };
  if (parts.includes("size")) settings.size = `${image.width}x${image.height}`;
  if (parts.includes("settings"))
    for (const [name, value] of Object.entries(request)) if (!separate.includes(name)) settings[name] = value;
  changeDraft({ ...changes, settings });
}

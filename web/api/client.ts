// The native API, typed. Everything that fails becomes an ApiError whose message is a sentence that a person can read.

import type { ExplanationPart } from "../../src/inspect/explanation-parts.js";
import type { Explanation } from "../../src/inspect/index.js";
import { messages } from "../i18n/index.js";
import type { SettingsSchema } from "../settings/schema.js";
import type {
  Capabilities,
  Catalogue,
  DrawJobRequest,
  ExplanationForecast,
  ExplanationForecastRequest,
  Forecast,
  ImagePage,
  Job,
  JobError,
  JobLoad,
  JobPage,
  JobRequest,
  ModelInfo,
  Move,
  PlanAnswer,
  PromptAnswer,
  PromptRequest,
  StoredImage,
  Tokens,
  Upload,
} from "./types.js";

/** Where the API is: beside the page, so that a proxy may put both into a folder of its own. */
export const base = new URL("api/v1/", document.baseURI).href;

export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The server's code; "offline" if it did not answer. */
  readonly code: string;
  readonly status: number;
  /** The one thing that helps. */
  readonly hint: string | null;
  /** Settings that would help. */
  readonly change: JobError["change"];

  constructor(
    message: string,
    about: Pick<ApiError, "code" | "status"> & Partial<Pick<ApiError, "hint" | "change">>,
  ) {
    super(message);
    const { code, status, hint = null, change = null } = about;
    this.code = code;
    this.status = status;
    this.hint = hint;
    this.change = change;
  }
}

type Body = { readonly json: unknown } | { readonly bytes: Blob };

async function send(method: string, path: string, body?: Body): Promise<Response> {
  const init: RequestInit = { method };
  if (body) {
    init.body = "json" in body ? JSON.stringify(body.json) : body.bytes;
    const type = "json" in body ? "application/json" : body.bytes.type || "application/octet-stream";
    init.headers = { "Content-Type": type };
  }
  let response: Response;
  try {
    response = await fetch(base + path, init);
  } catch {
    throw new ApiError(messages().offline, { code: "offline", status: 0 });
  }
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { code?: string; message?: string; hint?: string; change?: JobError["change"] } }
    | undefined;
  const { code = "internal", message, hint = null, change = null } = body?.error ?? {};
  const sentence = message ?? messages().serverError(response.status);
  return new ApiError(sentence, { code, status: response.status, hint, change });
}

async function call<T>(method: string, path: string, json?: unknown): Promise<T> {
  const response = await send(method, path, json === undefined ? undefined : { json });
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

const get = <T>(path: string) => call<T>("GET", path);
const post = <T>(path: string, json: unknown = {}) => call<T>("POST", path, json);

async function getIfThere<T>(path: string): Promise<T | undefined> {
  try {
    return await get<T>(path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** "?a=1&b=2" of what is defined; a list is repeated. */
function query(values: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

const id = encodeURIComponent;

export interface ImageFilter {
  readonly search?: string;
  readonly favourite?: boolean;
  readonly trash?: boolean;
  readonly job?: string;
  readonly parent?: string;
}

export const api = {
  signIn: (token: string) => post<void>("session", { token }),
  capabilities: () => get<Capabilities>("capabilities"),
  catalogue: () => get<Catalogue>("models"),
  refreshModels: () => post<Catalogue>("models/refresh"),
  loadModel: (model: string) => post<ModelInfo>(`models/${id(model)}/load`),
  unloadModel: (model: string) => post<void>(`models/${id(model)}/unload`),
  settings: (model?: string, ipAdapter?: string) =>
    get<SettingsSchema>(`settings${query({ model, ipAdapter })}`),

  tokens: (prompt: string, model: string, load: JobLoad) => post<Tokens>("tokens", { prompt, model, load }),
  plan: (prompt: string, model: string) => post<PlanAnswer>("plans", { prompt, model }),
  readPrompt: (request: PromptRequest) => post<PromptAnswer>("prompts", request),
  forecast: (request: Pick<DrawJobRequest, "request" | "model" | "load">) =>
    post<Forecast>("forecast", request),

  forecastExplanation: (request: ExplanationForecastRequest) =>
    post<ExplanationForecast>("forecast/explanation", request),
  /** A part of an explanation that is being made; undefined if the server has it no longer. */
  finding: (job: string, number: number) =>
    getIfThere<ExplanationPart>(`jobs/${id(job)}/finding?number=${number}`),
  /** A finished explanation; undefined if it was deleted. */
  explanation: (job: string) => getIfThere<Explanation>(`jobs/${id(job)}/report`),
  /** An explanation as one file, as `nishiki explain` writes it. */
  explanationPage: async (job: string) => (await send("GET", `jobs/${id(job)}/report?as=page`)).text(),

  jobs: (filter: { state?: readonly string[]; group?: string; cursor?: string; limit?: number } = {}) =>
    get<JobPage>(`jobs${query(filter)}`),
  job: (job: string) => get<Job>(`jobs/${id(job)}`),
  putJob: (job: string, request: JobRequest) => call<Job>("PUT", `jobs/${id(job)}`, request),
  cancelJob: (job: string) => post<Job>(`jobs/${id(job)}/cancel`),
  pauseJob: (job: string) => post<Job>(`jobs/${id(job)}/pause`),
  resumeJob: (job: string) => post<Job>(`jobs/${id(job)}/resume`),
  skipImage: (job: string) => post<Job>(`jobs/${id(job)}/skip`),
  moveJob: (job: string, move: Move) => post<Job>(`jobs/${id(job)}/move`, move),
  cancelJobs: (group?: string) => post<unknown>("jobs/cancel", group === undefined ? {} : { group }),
  pauseQueue: () => post<void>("queue/pause"),
  resumeQueue: () => post<void>("queue/resume"),

  images: (filter: ImageFilter, cursor?: string, limit = 200) =>
    get<ImagePage>(`images${query({ ...filter, cursor, limit })}`),
  image: (image: string) => get<StoredImage>(`images/${image}`),
  mark: (image: string, marks: { favourite: boolean }) =>
    call<StoredImage>("PATCH", `images/${image}`, marks),
  trash: (ids: readonly string[]) => post<unknown>("images/trash", { ids }),
  restore: (ids: readonly string[]) => post<unknown>("images/restore", { ids }),
  emptyTrash: () => post<unknown>("images/empty-trash"),
  zip: async (ids: readonly string[]) => (await send("POST", "images/zip", { json: { ids } })).blob(),
  upload: async (file: Blob) => (await send("POST", "uploads", { bytes: file })).json() as Promise<Upload>,
};

export const fileUrl = (image: string) => `${base}images/${image}/file`;
export const thumbnailUrl = (image: string) => `${base}images/${image}/thumbnail`;
/** What a training or an evaluation has to show. */
export const reportUrl = (job: string) => `${base}jobs/${id(job)}/report`;
/** The preview of a job; with its number, it never changes and may be cached. */
export const previewUrl = (job: string, number: number) =>
  `${base}jobs/${id(job)}/preview.webp?number=${number}`;

/** A new id for a job. `crypto.randomUUID` is missing where the page comes over plain http from another machine. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

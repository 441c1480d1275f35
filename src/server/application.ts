// The application: everything that the server can do, as one object. The three HTTP interfaces (native, OpenAI's and
// stable-diffusion-webui's) are thin layers over it and know nothing of queues, files or processes.
import type {
  Capabilities,
  Catalogue,
  ExplanationForecast,
  ExplanationForecastRequest,
  Forecast,
  ForecastRequest,
  ImagePage,
  ImageQuery,
  Job,
  JobPage,
  JobQuery,
  JobRequest,
  ModelInfo,
  Move,
  NumberedEvent,
  PlanAnswer,
  PlanRequest,
  PromptAnswer,
  PromptRequest,
  StoredImage,
  Tokens,
  TokensRequest,
  Upload,
} from "./api/index.js";

/** An explanation as data, or as one HTML file that works from disk. */
export type ReportForm = "data" | "page";

/** What a training or an evaluation has to show. */
export interface ReportFile {
  readonly bytes: Uint8Array;
  readonly type: "text/html" | "image/png" | "application/json";
}

/** Who asks: decides whose turn it is in the queue, and nothing else. */
export interface Caller {
  readonly owner: string;
}

export interface CreatedJob {
  readonly job: Job;
  /** False if a job with this id and this request existed already. */
  readonly isNew: boolean;
}

export interface FileBytes {
  readonly bytes: Uint8Array;
  readonly type: "image/png" | "image/webp" | "image/jpeg";
}

/** All errors are NishikiErrors; `server/http` maps their codes to statuses. Ids that are not known give undefined. */
export interface Application {
  capabilities(): Promise<Capabilities>;

  catalogue(): Promise<Catalogue>;
  /** Looks at the models folders again. */
  refreshCatalogue(): Promise<Catalogue>;
  loadModel(id: string): Promise<ModelInfo | undefined>;
  /** Frees the memory of one model, or of all. */
  unloadModel(id?: string): Promise<void>;
  /** JSON Schema of the requests that a model takes, with its defaults and sizes. */
  requestSchema(model?: string, ipAdapter?: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Reads the parameters and permutations of a prompt, as a model takes them. Undefined if there is no such model. */
  readPrompt(request: PromptRequest): Promise<PromptAnswer | undefined>;
  /**
   * Plans what a model can draw of a prompt, or puts a plan into words. Loads no weights.
   * @throws NishikiError "usage" for a plan that the model cannot draw
   */
  planPrompt(request: PlanRequest): Promise<PlanAnswer | undefined>;
  /** Counts a prompt's tokens, as a model reads them beside what is loaded with it. Loads no weights. */
  countTokens(request: TokensRequest): Promise<Tokens | undefined>;
  /**
   * Forecasts the time and memory of a request. Loads no weights.
   * @throws NishikiError "usage" for a request that the model does not take
   */
  forecast(request: ForecastRequest): Promise<Forecast | undefined>;

  /**
   * Forecasts what explaining an image would take, panel by panel. Loads no weights.
   * @throws NishikiError "usage" for an image that was not drawn here
   */
  forecastExplanation(request: ExplanationForecastRequest): Promise<ExplanationForecast>;

  /**
   * Checks a job's request, fixes its seed and every setting, and queues it.
   * @param id Chosen by the client; the same id with the same request is the same job.
   * @throws NishikiError "usage" for a request that the model does not take; "conflict" for an id that another request has
   */
  createJob(request: JobRequest, caller: Caller, id?: string): Promise<CreatedJob>;
  job(id: string): Promise<Job | undefined>;
  jobs(query: JobQuery): Promise<JobPage>;
  /** Cancels a job; one that has ended stays as it is. Takes effect within a step. */
  cancelJob(id: string): Promise<Job | undefined>;
  /** Cancels all jobs that have not ended, or those of a group. @returns how many */
  cancelJobs(filter?: { readonly group?: string; readonly owner?: string }): Promise<number>;
  /** Leaves out the image that a running job is drawing, and goes on with its next one. */
  skipImage(id: string): Promise<Job | undefined>;
  pauseJob(id: string): Promise<Job | undefined>;
  resumeJob(id: string): Promise<Job | undefined>;
  moveJob(id: string, move: Move): Promise<Job | undefined>;
  /** Pauses or resumes the whole queue; the running job goes on. */
  pauseQueue(paused: boolean): Promise<void>;
  /** The newest preview of a job, or the one with this number. WebP. */
  preview(job: string, number?: number): Promise<FileBytes | undefined>;
  /** The page of an evaluation, the newest samples of a training, or an explanation as data. */
  report(job: string, as?: ReportForm): Promise<ReportFile | undefined>;

  /** A part of a running explanation by its number, from 1: fields of the explanation as JSON. */
  finding(job: string, number: number): Promise<string | undefined>;

  /**
   * Events from now on, or after an id that a client has seen; ends when the signal fires. If the events since then are no
   * longer kept, the first events repeat the state of every job that has not ended.
   */
  events(options: {
    readonly after?: string;
    readonly job?: string;
    readonly signal: AbortSignal;
  }): AsyncIterable<NumberedEvent>;

  images(query: ImageQuery): Promise<ImagePage>;
  image(id: string): Promise<StoredImage | undefined>;
  /** The original file, drawn or uploaded. */
  imageFile(id: string): Promise<FileBytes | undefined>;
  /** At most 512 pixels on the longer side. WebP. */
  thumbnail(id: string): Promise<FileBytes | undefined>;
  markImage(id: string, marks: { readonly favourite?: boolean }): Promise<StoredImage | undefined>;
  /** Puts images in the trash, or takes them out again. */
  trashImages(ids: readonly string[], trashed: boolean): Promise<readonly StoredImage[]>;
  /** Deletes what is in the trash for good. @returns how many */
  emptyTrash(): Promise<number>;
  /** Stores an image that requests refer to. Checks its size before decoding it. @throws NishikiError "data" */
  upload(bytes: Uint8Array): Promise<Upload>;

  /** Says where this server listens: a second server for the same folder names it in its refusal. */
  announce(url: string): Promise<void>;

  /** Stops drawing, ends event streams and closes the queue. Queued jobs stay queued. */
  close(): Promise<void>;
}

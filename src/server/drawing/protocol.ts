// What the server and its drawing process say to each other: plain data, sent by structured clone.
import type { ErrorCode } from "../../errors.js";
import type { ExplanationPrice } from "../../inspect/node.js";
import type {
  LoadOptions,
  PlannedPrompt,
  RequestContext,
  ScenePlan,
  TokenCount,
} from "../../pipeline/index.js";
import type { Outlook } from "../../pipeline/node.js";
import type { Found, NamedModel } from "../catalogue/found.js";
import type { WorkEvent } from "../parts.js";
import type {
  EvaluateAnswer,
  EvaluateTask,
  ExplainTask,
  PriceTask,
  TrainAnswer,
  TrainTask,
} from "../training/tasks.js";

/** Image files that a request names, by their ids. */
export type ImageFiles = ReadonlyMap<string, Uint8Array>;

/** A request whose images are ids. */
export type IdRequest = Readonly<Record<string, unknown>>;

/** A model's limits and defaults, without the check that only works inside its process. */
export type ModelContext = Omit<RequestContext, "check">;

export interface DrawTask {
  readonly kind: "draw";
  /** Identifies the pipeline, so that it is found again by later tasks. */
  readonly load: LoadOptions;
  /** Completed: the seed and every setting are fixed. */
  readonly request: IdRequest;
  readonly images: ImageFiles;
  /** Previews of each image in full size. */
  readonly partials?: number;
  /** Index of the first image: those before it are finished. */
  readonly from?: number;
}

export interface EnlargeTask {
  readonly kind: "enlarge";
  /** The image's file. */
  readonly image: Uint8Array;
  readonly factor: number;
  readonly upscaler: string;
}

/** Tasks and what each answers. */
export interface Tasks {
  /** Checks a request and fills in the defaults. */
  readonly complete: {
    readonly task: {
      readonly kind: "complete";
      readonly load: LoadOptions;
      readonly request: IdRequest;
      readonly images: ImageFiles;
    };
    readonly answer: { readonly request: IdRequest; readonly notices: readonly string[] };
  };
  /** Looks into models folders. */
  readonly scan: {
    readonly task: {
      readonly kind: "scan";
      readonly folders: readonly string[];
      readonly named: readonly NamedModel[];
    };
    readonly answer: Found;
  };
  /** Plans a prompt, or puts a plan into words. */
  readonly plan: {
    readonly task: { readonly kind: "plan"; readonly load: LoadOptions; readonly from: string | ScenePlan };
    readonly answer: PlannedPrompt | undefined;
  };
  /** A model's limits and defaults with what is loaded beside it: an IP-Adapter takes more. */
  readonly context: {
    readonly task: { readonly kind: "context"; readonly load: LoadOptions };
    readonly answer: ModelContext;
  };
  /** Counts a prompt's tokens. */
  readonly tokens: {
    readonly task: { readonly kind: "tokens"; readonly load: LoadOptions; readonly prompt: string };
    readonly answer: TokenCount | undefined;
  };
  /** What a request would take on this machine; undefined if the model does not say. */
  readonly forecast: {
    readonly task: Omit<Tasks["complete"]["task"], "kind"> & { readonly kind: "forecast" };
    readonly answer: Outlook | undefined;
  };
  readonly load: {
    readonly task: { readonly kind: "load"; readonly load: LoadOptions };
    readonly answer: undefined;
  };
  /** Frees the pipelines of one model, by its path as in the load options, or all. */
  readonly unload: {
    readonly task: { readonly kind: "unload"; readonly model?: string; readonly all: boolean };
    readonly answer: undefined;
  };
  readonly draw: { readonly task: DrawTask; readonly answer: undefined };
  readonly enlarge: { readonly task: EnlargeTask; readonly answer: undefined };
  /** What a training of so many images takes unless the user chooses. */
  readonly "plan-training": {
    readonly task: { readonly kind: "plan-training"; readonly images: number };
    readonly answer: { readonly steps: number; readonly rank: number; readonly learningRate: number };
  };
  readonly train: { readonly task: TrainTask; readonly answer: TrainAnswer };
  readonly evaluate: { readonly task: EvaluateTask; readonly answer: EvaluateAnswer };
  readonly explain: { readonly task: ExplainTask; readonly answer: string };
  /** What an explanation would take, panel by panel; undefined if the model does not say. */
  readonly "price-explanation": { readonly task: PriceTask; readonly answer: ExplanationPrice | undefined };
}
export type TaskKind = keyof Tasks;
export type Task = Tasks[TaskKind]["task"];

export type ToChild =
  | { readonly kind: "task"; readonly id: number; readonly task: Task }
  /** Stops a task. */
  | { readonly kind: "cancel"; readonly id: number }
  /** Leaves out the image being drawn and goes on with the next. */
  | { readonly kind: "skip"; readonly id: number };

/** An error as data. */
export interface ErrorData {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** A model's path in the load options; null for the embedded one. */
export type ModelPath = string | null;

export type FromChild =
  /** The models that are in memory now. */
  | { readonly kind: "loaded"; readonly models: readonly ModelPath[] }
  | { readonly kind: "event"; readonly id: number; readonly event: WorkEvent }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorData };

// What the server and its drawing process say to each other: plain data, sent by structured clone.
import type { ErrorCode } from "../../errors.js";
import type { LoadOptions, RequestContext } from "../../pipeline/index.js";
import type { WorkEvent } from "../parts.js";

/** Image files that a request names, by their ids. */
export type ImageFiles = ReadonlyMap<string, Uint8Array>;

/** A request whose images are ids. */
export type IdRequest = Readonly<Record<string, unknown>>;

/** A model's limits and defaults, without the check that only works inside its process. */
export type ModelContext = Omit<RequestContext, "check">;

/** What a model's files say about it. */
export interface ModelFacts {
  readonly family: string;
  /** A few words, such as "Stable Diffusion XL". */
  readonly what: string;
  /** Size of its files. */
  readonly bytes: number;
  /** Bytes that its weights take in memory. */
  readonly memory: number | null;
  /** What can be loaded beside it. */
  readonly loadOptions: readonly string[];
  readonly tokenLimit: number | null;
}

export interface DrawTask {
  readonly kind: "draw";
  /** Identifies the pipeline, so that it is found again by later tasks. */
  readonly load: LoadOptions;
  /** Completed: the seed and every setting are fixed. */
  readonly request: IdRequest;
  readonly images: ImageFiles;
  /** Previews of each image in full size. */
  readonly partials?: number;
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
  readonly context: {
    readonly task: { readonly kind: "context"; readonly load: LoadOptions };
    readonly answer: ModelContext;
  };
  readonly describe: {
    readonly task: { readonly kind: "describe"; readonly load: LoadOptions };
    readonly answer: { readonly context: ModelContext; readonly facts: ModelFacts };
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

export type FromChild =
  | { readonly kind: "event"; readonly id: number; readonly event: WorkEvent }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorData };

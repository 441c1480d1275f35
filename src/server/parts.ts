// The parts behind the application, and what each owes the others:
//
//     application ──▶ queue (durable; PGlite or Postgres) ◀── worker ──▶ drawer (a child process that holds the models)
//          │                                                    │
//          └──────▶ library (image files are the truth) ◀───────┘
import type {
  ImagePage,
  ImageQuery,
  Job,
  JobError,
  JobPage,
  JobQuery,
  Move,
  Parent,
  Progress,
  StoredImage,
  Upload,
} from "./api/index.js";
import type { FileBytes } from "./application.js";

/** A job with everything fixed, as the queue keeps it and a worker gets it. */
export interface JobRecord
  extends Pick<
    Job,
    | "id"
    | "kind"
    | "owner"
    | "priority"
    | "group"
    | "labels"
    | "model"
    | "modelName"
    | "request"
    | "load"
    | "parent"
    | "partials"
    | "created"
  > {
  /** What was known of the request when the job was created, one sentence each. */
  readonly warnings?: readonly string[];
}

/**
 * How a job ended. "unfinished": a slice of a long job, such as a training, is done; the job goes to the end of its
 * owner's queue and continues when its turn comes again.
 */
export interface Outcome {
  readonly state: "done" | "failed" | "cancelled" | "unfinished";
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: JobError;
}

/** What a worker reports while it runs a job. */
export type WorkEvent =
  | {
      readonly kind: "progress";
      readonly progress: Omit<Progress, "preview">;
      readonly preview?: Uint8Array;
      /** A part of an explanation, as JSON. */
      readonly finding?: string;
    }
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "image"; readonly index: number; readonly png: Uint8Array };

/** Calls back whenever the image being drawn is to be left out. @returns what ends that */
export type OnSkip = (skip: () => void) => () => void;

export interface DrawerRunOptions {
  readonly signal: AbortSignal;
  readonly onSkip?: OnSkip;
  /** Index of the first image: those before it are finished. */
  readonly from?: number;
}

/** Runs one job and reports; knows no queue. */
export interface Drawer {
  /**
   * @param images The files of the images that the request names, by their ids.
   * @throws NishikiError "aborted" after the signal; "device" if the process that draws ended by itself
   */
  run(
    job: JobRecord,
    images: ReadonlyMap<string, Uint8Array>,
    options: DrawerRunOptions,
  ): AsyncIterable<WorkEvent>;
  /** Ids of the models that are in memory. */
  loaded(): readonly string[];
  load(model: string): Promise<void>;
  unload(model?: string): Promise<void>;
  close(): Promise<void>;
}

/** What the queue asks of a worker. */
export interface Worker {
  /** Ids of the models, LoRAs, embeddings and autoencoders that this worker has; undefined: all of them. */
  readonly has?: readonly string[];
  /** Kinds of jobs that it runs; undefined: all of them. */
  readonly kinds?: readonly JobRecord["kind"][];
  /** Models in memory: their jobs are preferred, within bounds. */
  loaded(): readonly string[];
  /** Runs a job. The signal fires when the job is cancelled or paused, on whatever machine that was asked. */
  run(job: JobRecord, reporter: Reporter, signal: AbortSignal): Promise<Outcome>;
}

/** Where a worker's reports go: the queue brings them to the server, in this process or on another machine. */
export interface Reporter {
  report(event: WorkEvent): Promise<void>;
  readonly onSkip: OnSkip;
  /** The file of an image that the request names. */
  image(id: string): Promise<Uint8Array>;
}

/** A change that the queue tells its listeners: the application makes events of it. */
export type QueueChange =
  | { readonly kind: "job"; readonly id: string }
  | { readonly kind: "work"; readonly id: string; readonly event: WorkEvent }
  | { readonly kind: "order" };

/** The durable queue. Jobs that it holds without their images; the application adds those from the library. */
export interface JobQueue {
  /** Queues a job. A job that has this id already is returned as it is, with isNew false: the caller compares the two. */
  create(record: JobRecord): Promise<{ readonly job: Job; readonly isNew: boolean }>;
  get(id: string): Promise<Job | undefined>;
  list(query: JobQuery): Promise<JobPage>;
  cancel(id: string): Promise<Job | undefined>;
  cancelAll(filter?: { readonly group?: string; readonly owner?: string }): Promise<number>;
  skip(id: string): Promise<Job | undefined>;
  pause(id: string): Promise<Job | undefined>;
  resume(id: string): Promise<Job | undefined>;
  move(id: string, move: Move): Promise<Job | undefined>;
  pauseAll(paused: boolean): Promise<void>;
  /** Ids of queued jobs, next one first. */
  order(): Promise<{ readonly order: readonly string[]; readonly paused: boolean }>;
  /** Starts taking jobs for this worker. @returns a function that stops it, after the signal of its job fired */
  work(worker: Worker): () => Promise<void>;
  /**
   * Tells of every change, on whatever machine it happened. An image counts as delivered when every listener's promise
   * has resolved: only then does its job end, so a listener that stores images may rely on seeing them all.
   */
  onChange(listener: (change: QueueChange) => void | Promise<void>): () => void;
  close(): Promise<void>;
}

/** Files and their index. Files are named by content and written atomically; the index can be made again from them. */
export interface Library {
  /** Stores a drawn image. Storing it again changes nothing. */
  addDrawn(
    png: Uint8Array,
    about: {
      readonly job: string;
      readonly index: number;
      readonly parent: Parent | null;
      readonly mask: string | null;
      readonly modelId: string;
      readonly created: string;
    },
  ): Promise<StoredImage>;
  upload(bytes: Uint8Array): Promise<Upload>;
  images(query: ImageQuery): Promise<ImagePage>;
  image(id: string): Promise<StoredImage | undefined>;
  imagesOfJob(job: string): Promise<readonly StoredImage[]>;
  file(id: string): Promise<FileBytes | undefined>;
  /** Whether there is a file with this id. */
  has(id: string): Promise<boolean>;
  thumbnail(id: string): Promise<FileBytes | undefined>;
  mark(id: string, marks: { readonly favourite?: boolean }): Promise<StoredImage | undefined>;
  trash(ids: readonly string[], trashed: boolean): Promise<readonly StoredImage[]>;
  emptyTrash(): Promise<readonly string[]>;
  /** Makes the index again from the files. @returns how many images */
  reindex(onProgress?: (done: number, all: number) => void): Promise<number>;
  close(): Promise<void>;
}

/** The database, embedded or not. Every part creates its own tables, in the schema "nishiki". */
export interface Database {
  readonly kind: "pglite" | "postgres";
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs statements in one transaction, which is rolled back where `work` throws. */
  transaction<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// Draws jobs in the drawing process.
import type { LoadOptions, ScenePlan } from "../../pipeline/index.js";
import type { JobLoad } from "../api/index.js";
import type { Found, NamedModel } from "../catalogue/found.js";
import type { Drawer, DrawerRunOptions, JobRecord, WorkEvent } from "../parts.js";
import type { RunTaskOptions } from "../training/run-long-job.js";
import type { EvaluateTask, PriceTask, TrainTask } from "../training/tasks.js";
import { DrawingProcess, type DrawingProcessOptions } from "./drawing-process.js";
import type { DrawTask, EnlargeTask, IdRequest, ImageFiles, ModelPath, Tasks } from "./protocol.js";

/** Finds the files of a model and its additions. @throws NishikiError "usage" for ids that are not in the catalogue */
export type ResolveModel = (model: string, load: JobLoad) => Promise<LoadOptions>;

/** A drawer that also answers questions about models. */
export interface ProcessDrawer extends Drawer {
  /** Checks a request and fills in its defaults. @throws NishikiError "usage" and what opening the model throws */
  complete(
    model: string,
    load: JobLoad,
    request: IdRequest,
    images: ImageFiles,
  ): Promise<Tasks["complete"]["answer"]>;
  /** Forecasts what a request would take; undefined if the model does not say. @throws as `complete` does */
  forecast(
    model: string,
    load: JobLoad,
    request: IdRequest,
    images: ImageFiles,
  ): Promise<Tasks["forecast"]["answer"]>;
  /** Forecasts what an explanation would take; undefined if the model does not say. @throws as `complete` does */
  priceExplanation(
    model: string,
    load: JobLoad,
    task: Pick<PriceTask, "request" | "images" | "amounts">,
  ): Promise<Tasks["price-explanation"]["answer"]>;
  /** Looks into models folders. */
  scan(folders: readonly string[], named?: readonly NamedModel[]): Promise<Found>;
  /** A prompt's plan, or a plan's words; undefined if the model needs none. */
  plan(model: string, from: string | ScenePlan): Promise<Tasks["plan"]["answer"]>;
  /** A model's limits and defaults with what is loaded beside it. @throws what opening the model throws */
  context(model: string, load: JobLoad): Promise<Tasks["context"]["answer"]>;
  /** A prompt's tokens; undefined if the model does not count them. */
  tokens(model: string, load: JobLoad, prompt: string): Promise<Tasks["tokens"]["answer"]>;
  /** What a training of so many images takes unless the user chooses. */
  planTraining(images: number): Promise<Tasks["plan-training"]["answer"]>;
  /** Runs a slice of a training or an evaluation. */
  runLong<T>(task: TrainTask | EvaluateTask, options: RunTaskOptions): Promise<T>;
  /** The drawing process's id while there is one. */
  readonly pid: number | undefined;
}

/** Makes a drawer; its process starts with the first task. */
export function makeDrawer(
  resolve: ResolveModel,
  onChange: () => void = () => {},
  options: Pick<DrawingProcessOptions, "idleMilliseconds"> = {},
): ProcessDrawer {
  /** The paths of models by their ids, as far as they were used. */
  const paths = new Map<string, ModelPath>();
  const process = new DrawingProcess({ ...options, onLoaded: onChange });
  const find = async (model: string, load: JobLoad): Promise<LoadOptions> => {
    const files = await resolve(model, load);
    paths.set(model, files.model ?? null);
    return files;
  };

  async function* run(
    job: JobRecord,
    images: ImageFiles,
    { signal, onSkip, from }: DrawerRunOptions,
  ): AsyncGenerator<WorkEvent, void, void> {
    const leaving = new AbortController();
    const events = new EventList();
    const work = process
      .run(makeTask(job, await find(job.model, job.load), images, from), {
        signal: AbortSignal.any([signal, leaving.signal]),
        ...(onSkip && { onSkip }),
        onEvent: (event) => events.add(event),
      })
      .finally(() => events.end());
    work.catch(() => {}); // thrown below, behind the events before it
    try {
      yield* events;
      await work;
    } finally {
      leaving.abort();
    }
  }

  return {
    run,
    loaded: () => [...paths].filter(([, path]) => process.loaded.includes(path)).map(([id]) => id),
    complete: async (model, load, request, images) =>
      process.run({ kind: "complete", load: await find(model, load), request, images }),
    forecast: async (model, load, request, images) =>
      process.run({ kind: "forecast", load: await find(model, load), request, images }),
    priceExplanation: async (model, load, task) =>
      process.run({ kind: "price-explanation", load: await find(model, load), ...task }),
    plan: async (model, from) => process.run({ kind: "plan", load: await find(model, {}), from }),
    context: async (model, load) => process.run({ kind: "context", load: await find(model, load) }),
    tokens: async (model, load, prompt) =>
      process.run({ kind: "tokens", load: await find(model, load), prompt }),
    planTraining: (count) => process.run({ kind: "plan-training", images: count }),
    runLong: async <T>(task: TrainTask | EvaluateTask, options: RunTaskOptions) =>
      (await process.run(task, options)) as T,
    scan: (folders, named = []) => process.run({ kind: "scan", folders, named }),
    load: async (model) => process.run({ kind: "load", load: await find(model, {}) }),
    async unload(model) {
      if (process.pid === undefined) return;
      const path = model === undefined ? undefined : (await find(model, {})).model;
      const only = path === undefined ? {} : { model: path };
      await process.run({ kind: "unload", all: model === undefined, ...only });
    },
    close: () => process.close(),
    get pid() {
      return process.pid;
    },
  };
}

function makeTask(
  { kind, request, partials }: JobRecord,
  load: LoadOptions,
  images: ImageFiles,
  from = 0,
): DrawTask | EnlargeTask {
  if (kind !== "enlarge") return { kind: "draw", load, request, images, from, ...(partials && { partials }) };
  const { image, factor, upscaler } = request as Omit<EnlargeTask, "image"> & { readonly image: string };
  return { kind, image: images.get(image)!, factor, upscaler };
}

/** The number of waiting events from which progress that is out of date is left out. */
const mostWaiting = 50;

/** Events that may arrive faster than they are taken, when the database is away. */
class EventList implements AsyncIterable<WorkEvent> {
  readonly #events: WorkEvent[] = [];
  #isEnded = false;
  #wake = () => {};

  add(event: WorkEvent): void {
    const isOld = this.#events.length > mostWaiting && this.#events.at(-1)!.kind === "progress";
    if (isOld && event.kind === "progress") this.#events.pop();
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WorkEvent, void, void> {
    for (;;) {
      while (this.#events.length > 0) yield this.#events.shift()!;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

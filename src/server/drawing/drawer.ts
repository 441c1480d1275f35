// Draws jobs in the drawing process.
import type { LoadOptions } from "../../pipeline/index.js";
import type { JobLoad } from "../api/index.js";
import type { Found } from "../catalogue/found.js";
import type { Drawer, JobRecord, OnSkip, WorkEvent } from "../parts.js";
import { DrawingProcess } from "./drawing-process.js";
import type { IdRequest, ImageFiles, Tasks } from "./protocol.js";

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
  /** Looks into models folders. */
  scan(folders: readonly string[]): Promise<Found>;
  /** A prompt's tokens; undefined if the model does not count them. */
  tokens(model: string, load: JobLoad, prompt: string): Promise<Tasks["tokens"]["answer"]>;
  /** The drawing process's id while there is one. */
  readonly pid: number | undefined;
}

/** Makes a drawer; its process starts with the first task. */
export function makeDrawer(resolve: ResolveModel, onChange: () => void = () => {}): ProcessDrawer {
  const loaded = new Set<string>();
  const forget = () => {
    if (loaded.size === 0) return;
    loaded.clear();
    onChange();
  };
  const process = new DrawingProcess({ onEnd: forget });
  const remember = (model: string) => {
    if (loaded.has(model)) return;
    loaded.add(model);
    onChange();
  };

  async function* run(
    { model, load, request, partials }: JobRecord,
    images: ImageFiles,
    { signal, onSkip }: { readonly signal: AbortSignal; readonly onSkip?: OnSkip },
  ): AsyncGenerator<WorkEvent, void, void> {
    const leaving = new AbortController();
    const events = new EventList<WorkEvent>();
    const work = process
      .run(
        { kind: "draw", load: await resolve(model, load), request, images, ...(partials && { partials }) },
        {
          signal: AbortSignal.any([signal, leaving.signal]),
          ...(onSkip && { onSkip }),
          onEvent: (event) => events.add(event),
        },
      )
      .finally(() => events.end());
    work.catch(() => {}); // thrown below, behind the events before it
    try {
      for await (const event of events) {
        if (event.kind === "progress" && event.progress.step > 0) remember(model);
        yield event;
      }
      await work;
    } finally {
      leaving.abort();
    }
  }

  return {
    run,
    loaded: () => [...loaded],
    complete: async (model, load, request, images) =>
      process.run({ kind: "complete", load: await resolve(model, load), request, images }),
    tokens: async (model, load, prompt) =>
      process.run({ kind: "tokens", load: await resolve(model, load), prompt }),
    scan: (folders) => process.run({ kind: "scan", folders }),
    async load(model) {
      await process.run({ kind: "load", load: await resolve(model, {}) });
      remember(model);
    },
    async unload(model) {
      const path = model === undefined ? undefined : (await resolve(model, {})).model;
      if (process.pid !== undefined)
        await process.run({
          kind: "unload",
          all: model === undefined,
          ...(path !== undefined && { model: path }),
        });
      if (model === undefined) forget();
      else if (loaded.delete(model)) onChange();
    },
    close: () => process.close(),
    get pid() {
      return process.pid;
    },
  };
}

/** Events that arrive faster than they are taken. */
class EventList<T> implements AsyncIterable<T> {
  readonly #events: T[] = [];
  #isEnded = false;
  #wake = () => {};

  add(event: T): void {
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      while (this.#events.length > 0) yield this.#events.shift()!;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

// The models of a drawing process: opened once, loaded once, and freed when others need their memory.
import {
  type LoadOptions,
  Pipeline,
  type ProgressEvent,
  SessionPool,
  usualBudget,
} from "../../pipeline/index.js";
import { type OpenedModel, openModel } from "../../pipeline/node.js";
import type { ModelPath } from "./protocol.js";

/** Pipelines that stay ready beside each other; their networks share the memory budget. */
const mostPipelines = 4;

interface Entry {
  readonly load: LoadOptions;
  readonly opened: Promise<OpenedModel>;
  pipeline?: Promise<Pipeline>;
  isLoaded?: boolean;
}

export class Pipelines {
  readonly #onChange: (models: readonly ModelPath[]) => void;
  readonly #sessions = new SessionPool({ budget: usualBudget });
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** @param onChange Told which models are in memory. */
  constructor(onChange: (models: readonly ModelPath[]) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** A model with its headers read: enough to check a request. @throws NishikiError "file", "checkpoint", "usage" */
  open(load: LoadOptions): Promise<OpenedModel> {
    return this.#entry(load).opened;
  }

  /** A model that is ready to draw. @throws NishikiError "file", "checkpoint", "memory", "device", "aborted" */
  async get(
    load: LoadOptions,
    watch: { signal?: AbortSignal; onProgress?: (event: ProgressEvent) => void } = {},
  ): Promise<Pipeline> {
    const entry = this.#entry(load);
    const opened = await entry.opened;
    entry.pipeline ??= opened.load({ ...watch, ...this.#shared(load) }).then((parts) => new Pipeline(parts));
    try {
      const pipeline = await entry.pipeline;
      if (!entry.isLoaded) {
        entry.isLoaded = true;
        this.#tell();
      }
      return pipeline;
    } catch (error) {
      delete entry.pipeline; // The next request tries again.
      throw error;
    }
  }

  /** Frees the pipelines of a model, or all. @param model Its path as in the load options; undefined: the embedded one. */
  async unload(model: string | undefined, all: boolean): Promise<void> {
    const names = [...this.#entries].filter(([, { load }]) => all || load.model === model);
    await Promise.all(names.map(([name]) => this.#drop(name)));
  }

  /** A device that keeps all its networks has a pool of its own for each model. */
  #shared({ device = "auto", lowMemory, keepLoaded }: LoadOptions) {
    const isCpu = device === "cpu" || device === "auto";
    return isCpu && !lowMemory && !keepLoaded ? { sessions: this.#sessions } : {};
  }

  #entry(load: LoadOptions): Entry {
    const name = JSON.stringify(Object.entries(load).sort(([a], [b]) => (a < b ? -1 : 1)));
    const entry = this.#entries.get(name) ?? this.#open(name, load);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const surplus = [...this.#entries.keys()].slice(0, -mostPipelines);
    for (const old of surplus) void this.#drop(old);
    return entry;
  }

  #open(name: string, load: LoadOptions): Entry {
    const entry: Entry = { load, opened: openModel(load) };
    // A model that could not be opened is looked at again: its files may have been completed since.
    entry.opened.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
    return entry;
  }

  async #drop(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    await entry?.pipeline?.then((pipeline) => pipeline.dispose()).catch(() => {});
    if (entry?.isLoaded) this.#tell();
  }

  #tell(): void {
    const loaded = [...this.#entries.values()].filter(({ isLoaded }) => isLoaded);
    this.#onChange([...new Set(loaded.map(({ load }) => load.model ?? null))]);
  }
}

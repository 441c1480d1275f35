// The models of a drawing process: opened once, loaded once, and freed when others need their memory.
import { NishikiError } from "../../errors.js";
import {
  checkAborted,
  type LoadOptions,
  Pipeline,
  SessionPool,
  usualBudget,
  type Watch,
} from "../../pipeline/index.js";
import { type OpenedModel, openModel } from "../../pipeline/node.js";
import { stampFiles } from "../catalogue/sizes.js";
import type { ModelPath } from "./protocol.js";

/** Models that stay loaded beside each other; their networks share the memory budget. */
const mostLoaded = 4;
/** Models whose headers are remembered. */
const mostOpened = 32;

interface Entry {
  readonly load: LoadOptions;
  readonly opened: Promise<OpenedModel>;
  pipeline?: Promise<Pipeline>;
  isLoaded: boolean;
  /** Jobs that draw with it: it is freed when the last of them has ended. */
  users: number;
  /** Whether it is to be freed. */
  isLeaving: boolean;
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
  async open(load: LoadOptions): Promise<OpenedModel> {
    return (await this.#find(load)).opened;
  }

  /**
   * Works with a model, and loads it first if necessary. It is not freed meanwhile.
   * @throws NishikiError "file", "checkpoint", "memory", "device", "aborted"
   */
  async use<T>(load: LoadOptions, work: (pipeline: Pipeline) => Promise<T>, watch: Watch = {}): Promise<T> {
    const entry = await this.#find(load);
    entry.users += 1;
    try {
      const pipeline = await this.#load(entry, watch);
      checkAborted(watch.signal); // Another request may have loaded it, whose signal this one's is not.
      return await work(pipeline);
    } finally {
      entry.users -= 1;
      if (entry.isLeaving) await this.#free(entry);
    }
  }

  /** Whether a model is in memory. */
  isLoaded(load: LoadOptions): boolean {
    const model = load.model;
    return [...this.#entries.values()].some((entry) => entry.isLoaded && entry.load.model === model);
  }

  /** Frees the pipelines of a model, or all. @param model Its path as in the load options; undefined: the embedded one. */
  async unload(model: string | undefined, all: boolean): Promise<void> {
    const names = [...this.#entries].filter(([, { load }]) => all || load.model === model);
    await Promise.all(names.map(([name]) => this.#drop(name)));
  }

  async #load(entry: Entry, watch: Watch): Promise<Pipeline> {
    const opened = await entry.opened;
    const loading = entry.pipeline ?? this.#begin(entry, opened, watch);
    try {
      const pipeline = await loading;
      if (!entry.isLoaded) {
        entry.isLoaded = true;
        this.#tell();
        this.#makeRoom();
      }
      return pipeline;
    } catch (error) {
      if (entry.pipeline === loading) delete entry.pipeline; // The next request tries again.
      const isOthers = error instanceof NishikiError && error.code === "aborted" && !watch.signal?.aborted;
      if (isOthers) return this.#load(entry, watch); // Another request loaded it, and was cancelled.
      throw error;
    }
  }

  #begin(entry: Entry, opened: OpenedModel, watch: Watch): Promise<Pipeline> {
    entry.pipeline = opened
      .load({ ...watch, ...this.#shared(entry.load) })
      .then((parts) => new Pipeline(parts));
    return entry.pipeline;
  }

  /** A device that keeps all its networks has a pool of its own for each model. */
  #shared({ device = "auto", lowMemory, keepLoaded }: LoadOptions) {
    const isCpu = device === "cpu" || device === "auto";
    return isCpu && !lowMemory && !keepLoaded ? { sessions: this.#sessions } : {};
  }

  /** Files that were replaced meanwhile are another model. */
  async #find(load: LoadOptions): Promise<Entry> {
    const paths = listPaths(load);
    const options = Object.entries(load).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = JSON.stringify([options, await Promise.all(paths.map(stampFiles))]);
    const entry = this.#entries.get(name) ?? this.#open(name, load);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const opened = [...this.#entries].filter(([, { pipeline, users }]) => !pipeline && users === 0);
    for (const [old] of opened.slice(0, -mostOpened)) this.#entries.delete(old);
    return entry;
  }

  #open(name: string, load: LoadOptions): Entry {
    const entry: Entry = { load, opened: openModel(load), isLoaded: false, users: 0, isLeaving: false };
    // A model that could not be opened is looked at again: its files may have been completed since.
    entry.opened.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
    return entry;
  }

  #makeRoom(): void {
    const loaded = [...this.#entries].filter(([, { isLoaded }]) => isLoaded);
    const idle = loaded.filter(([, { users }]) => users === 0).map(([name]) => name);
    for (const old of idle.slice(0, Math.max(0, loaded.length - mostLoaded))) void this.#drop(old);
  }

  async #drop(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    entry.isLeaving = true;
    if (entry.users === 0) await this.#free(entry);
  }

  async #free(entry: Entry): Promise<void> {
    if (entry.users > 0) return;
    await entry.pipeline?.then((pipeline) => pipeline.dispose()).catch(() => {});
    if (entry.isLoaded) this.#tell();
  }

  #tell(): void {
    const loaded = [...this.#entries.values()].filter(({ isLoaded }) => isLoaded);
    this.#onChange([...new Set(loaded.map(({ load }) => load.model ?? null))]);
  }
}

/** The files and folders that are loaded. */
function listPaths({ model, vae, base, ipAdapter, lora = [], embedding = [] }: LoadOptions): string[] {
  const loras = (Array.isArray(lora) ? lora : [lora]) as readonly (string | { readonly file: string })[];
  const files = loras.map((one) => (typeof one === "string" ? one : one.file));
  const words = Array.isArray(embedding) ? (embedding as readonly string[]) : [embedding as string];
  return [model, vae, base, ipAdapter, ...files, ...words].filter(
    (path): path is string => path !== undefined,
  );
}

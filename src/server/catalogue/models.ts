// The catalogue as clients see and use it: what there is, what is loaded, and how fast it is.

import { readMemory } from "../../pipeline/node.js";
import type { Catalogue, Job, ModelInfo } from "../api/index.js";
import type { Drawer, WorkEvent } from "../parts.js";
import type { ModelList } from "./catalogue.js";
import { describeModel } from "./describe.js";
import type { Speeds } from "./speeds.js";

export interface ModelsParts {
  readonly list: ModelList;
  readonly drawer: Drawer;
  readonly speeds: Speeds;
  /** Models were loaded, freed or found. */
  readonly onChange: () => void;
}

export class Models {
  readonly #parts: ModelsParts;
  readonly #loading = new Set<string>();

  constructor(parts: ModelsParts) {
    this.#parts = parts;
  }

  async list(): Promise<ModelInfo[]> {
    const { list, drawer, speeds } = this.#parts;
    const [models, memory] = await Promise.all([list.models(), readMemory()]);
    const states = {
      loaded: drawer.loaded(),
      loading: [...this.#loading],
      secondsPerImage: (id: string) => speeds.get(id),
    };
    return [...models].map(([id, model]) => describeModel(id, model, states, memory));
  }

  async catalogue(): Promise<Catalogue> {
    const { list } = this.#parts;
    return { models: await this.list(), additions: [...(await list.additions())], default: list.default };
  }

  async refresh(): Promise<Catalogue> {
    await this.#parts.list.refresh();
    this.#parts.onChange();
    return this.catalogue();
  }

  async load(id: string): Promise<ModelInfo | undefined> {
    const { list, drawer, onChange } = this.#parts;
    if (!(await list.find(id))) return undefined;
    this.#loading.add(id);
    onChange();
    try {
      await drawer.load(id);
    } finally {
      this.#loading.delete(id);
      onChange();
    }
    return (await this.list()).find((model) => model.id === id);
  }

  async unload(id?: string): Promise<void> {
    const { list, drawer } = this.#parts;
    if (id === undefined || (await list.find(id))) await drawer.unload(id);
  }

  /** Measures how long images take, from a job's reports. */
  async measure(job: Job, event: WorkEvent): Promise<void> {
    if (event.kind === "warning" || job.kind !== "draw") return;
    const { list, speeds } = this.#parts;
    const context = (await list.find(job.model))?.known?.context;
    if (!context) return;
    const { steps, size } = job.request as {
      readonly steps: number;
      readonly size: { width: number; height: number };
    };
    const { usual } = context.sizes;
    const share =
      (steps / context.defaults.steps) * ((size.width * size.height) / (usual.width * usual.height));
    speeds.take(job.id, job.model, event, share);
  }

  /** A job does not run any more. */
  forget(job: string): void {
    this.#parts.speeds.forget(job);
  }
}

// The models that this server draws with, by ids that never show a path.
import { NishikiError, unknownName } from "../../errors.js";
import type { LoadOptions } from "../../pipeline/index.js";
import type { Addition, JobLoad } from "../api/index.js";
import type { Found, FoundAddition, FoundModel } from "./found.js";
import { giveIds } from "./ids.js";

/** The model that comes with the program is there before any folder was looked into. */
export const embeddedId = "embedded";

const embedded: FoundModel = { name: "Nishiki", path: undefined, bytes: 0 };

export class ModelList {
  readonly default = embeddedId;
  readonly #scan: () => Promise<Found>;
  #models: ReadonlyMap<string, FoundModel> = new Map([[embeddedId, embedded]]);
  #additions: ReadonlyMap<string, FoundAddition> = new Map();
  #scanning: Promise<void> | undefined;

  constructor(scan: () => Promise<Found>) {
    this.#scan = scan;
  }

  /** All models by id. */
  async models(): Promise<ReadonlyMap<string, FoundModel>> {
    await this.#ready();
    return this.#models;
  }

  async additions(): Promise<readonly Addition[]> {
    await this.#ready();
    return [...this.#additions].map(([id, { kind, name, bytes, family, words }]) => ({
      id,
      kind,
      name,
      bytes,
      family,
      words: [...words],
    }));
  }

  async find(id: string): Promise<FoundModel | undefined> {
    return (await this.models()).get(id);
  }

  /** Looks into the folders again. */
  refresh(): Promise<void> {
    const scanning = this.#look();
    this.#scanning = scanning;
    scanning.catch(() => {
      if (this.#scanning === scanning) this.#scanning = undefined; // The next question tries again.
    });
    return scanning;
  }

  /**
   * The files of a model and what is loaded beside it.
   * @throws NishikiError "usage" for ids that are not in the catalogue, "checkpoint" for a broken model
   */
  async resolve(id: string, load: JobLoad): Promise<LoadOptions> {
    // The embedded model draws while large folders are still being looked into.
    if (id === embeddedId && Object.keys(load).length === 0) return {};
    const models = await this.models();
    const model = models.get(id);
    if (!model) throw unknownName("model", id, [...models.keys()]);
    if (model.problem !== undefined) throw new NishikiError("checkpoint", model.problem);
    const { loras = [], embeddings = [], vae, ipAdapter, precision } = load;
    return {
      ...(model.path !== undefined && { model: model.path }),
      ...(loras.length > 0 && {
        lora: loras.map((lora) => ({ file: this.#path("lora", lora.id), weight: lora.weight })),
      }),
      ...(embeddings.length > 0 && { embedding: embeddings.map((name) => this.#path("embedding", name)) }),
      ...(vae !== undefined && { vae: this.#path("vae", vae) }),
      ...(ipAdapter !== undefined && { ipAdapter: this.#path("ipAdapter", ipAdapter) }),
      ...(precision !== undefined && { precision }),
    };
  }

  #path(kind: FoundAddition["kind"], id: string): string {
    const addition = this.#additions.get(id);
    if (addition?.kind === kind) return addition.path;
    const choices = [...this.#additions].filter(([, one]) => one.kind === kind).map(([name]) => name);
    const title = { lora: "LoRA", embedding: "embedding", vae: "autoencoder", ipAdapter: "IP-Adapter" }[kind];
    if (choices.length > 0) throw unknownName(title, id, choices);
    throw new NishikiError("usage", `Unknown ${title} "${id}": there is none in the models folders.`);
  }

  #ready(): Promise<void> {
    return this.#scanning ?? this.refresh();
  }

  async #look(): Promise<void> {
    const { models, additions } = await this.#scan();
    const [own, ...others] = models;
    this.#models = new Map([[embeddedId, own!], ...giveIds(others, [embeddedId])]);
    this.#additions = giveIds(additions);
  }
}

// What clients see of the models.
import type { ModelInfo } from "../api/index.js";
import type { ProcessDrawer } from "../drawing/drawer.js";
import type { CatalogueModel, ModelList } from "./catalogue.js";

export function describeModels({ models }: ModelList, drawer: ProcessDrawer): Promise<ModelInfo[]> {
  return Promise.all(models.map((model) => describeModel(model, drawer)));
}

async function describeModel({ id, name }: CatalogueModel, drawer: ProcessDrawer): Promise<ModelInfo> {
  const { context, facts } = await drawer.describe(id);
  return {
    id,
    name,
    family: facts.family,
    what: facts.what,
    bytes: facts.bytes,
    memory: facts.memory,
    fits: { fits: true, reason: null },
    state: drawer.loaded().includes(id) ? "loaded" : "ready",
    problem: null,
    takes: [...context.takes],
    loadOptions: [...facts.loadOptions],
    defaults: { ...context.defaults },
    sizes: { ...context.sizes },
    tokenLimit: facts.tokenLimit,
    licence: null,
    secondsPerImage: null,
  };
}

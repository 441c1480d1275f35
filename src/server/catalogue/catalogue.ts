// The models that this server draws with, by ids that never show a path.
import { NishikiError, unknownName } from "../../errors.js";
import type { LoadOptions } from "../../pipeline/index.js";
import type { JobLoad } from "../api/index.js";
import type { ModelFilesSource } from "../drawing/drawer.js";

export const embeddedId = "embedded";

export interface CatalogueModel {
  readonly id: string;
  readonly name: string;
  /** Undefined: the embedded model. */
  readonly path: string | undefined;
}

export interface ModelList extends ModelFilesSource {
  readonly models: readonly CatalogueModel[];
  readonly default: string;
  /** @throws NishikiError "usage" */
  get(id: string): CatalogueModel;
}

export function makeModelList(): ModelList {
  const models: readonly CatalogueModel[] = [{ id: embeddedId, name: "Nishiki", path: undefined }];
  const get = (id: string) => {
    const model = models.find((one) => one.id === id);
    if (!model)
      throw unknownName(
        "model",
        id,
        models.map((one) => one.id),
      );
    return model;
  };
  return {
    models,
    default: embeddedId,
    get,
    resolve(id, load) {
      const { path } = get(id);
      return { ...(path !== undefined && { model: path }), ...resolveAdditions(load) };
    },
  };
}

function resolveAdditions({ loras = [], embeddings = [], vae, precision }: JobLoad): LoadOptions {
  const missing = [...loras.map(({ id }) => id), ...embeddings, ...(vae === undefined ? [] : [vae])][0];
  if (missing !== undefined)
    throw new NishikiError(
      "usage",
      `There is no LoRA, embedding or autoencoder "${missing}" in the catalogue.`,
    );
  return precision === undefined ? {} : { precision };
}

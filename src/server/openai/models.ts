// Models by the names that clients use. Many programs have OpenAI's names built in: those mean the default model.
import type { Catalogue, ModelInfo } from "../api/index.js";
import type { Application } from "../application.js";
import { Refusal } from "./errors.js";

/** OpenAI's image models, and dated versions of them. */
const knownNames = /^(?:gpt-image-\d[\w.-]*|chatgpt-image-[\w.-]+|dall-e-[\w.-]+)$/;

/** Names whose answers hold URLs unless the request asks for the bytes. */
export const answersWithUrls = (name: string | undefined) => name !== undefined && /^dall-e-[23]/.test(name);

/** Finds the model that a request means. @throws Refusal with status 404 */
export async function findModel(application: Application, name: string | undefined): Promise<ModelInfo> {
  const catalogue = await application.catalogue();
  const model = lookUp(catalogue, name);
  if (model) return model;
  const choices = catalogue.models.map(({ id }) => id);
  const listed = choices.length > 20 ? `${choices.slice(0, 20).join(", ")} and more` : choices.join(", ");
  const message = `The model ${JSON.stringify((name ?? "").slice(0, 80))} does not exist. Choose one of: ${listed}.`;
  throw new Refusal(404, message, { param: "model", code: "model_not_found" });
}

function lookUp({ models, default: usual }: Catalogue, name: string | undefined): ModelInfo | undefined {
  const byId = (id: string) => models.find((model) => model.id === id);
  if (name === undefined) return byId(usual);
  return byId(name) ?? (knownNames.test(name) ? byId(usual) : undefined);
}

/** A model as their API lists it. @param name The name that was asked for, if it is another one. */
export const describeModel = (model: ModelInfo, name = model.id) => ({
  id: name,
  object: "model" as const,
  // Their API says when a model was made; files do not.
  created: 0,
  owned_by: model.family,
  name: model.name,
  ...(name !== model.id && { model: model.id }),
});

// Models by the names that clients use. Many programs have OpenAI's names built in: those mean the default model.
import { listSome, quote } from "../../errors.js";
import type { Catalogue, ModelInfo } from "../api/index.js";
import { Refusal } from "./errors.js";
import type { Parameters } from "./parameters.js";

/** OpenAI's image models, and dated versions of them. */
const knownNames = /^(?:gpt-image-\d[\w.-]*|chatgpt-image-[\w.-]+|dall-e-[\w.-]+)$/;

/** Names whose answers hold URLs unless the request asks for the bytes. */
export const answersWithUrls = (name: string | undefined) => name !== undefined && /^dall-e-[23]/.test(name);

/** Finds the model that a request means. @throws Refusal with status 404 */
export function findModel(catalogue: Catalogue, name: string | undefined): ModelInfo {
  const model = lookUp(catalogue, name);
  if (model?.problem) {
    const message = `The model ${quote(model.id)} cannot be used: ${model.problem}`;
    throw new Refusal(400, message, { param: "model", code: "model_broken" });
  }
  if (model) return model;
  const choices = getUsable(catalogue).map(({ id }) => id);
  const message = `The model ${quote(name ?? "")} does not exist. Choose one of: ${listSome(choices, 20)}.`;
  throw new Refusal(404, message, { param: "model", code: "model_not_found" });
}

/** The models that can draw. */
export const getUsable = ({ models }: Catalogue) => models.filter(({ problem }) => problem === null);

function lookUp({ models, default: usual }: Catalogue, name: string | undefined): ModelInfo | undefined {
  const byId = (id: string) => models.find((model) => model.id === id);
  if (name === undefined) return byId(usual);
  return byId(name) ?? (knownNames.test(name) ? byId(usual) : undefined);
}

/** Looks up what is loaded beside the model. @throws Refusal */
export function checkAdditions({ additions }: Catalogue, { lora, embeddings, vae }: Parameters): void {
  const wanted = [
    ...(lora ?? []).map(({ id }) => ({ param: "lora", kind: "lora", id })),
    ...(embeddings ?? []).map((id) => ({ param: "embeddings", kind: "embedding", id })),
    ...(vae === undefined ? [] : [{ param: "vae", kind: "vae", id: vae }]),
  ];
  for (const { param, kind, id } of wanted) {
    if (additions.some((addition) => addition.kind === kind && addition.id === id)) continue;
    const choices = additions.filter((addition) => addition.kind === kind).map((addition) => addition.id);
    const listed = choices.length === 0 ? "there is none here" : `there are ${listSome(choices, 20)}`;
    throw new Refusal(400, `${param}: ${quote(id)} is not in the models folders; ${listed}.`, { param });
  }
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

// The lists that clients fill their menus from.
import { samplers, stepSchedules } from "../../diffusion/index.js";
import type { Addition, Capabilities, Catalogue } from "../api/index.js";
import { getTitle } from "./options.js";

export const listSamplers = () =>
  Object.values(samplers).map(({ name, label, aliases }) => ({
    name: label,
    aliases: [...new Set([...aliases, name])],
    options: {},
  }));

export const listSchedulers = () => [
  { name: "automatic", label: "Automatic", aliases: null, default_rho: -1, need_inner_model: false },
  ...Object.entries(stepSchedules).map(([name, { label, aliases }]) => ({
    name,
    label,
    aliases: aliases.length > 0 ? aliases : null,
    default_rho: name === "karras" ? 7 : -1,
    need_inner_model: false,
  })),
];

export const listModels = ({ models }: Catalogue) =>
  models
    .filter(({ state }) => state !== "broken")
    .map((model) => ({
      title: getTitle(model),
      model_name: model.id,
      hash: null,
      sha256: null,
      filename: model.id,
      config: null,
    }));

const ofKind = ({ additions }: Catalogue, kind: Addition["kind"]) =>
  additions.filter((addition) => addition.kind === kind);

export const listVaes = (catalogue: Catalogue) =>
  ofKind(catalogue, "vae").map(({ id }) => ({ model_name: id, filename: id }));

export const listLoras = (catalogue: Catalogue) =>
  ofKind(catalogue, "lora").map(({ id, name, words, family }) => ({
    name: id,
    alias: name,
    path: id,
    metadata: { ...(family !== null && { family }), ...(words.length > 0 && { words }) },
  }));

export const listEmbeddings = (catalogue: Catalogue) => ({
  loaded: Object.fromEntries(
    ofKind(catalogue, "embedding").map(({ id }) => [
      id,
      { step: null, sd_checkpoint: null, sd_checkpoint_name: null, shape: null, vectors: null },
    ]),
  ),
  skipped: {},
});

/** Upscalers that need no network come with webui's names. */
export const listUpscalers = ({ upscalers }: Capabilities) => [
  ...["None", "Nearest"].map((name) => ({
    name,
    model_name: null,
    model_path: null,
    model_url: null,
    scale: 4,
  })),
  ...upscalers.map(({ label, factors }) => ({
    name: label,
    model_name: null,
    model_path: null,
    model_url: null,
    scale: Math.max(...factors, 1),
  })),
];

export const showMemory = ({ memory: { total, free } }: Capabilities) => ({
  ram: { free, used: total - free, total },
  cuda: { error: "unavailable" },
});

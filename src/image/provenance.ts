// Which program made a picture, and what its texts say about how: Nishiki, stable-diffusion-webui and those that write
// its text, ComfyUI, InvokeAI.

import { type PictureParameters, parseParameters } from "./parameters.js";

/** Programs whose texts are understood. */
export type PictureProgram = "Nishiki" | "stable-diffusion-webui" | "ComfyUI" | "InvokeAI";

/** What a picture's texts say. `raw` is the text that says it, for whoever wants all of it. */
export interface Provenance extends PictureParameters {
  readonly program: PictureProgram;
  readonly raw: string;
}

type Json = Readonly<Record<string, unknown>>;

function parseObject(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  // ComfyUI writes a bare NaN now and then, which is no JSON: only where the text cannot be read otherwise.
  const repaired = () => text.replace(/(?<=[:[,]\s*)NaN(?=\s*[,\]}])/g, "null");
  for (const candidate of [() => text, repaired]) {
    try {
      const value: unknown = JSON.parse(candidate());
      return isObject(value) ? value : undefined;
    } catch {}
  }
  return undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields by our reader's names, of those that are there. */
function pickFields(from: Json, names: Readonly<Record<string, string>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(names)) {
    const value = from[theirs];
    if (typeof value === "string" || typeof value === "number") fields[ours] = String(value);
  }
  return fields;
}

function readInvoke(meta: Json, raw: string): Provenance {
  const fields = pickFields(meta, {
    steps: "Steps",
    scheduler: "Sampler",
    cfg_scale: "CFG scale",
    seed: "Seed",
  });
  if (typeof meta.width === "number" && typeof meta.height === "number")
    fields.Size = `${meta.width}x${meta.height}`;
  const model = isObject(meta.model) ? (meta.model.name ?? meta.model.model_name) : undefined;
  if (typeof model === "string") fields.Model = model;
  const [prompt, negative] = [meta.positive_prompt, meta.negative_prompt];
  return { program: "InvokeAI", prompt: textOf(prompt), negativePrompt: textOf(negative), fields, raw };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The graph is `{ id: { class_type, inputs } }`; an input is a value or `[id of another node, output]`. */
function readComfy(graph: Json, raw: string): Provenance {
  const node = (id: unknown): Json | undefined => {
    const found = typeof id === "string" || typeof id === "number" ? graph[String(id)] : undefined;
    return isObject(found) && isObject(found.inputs) ? found.inputs : undefined;
  };
  /** Follows inputs backwards to the first node that holds a text; a graph may have loops, so not for ever. */
  const promptOf = (link: unknown, left = 20): string => {
    const inputs = Array.isArray(link) && left > 0 ? node(link[0]) : undefined;
    if (!inputs) return "";
    if (typeof inputs.text === "string") return inputs.text;
    return promptOf(inputs.text ?? inputs.conditioning ?? inputs.positive, left - 1);
  };
  const samplers = Object.keys(graph).filter(
    (id) => node(id)?.positive !== undefined && node(id)?.steps !== undefined,
  );
  const sampler = node(samplers[0]) ?? {};
  const names = { steps: "Steps", sampler_name: "Sampler", scheduler: "Schedule type", cfg: "CFG scale" };
  const fields = pickFields(sampler, { ...names, seed: "Seed", noise_seed: "Seed" });
  const latent = Array.isArray(sampler.latent_image) ? node(sampler.latent_image[0]) : undefined;
  if (typeof latent?.width === "number" && typeof latent.height === "number")
    fields.Size = `${latent.width}x${latent.height}`;
  const loader = Object.keys(graph).find((id) => typeof node(id)?.ckpt_name === "string");
  if (loader !== undefined) fields.Model = textOf(node(loader)?.ckpt_name);
  const [prompt, negativePrompt] = [promptOf(sampler.positive), promptOf(sampler.negative)];
  return { program: "ComfyUI", prompt, negativePrompt, fields, raw };
}

/**
 * Says which program made a picture, from the texts of its file, and what they say about it.
 *
 * @param text texts by keyword, as `decodePng` gives them
 * @returns undefined where no text of a known program is there
 */
export function readProvenance(text: Readonly<Record<string, string>>): Provenance | undefined {
  const { parameters, prompt, workflow, invokeai_metadata: invoke, nishiki } = text;
  if (parameters !== undefined) {
    const program = nishiki === undefined ? "stable-diffusion-webui" : "Nishiki";
    return { program, ...parseParameters(parameters), raw: parameters };
  }
  const invokeMeta = parseObject(invoke);
  if (invoke !== undefined && invokeMeta) return readInvoke(invokeMeta, invoke);
  const graph = parseObject(prompt);
  if (prompt !== undefined && graph) return readComfy(graph, prompt);
  if (workflow !== undefined && parseObject(workflow)) {
    return { program: "ComfyUI", prompt: "", negativePrompt: "", fields: {}, raw: workflow };
  }
  return undefined;
}

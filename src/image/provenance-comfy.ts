// ComfyUI's images: the graph that made one, from which prompt and settings are read.
import type { Provenance } from "./provenance.js";
import { isObject, type Json, listLoras, pickFields, sizeField, textOf } from "./provenance-json.js";

/** The graph is `{ id: { class_type, inputs } }`; an input is a value or `[id of another node, output]`. */
export function readComfyGraph(graph: Json, raw: string): Provenance {
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
  Object.assign(fields, latent && sizeField(latent));
  // 1 draws from noise alone.
  if (typeof sampler.denoise === "number" && sampler.denoise < 1)
    fields["Denoising strength"] = String(sampler.denoise);
  const ids = Object.keys(graph);
  const layer = ids.map((id) => node(id)?.stop_at_clip_layer).find((value) => typeof value === "number");
  if (layer !== undefined) fields["Clip skip"] = String(-layer);
  const loaders = ids.map(node).filter((inputs) => inputs?.lora_name !== undefined);
  const loras = listLoras(loaders, ({ lora_name, strength_model }) => [lora_name, strength_model]);
  const loader = Object.keys(graph).find((id) => typeof node(id)?.ckpt_name === "string");
  if (loader !== undefined) fields.Model = textOf(node(loader)?.ckpt_name);
  const [prompt, negativePrompt] = [promptOf(sampler.positive), promptOf(sampler.negative)];
  return { program: "ComfyUI", prompt, negativePrompt, fields, ...loras, raw };
}

// LoRAs that a prompt names: "a fox <lora:ink:0.8>" loads the one of that name.
import { takeLoraTags } from "../../src/pipeline/prompt/lora-tags.js";
import type { Addition, DrawJobRequest } from "../api/types.js";

/** A name as people write it: without the ending of its file, in lower case. */
const simplify = (name: string) => name.toLowerCase().replace(/\.safetensors$/, "");

/** The job with the LoRAs that its prompt names. @throws NishikiError "usage" for a tag that cannot be read */
export function loadNamedLoras(
  job: DrawJobRequest,
  additions: readonly Addition[],
): { readonly job: DrawJobRequest; readonly unknown: readonly string[] } {
  const { prompt, loras } = takeLoraTags(job.request.prompt);
  if (loras.length === 0) return { job, unknown: [] };
  const unknown: string[] = [];
  const named = loras.flatMap(({ name, weight }) => {
    const found = additions.find(
      ({ kind, id, name: own }) =>
        kind === "lora" && [id, own].some((one) => simplify(one) === simplify(name)),
    );
    if (!found) unknown.push(name);
    return found ? [{ id: found.id, weight }] : [];
  });
  const chosen = (job.load?.loras ?? []).filter(({ id }) => !named.some((lora) => lora.id === id));
  const load = { ...job.load, loras: [...chosen, ...named] };
  return { job: { ...job, load, request: { ...job.request, prompt } }, unknown };
}

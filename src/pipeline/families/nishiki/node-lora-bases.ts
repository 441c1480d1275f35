// Whether LoRAs belong to a model. Their matrices fit any network of the same sizes, but what they learned holds for one
// denoiser in the latents of one encoder (node).
import { getBaseTitle, type LoraBase, type WeightedLora } from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";

/**
 * @returns notices about LoRAs that were trained for another model and might fit this one
 * @throws NishikiError "checkpoint" for a LoRA that was trained with other latents
 */
export function checkLoraBases(loras: readonly WeightedLora[], model: LoraBase): string[] {
  return loras.flatMap(({ lora: { name, base } }) => (base ? (compareBases(name, base, model) ?? []) : []));
}

function compareBases(lora: string, base: LoraBase, model: LoraBase): string | undefined {
  if (base.weights?.encoder === undefined || model.weights?.encoder === undefined) {
    const [there, here] = [getBaseTitle(base), getBaseTitle(model)];
    if (there === here) return undefined;
    return `${lora} was trained for ${there}, and this model is ${here}. Nothing tells whether their latents are the same: if images come out wrong, train the LoRA again for this model.`;
  }
  if (base.weights.encoder !== model.weights.encoder) {
    const [there, here] = tellApart(base, model, "autoencoder");
    const message = `${lora} was trained for ${there}, whose latents mean something else than those of this model, ${here}: train it again for this model, or draw with ${there}.`;
    throw new NishikiError("checkpoint", message);
  }
  if (base.weights.denoiser === model.weights.denoiser) return undefined;
  const [there, here] = tellApart(base, model, "denoiser");
  return `${lora} was trained for ${there}. This model, ${here}, has the same latents but another denoiser, so the LoRA may have less effect, or another one.`;
}

/** Titles of two models; with hashes where they are equal, since a fine-tuned model keeps its name. */
function tellApart(base: LoraBase, model: LoraBase, part: "autoencoder" | "denoiser"): [string, string] {
  const [there, here] = [getBaseTitle(base), getBaseTitle(model)];
  if (there !== here) return [there, here];
  const withHash = ({ weights }: LoraBase) => `${there} (${part} ${weights?.[part].slice(0, 8)})`;
  return [withHash(base), withHash(model)];
}

// LoRAs that go with a model (node): several at once, each with its weight.
import { basename } from "node:path";
import { type LoraAdapter, makeLoraAdapter, openLora, type WeightedLora } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import type { Program } from "../graph/index.js";
import type { WeightedFile } from "./load-options.js";
import type { LoraFiles } from "./node-load-record.js";

export interface OpenedLoras {
  readonly loras: readonly WeightedLora[];
  /** What they were read from, in the same order. */
  readonly files: readonly LoraFiles[];
  /** What a person should know: tensors of the files that are of no layer. */
  readonly notices: readonly string[];
}

/** @throws NishikiError "file", "checkpoint" */
export async function openLoras(weighted: readonly WeightedFile[]): Promise<OpenedLoras> {
  const loras: WeightedLora[] = [];
  const files: LoraFiles[] = [];
  const notices: string[] = [];
  for (const { file, weight } of weighted) {
    const opened = await openLora(file);
    loras.push({ lora: opened.lora, weight });
    files.push({ name: basename(file), weight, files: opened.files });
    if (opened.unknown.length > 0)
      notices.push(
        tell(`${opened.unknown.length} tensors of ${opened.lora.name} are not known`, opened.unknown),
      );
  }
  return { loras, files, notices };
}

function tell(what: string, names: readonly string[]): string {
  const more = names.length > 8 ? ", …" : "";
  return `${what} and not used: ${names.slice(0, 8).join(", ")}${more}.`;
}

/** How LoRAs change a denoiser alone. @throws NishikiError "checkpoint" for a LoRA of another model */
export function adaptDenoiser(
  loras: readonly WeightedLora[],
  denoiser: Program,
): { readonly adapt: LoraAdapter["adapt"]; readonly notices: readonly string[] } {
  const { unet, notices } = adaptNetworks(loras, denoiser, []);
  return { adapt: unet.adapt, notices };
}

/** How LoRAs change the networks of a model. */
export interface NetworkAdapters {
  readonly unet: LoraAdapter;
  readonly texts: readonly LoraAdapter[];
  /** Layers of the LoRAs that the model does not have. */
  readonly notices: readonly string[];
}

/** @throws NishikiError "checkpoint" for a LoRA of another architecture, or one of which nothing fits. */
export function adaptNetworks(
  loras: readonly WeightedLora[],
  unet: Program,
  texts: readonly Program[],
): NetworkAdapters {
  const forUnet = makeLoraAdapter("unet", unet.parameters, loras);
  const forTexts = texts.map(({ parameters }, i) =>
    makeLoraAdapter(i === 0 ? "text1" : "text2", parameters, loras),
  );
  const adapters = [forUnet, ...forTexts];
  const notices = loras.flatMap(({ lora: { name, layers } }) => {
    const left = layers.filter((layer) => !adapters.some(({ matched }) => matched.has(layer)));
    if (left.length === layers.length) {
      const some = `"${layers[0]!.name}"`;
      const message = `The LoRA ${name} was made for another model: this one has none of its ${layers.length} layers, such as ${some}.`;
      throw new NishikiError("checkpoint", message);
    }
    const names = left.map((layer) => layer.name);
    return left.length === 0 ? [] : [tell(`${left.length} layers of ${name} are not in this model`, names)];
  });
  return { unet: forUnet, texts: forTexts, notices };
}

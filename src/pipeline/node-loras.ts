// LoRAs that go with a Stable Diffusion model (node): "--lora style.safetensors:0.8", several at once.
import { basename } from "node:path";
import { type LoraAdapter, makeLoraAdapter, openLora, type WeightedLora } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import type { Program } from "../graph/index.js";

export interface OpenedLoras {
  readonly loras: readonly WeightedLora[];
  /** The files, by what receipts call them: name and weight decide pixels. */
  readonly files: ReadonlyMap<string, string>;
  /** What a person should know: tensors of the files that are of no layer. */
  readonly notices: readonly string[];
}

/** "style.safetensors:0.8" → the file and its weight; without a number 1. */
function parse(text: string): { readonly file: string; readonly weight: number } {
  const [, file, number] = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text) ?? [];
  const weight = number === undefined ? 1 : Number(number);
  if (Math.abs(weight) <= 10) return { file: file ?? text, weight };
  throw new NishikiError(
    "usage",
    `lora: expected a weight from -10 to 10 after the file's name, got ${weight}.`,
  );
}

/** @throws NishikiError "usage", "file", "checkpoint" */
export async function openLoras(given: readonly string[]): Promise<OpenedLoras> {
  const loras: WeightedLora[] = [];
  const files = new Map<string, string>();
  const notices: string[] = [];
  for (const text of given) {
    const { file, weight } = parse(text);
    const { lora, unknown, files: own } = await openLora(file);
    loras.push({ lora, weight });
    own.forEach((path, i) => {
      const title = `lora ${i === 0 ? basename(file) : basename(path)} × ${weight}`;
      // Many are called pytorch_lora_weights.safetensors.
      const copies = [...files.keys()].filter((name) => name === title || name.startsWith(`${title} (`));
      files.set(copies.length === 0 ? title : `${title} (${copies.length + 1})`, path);
    });
    if (unknown.length > 0)
      notices.push(tell(`${unknown.length} tensors of ${lora.name} are not known`, unknown));
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

// LoRAs that go with a model (node): several at once, each with its weight.
import { basename } from "node:path";
import { type LoraAdapter, makeLoraAdapter, openLora, type WeightedLora } from "../checkpoint/node.js";
import { listSome, NishikiError, quote } from "../errors.js";
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

/**
 * @param allowPartial Whether a file may be used of which some tensors are not known; else it is refused.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openLoras(
  weighted: readonly WeightedFile[],
  allowPartial = false,
): Promise<OpenedLoras> {
  const loras: WeightedLora[] = [];
  const files: LoraFiles[] = [];
  const notices: string[] = [];
  for (const { file, weight } of weighted) {
    const { lora, unknown, unused, files: read } = await openLora(file);
    loras.push({ lora, weight });
    files.push({ name: basename(file), weight, files: read });
    if (unknown.length > 0)
      notices.push(
        judge(`${unknown.length} tensors of ${lora.name} that are not known`, unknown, allowPartial),
      );
    if (unused.length > 0)
      notices.push(tell(`${unused.length} tensors of ${lora.name} that belong to no layer`, unused));
  }
  return { loras, files, notices };
}

function tell(what: string, names: readonly string[]): string {
  return `Not used: ${what}, ${listSome(names.map(quote))}.`;
}

/** An image that lacks parts of a LoRA is another one: it is drawn only where that is allowed. */
function judge(what: string, names: readonly string[], allowPartial: boolean): string {
  if (allowPartial) return tell(what, names);
  const message =
    `The LoRA cannot be applied in full: it has ${what}, ${listSome(names.map(quote), 4)}. Without them the picture would be another one. ` +
    "To draw with the rest all the same, add --lora-partial (allowPartialLora).";
  throw new NishikiError("checkpoint", message);
}

/** How LoRAs change a denoiser alone. @throws NishikiError "checkpoint" for a LoRA of another model */
export function adaptDenoiser(
  loras: readonly WeightedLora[],
  denoiser: Program,
  allowPartial = false,
): { readonly adapt: LoraAdapter["adapt"]; readonly notices: readonly string[] } {
  const { unet, notices } = adaptNetworks(loras, denoiser, [], allowPartial);
  return { adapt: unet.adapt, notices };
}

/** How LoRAs change the networks of a model. */
export interface NetworkAdapters {
  readonly unet: LoraAdapter;
  readonly texts: readonly LoraAdapter[];
  /** Layers of the LoRAs that the model does not have. */
  readonly notices: readonly string[];
}

/** @throws NishikiError "checkpoint" for a LoRA of another architecture, one of which nothing fits, or, unless it is allowed, not all. */
export function adaptNetworks(
  loras: readonly WeightedLora[],
  unet: Program,
  texts: readonly Program[],
  allowPartial = false,
): NetworkAdapters {
  const forUnet = makeLoraAdapter("unet", unet.parameters, loras);
  const forTexts = texts.map(({ parameters }, i) =>
    makeLoraAdapter(i === 0 ? "text1" : "text2", parameters, loras),
  );
  const adapters = [forUnet, ...forTexts];
  const notices = loras.flatMap(({ lora: { name, layers } }) => {
    const left = layers.filter((layer) => !adapters.some(({ matched }) => matched.has(layer)));
    if (left.length === layers.length) {
      const some = quote(layers[0]!.name);
      const message = `The LoRA ${name} was made for another model: this one has none of its ${layers.length} layers, such as ${some}.`;
      throw new NishikiError("checkpoint", message);
    }
    const names = left.map((layer) => layer.name);
    return left.length === 0
      ? []
      : [judge(`${left.length} layers of ${name} that are not in this model`, names, allowPartial)];
  });
  return { unet: forUnet, texts: forTexts, notices };
}

// Opens LoRAs and matches them to a model's networks (node).
import { basename } from "node:path";
import { type LoraAdapter, makeLoraAdapter, openLora, type WeightedLora } from "../checkpoint/node.js";
import { listSome, NishikiError, quote } from "../errors.js";
import type { Program } from "../graph/index.js";
import type { WeightedFile } from "./load-options.js";
import type { LoraFiles } from "./node-load-record.js";

/** "1 tensor", "3 unknown tensors" */
const countTensors = (names: readonly string[], kind = "") =>
  `${names.length} ${kind}${names.length === 1 ? "tensor" : "tensors"}`;

export interface OpenedLoras {
  readonly loras: readonly WeightedLora[];
  /** Their files, in the same order. */
  readonly files: readonly LoraFiles[];
  /** Notices for the user about tensors that are not used. */
  readonly notices: readonly string[];
}

/**
 * @param allowPartial Accept a file with unknown tensors; rejected otherwise.
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
    const { lora, unknown, unused, files: paths } = await openLora(file);
    loras.push({ lora, weight });
    files.push({ name: basename(file), weight, files: paths });
    if (unknown.length > 0)
      notices.push(
        reportMisfit(`${countTensors(unknown, "unknown ")} of ${lora.name}`, unknown, allowPartial),
      );
    if (unused.length > 0)
      notices.push(
        ignoring(
          `${countTensors(unused)} of ${lora.name} that ${unused.length === 1 ? "belongs" : "belong"} to no layer`,
          unused,
        ),
      );
  }
  return { loras, files, notices };
}

function ignoring(parts: string, names: readonly string[]): string {
  return `Ignoring ${parts}: ${listSome(names.map(quote))}.`;
}

/** Leaving out parts of a LoRA changes the image, so it requires permission. */
function reportMisfit(parts: string, names: readonly string[], allowPartial: boolean): string {
  if (allowPartial) return ignoring(parts, names);
  const message =
    `The LoRA cannot be applied in full: it has ${parts}: ${listSome(names.map(quote), 4)}. Without them the image would differ. ` +
    "To draw without them anyway, add --lora-partial (allowPartialLora).";
  throw new NishikiError("checkpoint", message);
}

/** Matches LoRAs to a denoiser alone. @throws NishikiError "checkpoint" for a LoRA of another model */
export function adaptDenoiser(
  loras: readonly WeightedLora[],
  denoiser: Program,
  allowPartial = false,
): { readonly adapt: LoraAdapter["adapt"]; readonly notices: readonly string[] } {
  const { unet, notices } = adaptNetworks(loras, denoiser, [], allowPartial);
  return { adapt: unet.adapt, notices };
}

/** The LoRA adapters of a model's networks. */
export interface NetworkAdapters {
  readonly unet: LoraAdapter;
  readonly texts: readonly LoraAdapter[];
  /** Notices about layers of the LoRAs that the model lacks. */
  readonly notices: readonly string[];
}

/**
 * Matches LoRAs to a model's networks.
 * @throws NishikiError "checkpoint" for a LoRA that does not fit, or fits only in part without `allowPartial`
 */
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
    const unmatched = layers.filter((layer) => !adapters.some(({ matched }) => matched.has(layer)));
    if (unmatched.length === layers.length) {
      const example = quote(layers[0]!.name);
      const message = `The LoRA ${name} was made for another model: this one has none of its ${layers.length} layers, such as ${example}.`;
      throw new NishikiError("checkpoint", message);
    }
    const names = unmatched.map((layer) => layer.name);
    return unmatched.length === 0
      ? []
      : [reportMisfit(`${unmatched.length} layers of ${name} that this model lacks`, names, allowPartial)];
  });
  return { unet: forUnet, texts: forTexts, notices };
}

// Names of a layer's tensors in LoRA files: kohya-ss/sd-scripts, LyCORIS, diffusers, PEFT and ComfyUI.

/** The parts of a layer's change; kinds.ts lists which belong together. */
export type PartName =
  | "down" | "up" | "mid" | "upBias"
  | "alpha" | "scalar" | "dora" | "magnitude"
  | "diff" | "diffBias" | "normWeight" | "normBias"
  | "hada1a" | "hada1b" | "hada2a" | "hada2b" | "hadaCore1" | "hadaCore2"
  | "lokr1" | "lokr1a" | "lokr1b" | "lokr2" | "lokr2a" | "lokr2b" | "lokrCore2"
  | "glora1a" | "glora2a" | "glora1b" | "glora2b" | "gloraCore"
  | "ia3" | "ia3Weight" | "onInput"; // biome-ignore format: one line for each decomposition

/** PEFT puts the adapter's name before the ending: ".lora_A.default_0.weight". */
const adapter = String.raw`(?:\.(?<adapter>[^.]+))?`;

const endings: readonly (readonly [RegExp, PartName])[] = [
  [new RegExp(String.raw`\.lora_A${adapter}\.weight$`), "down"],
  [new RegExp(String.raw`\.lora_B${adapter}\.weight$`), "up"],
  [new RegExp(String.raw`\.lora_B${adapter}\.bias$`), "upBias"],
  [new RegExp(String.raw`\.lora_magnitude_vector${adapter}\.weight$`), "magnitude"],
  [/\.lora_magnitude_vector$/, "magnitude"],
  [/(\.lora_down|\.lora\.down|_lora\.down|\.lora_linear_layer\.down)\.weight$/, "down"],
  [/(\.lora_up|\.lora\.up|_lora\.up|\.lora_linear_layer\.up)\.weight$/, "up"],
  [/\.lora_up\.bias$/, "upBias"],
  [/\.lora_mid\.weight$/, "mid"],
  [/\.alpha$/, "alpha"],
  [/\.scalar$/, "scalar"],
  [/\.dora_scale$/, "dora"],
  [/\.diff$/, "diff"],
  [/\.diff_b$/, "diffBias"],
  [/\.w_norm$/, "normWeight"],
  [/\.b_norm$/, "normBias"],
  [new RegExp(String.raw`\.hada_w1_a${adapter}$`), "hada1a"],
  [new RegExp(String.raw`\.hada_w1_b${adapter}$`), "hada1b"],
  [new RegExp(String.raw`\.hada_w2_a${adapter}$`), "hada2a"],
  [new RegExp(String.raw`\.hada_w2_b${adapter}$`), "hada2b"],
  [new RegExp(String.raw`\.hada_t1${adapter}$`), "hadaCore1"],
  [new RegExp(String.raw`\.hada_t2${adapter}$`), "hadaCore2"],
  [new RegExp(String.raw`\.lokr_w1${adapter}$`), "lokr1"],
  [new RegExp(String.raw`\.lokr_w1_a${adapter}$`), "lokr1a"],
  [new RegExp(String.raw`\.lokr_w1_b${adapter}$`), "lokr1b"],
  [new RegExp(String.raw`\.lokr_w2${adapter}$`), "lokr2"],
  [new RegExp(String.raw`\.lokr_w2_a${adapter}$`), "lokr2a"],
  [new RegExp(String.raw`\.lokr_w2_b${adapter}$`), "lokr2b"],
  [new RegExp(String.raw`\.lokr_t2${adapter}$`), "lokrCore2"],
  [/\.a1\.weight$/, "glora1a"],
  [/\.a2\.weight$/, "glora2a"],
  [/\.b1\.weight$/, "glora1b"],
  [/\.b2\.weight$/, "glora2b"],
  [/\.bm\.weight$/, "gloraCore"],
  [new RegExp(String.raw`\.ia3_l${adapter}$`), "ia3"],
  [/\.on_input$/, "onInput"],
];

export interface TensorPlace {
  /** The layer's name in the file. */
  readonly layer: string;
  readonly part: PartName;
  /** PEFT's name of the adapter, if the tensor's name includes it. */
  readonly adapter: string | undefined;
}

/** Splits a tensor's name into its layer and part. */
export function placeTensor(tensor: string, isThere: (name: string) => boolean): TensorPlace | undefined {
  for (const [pattern, part] of endings) {
    const match = pattern.exec(tensor);
    if (!match) continue;
    // "…processor.to_q_lora.down.weight" belongs to the layer "…processor.to_q_lora".
    const layerSuffix = /_lora\.(down|up)\.weight$/.test(tensor) ? "_lora" : "";
    return {
      layer: cleaned(tensor.slice(0, match.index) + layerSuffix),
      part,
      adapter: match.groups?.adapter,
    };
  }
  // LyCORIS calls the factors of IA³ "weight", elsewhere the name of a layer's full weight.
  const layer = tensor.replace(/\.weight$/, "");
  if (layer !== tensor && isThere(`${layer}.on_input`))
    return { layer: cleaned(layer), part: "ia3Weight", adapter: undefined };
  return undefined;
}

const cleaned = (layer: string): string =>
  layer.replace(/^((?:unet|text_encoder|text_encoder_2)\.)?base_model\.model\./, "$1");

/** Unsupported decompositions and other content, identified by tensors that only they have. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/\.oft_|\.boft_/, "OFT"],
  [/\.vera_lambda|\.vera_/, "VeRA"],
  [/\.lora_embedding_[AB]/, "a LoRA of an embedding table"],
  [/\.modules_to_save\./, "fully trained layers"],
  [/\.(set_weight|reshape_weight)$/, "ComfyUI's whole weights"],
];

/** Says what an unrecognised tensor belongs to; undefined if unknown. */
export const nameStranger = (tensor: string): string | undefined =>
  strangers.find(([pattern]) => pattern.test(tensor))?.[1];

/** Embeddings that a trainer bundled with the layers; they are not part of the LoRA. */
export const isBundledWord = (tensor: string): boolean => /^bundle_emb\./.test(tensor);

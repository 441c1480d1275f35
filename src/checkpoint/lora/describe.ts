// Describes a LoRA by its names and shapes: its dialect, the networks it changes, and the model family it was
// made for.
// Kohya's metadata follow kohya-ss/sd-scripts (library/train_util.py), the others Stability's ModelSpec 1.0.
import { getBaseTitle, type LoraBase } from "./base.js";
import type { LoraHead } from "./read.js";

export type LoraDialect =
  | "kohya"
  | "kohya, single-file names"
  | "LyCORIS"
  | "ComfyUI"
  | "peft"
  | "diffusers"
  | "early diffusers";

export interface LoraDescription {
  readonly dialect: LoraDialect;
  /** The matching family; undefined if unknown. */
  readonly fits: string | undefined;
  /** The number of changed layers of each network. */
  readonly parts: Readonly<Record<string, number>>;
  /** Decompositions, such as "LoRA" or "LoHa with DoRA". */
  readonly kinds: readonly string[];
  readonly ranks: readonly number[];
  /** The distinct values of alpha / rank. */
  readonly scales: readonly number[];
}

const dialects: readonly (readonly [RegExp, LoraDialect])[] = [
  [/^lora_unet_(input|middle|output)_block/, "kohya, single-file names"],
  [/^lora_/, "kohya"],
  [/^(model\.)?diffusion_model\.|^text_encoders\./, "ComfyUI"],
  [/^lycoris_/, "LyCORIS"],
  [/^base_model\.model\./, "peft"],
  [/\.processor\.|_lora\.(down|up)\.|\.lora_linear_layer\./, "early diffusers"],
];

const partNames: readonly (readonly [RegExp, string])[] = [
  [/^(lora_te2_|text_encoder_2\.)/, "second text encoder"],
  [/^(lora_te1?_|text_encoder\.)/, "text encoder"],
];

/** Widths of the text states that denoisers take, and of the text encoders' layers. */
const wordWidths: Readonly<Record<number, string>> = {
  768: "Stable Diffusion 1.x",
  1024: "Stable Diffusion 2.x",
  2048: "Stable Diffusion XL",
};

/** Layer names that occur only in other models. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/double_blocks|single_blocks|single_transformer_blocks/, "Flux or a derivative, which is not supported"],
  [/joint_blocks|add_q_proj|context_block/, "Stable Diffusion 3, which is not supported"],
];

function tellFamily(heads: readonly LoraHead[]): string | undefined {
  const names = heads.map(({ name }) => name);
  if (names.some((name) => /(^|\.)words[KV]$/.test(name))) return "a model that Nishiki trained";
  for (const [pattern, family] of strangers) if (names.some((name) => pattern.test(name))) return family;
  if (names.some((name) => /^(lora_te2_|text_encoder_2\.)/.test(name))) return wordWidths[2048];
  const getWidths = (pattern: RegExp) =>
    heads.filter(({ name }) => pattern.test(name)).flatMap(({ kind, parts }) => kind?.inputs(parts) ?? []);
  const ofWords = getWidths(/attn2[._](processor\.)?to_[kv](_lora)?$/).map((width) => wordWidths[width]);
  const knownFamily = ofWords.find((family) => family !== undefined);
  if (knownFamily) return knownFamily;
  if (names.some((name) => /transformer_blocks[._](\d\d|[2-9])[._]/.test(name))) return wordWidths[2048];
  // Kohya's scripts number the text encoders and use single-file names only for XL.
  if (names.some((name) => /^(lora_te1_|lora_unet_(input|middle|output)_block)/.test(name)))
    return wordWidths[2048];
  const text = getWidths(/(^lora_te_|^text_encoder\.).*self_attn[._]/);
  return text.map((width) => wordWidths[width]).find((family) => family !== undefined);
}

function describeKind({ kind, parts }: LoraHead): string {
  return `${kind?.name ?? "bias"}${parts.dora || parts.magnitude ? " with DoRA" : ""}`;
}

/** Describes the layers of a LoRA. @param tensors Names of the file's tensors. */
export function describeLoraHeads(heads: readonly LoraHead[], tensors: readonly string[]): LoraDescription {
  const dialect = dialects.find(([pattern]) => tensors.some((name) => pattern.test(name)))?.[1];
  const parts: Record<string, number> = {};
  for (const { name } of heads) {
    const part = partNames.find(([pattern]) => pattern.test(name))?.[1] ?? "denoiser";
    parts[part] = (parts[part] ?? 0) + 1;
  }
  const each = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  return {
    dialect: dialect ?? "diffusers",
    fits: tellFamily(heads),
    parts,
    kinds: [...new Set(heads.map(describeKind))],
    ranks: each(heads.flatMap(({ rank }) => rank ?? [])),
    scales: each(heads.map(({ scale }) => scale)),
  };
}

/** Gets the trainer's notes that interest a user: header entries by meaning. */
export function readLoraNotes(
  metadata: Readonly<Record<string, string>>,
  base?: LoraBase,
): Readonly<Record<string, string>> {
  const said = {
    title: metadata["modelspec.title"] ?? metadata.ss_output_name,
    "trigger words": metadata["modelspec.trigger_phrase"],
    "trained on": base
      ? getBaseTitle(base)
      : (metadata.ss_sd_model_name ?? metadata["modelspec.architecture"]),
    base: base ? undefined : metadata.ss_base_model_version,
    author: metadata["modelspec.author"],
    licence: metadata["modelspec.license"],
    "frequent words": frequentWords(metadata.ss_tag_frequency),
  };
  return Object.fromEntries(
    Object.entries(said).filter((entry): entry is [string, string] => !!entry[1] && entry[1] !== "None"),
  );
}

/** Gets the captions' most frequent words from JSON: {"folder": {"word": count}}. */
function frequentWords(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const counts = new Map<string, number>();
  try {
    for (const folder of Object.values(JSON.parse(text) as Record<string, unknown>)) {
      for (const [word, count] of Object.entries(folder as Record<string, unknown>))
        if (typeof count === "number") counts.set(word.trim(), (counts.get(word.trim()) ?? 0) + count);
    }
  } catch {
    return undefined; // optional: nothing depends on this note
  }
  const words = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 10);
  return words.map(([word, count]) => `${word} (${count})`).join(", ") || undefined;
}

// Names of parameters in LoRA files. Kohya's scripts join diffusers' names with underscores behind a prefix,
// or, for XL, the names of single-file checkpoints; diffusers and PEFT keep the dots. One table maps them to
// a network's parameters and serves all dialects, so foreign names stay inside this room.

/** The networks that a LoRA may change. */
export type LoraPart = "unet" | "text1" | "text2";

/** Prefixes of names with underscores for dots: kohya's scripts, and LyCORIS without them. */
const joinedPrefixes: Readonly<Record<LoraPart, readonly string[]>> = {
  unet: ["lora_unet_", "lycoris_unet_", "lycoris_"],
  text1: ["lora_te_", "lora_te1_", "lycoris_te_", "lycoris_te1_", "lycoris_"],
  text2: ["lora_te2_", "lycoris_te2_"],
};
/**
 * Denoiser-only files may omit the prefix, as diffusers before 0.17 and PEFT do; the last text-encoder prefix
 * is
 * ComfyUI's.
 */
const dottedPrefixes: Readonly<Record<LoraPart, readonly string[]>> = {
  unet: ["unet.", ""],
  text1: ["text_encoder.", "text_encoders.clip_l.transformer.", "text_encoders.clip_h.transformer."],
  text2: ["text_encoder_2.", "text_encoders.clip_g.transformer."],
};
/** Prefixes of dotted single-file names. */
const singlePrefixes = ["diffusion_model.", "model.diffusion_model."];

/** Parts of a residual block, by their single-file names. */
const residualParts: Readonly<Record<string, string>> = {
  norm1: "in_layers.0",
  conv1: "in_layers.2",
  time_emb_proj: "emb_layers.1",
  norm2: "out_layers.0",
  conv2: "out_layers.3",
  conv_shortcut: "skip_connection",
};
const singles: Readonly<Record<string, string>> = {
  "time_embedding.linear_1": "time_embed.0",
  "time_embedding.linear_2": "time_embed.2",
  "add_embedding.linear_1": "label_emb.0.0",
  "add_embedding.linear_2": "label_emb.0.2",
  conv_in: "input_blocks.0.0",
  conv_norm_out: "out.0",
  conv_out: "out.2",
};

/** Counts the residual blocks per level on the way down; the way up has one more. */
function countLayers(names: readonly string[]): number {
  const layers = names.flatMap((name) => /^down_blocks\.0\.resnets\.(\d+)\./.exec(name)?.[1] ?? []);
  return 1 + Math.max(0, ...layers.map(Number));
}

/**
 * "down_blocks.1.attentions.0.proj_in" → "input_blocks.4.1.proj_in"; undefined if single files have no such
 * block.
 */
function blockName(stem: string, layers: number, names: ReadonlySet<string>): string | undefined {
  if (singles[stem]) return singles[stem];
  const middle = /^mid_block\.(resnets|attentions)\.(\d)\.(.+)$/.exec(stem);
  if (middle)
    return inside(`middle_block.${middle[1] === "attentions" ? 1 : 2 * Number(middle[2])}`, middle[3]!);
  const match = /^(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(
    stem,
  );
  if (!match) return undefined;
  const [, side, level, kind, index, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const first = Number(level) * (layers + 1);
  if (kind === "downsamplers") return `input_blocks.${first + layers + 1}.0.op`;
  if (kind === "upsamplers") {
    const attends = names.has(`up_blocks.${level}.attentions.0.proj_in.weight`);
    return `output_blocks.${first + layers}.${attends ? 2 : 1}.conv`;
  }
  const block =
    side === "up" ? `output_blocks.${first + Number(index)}` : `input_blocks.${1 + first + Number(index)}`;
  return inside(`${block}.${kind === "attentions" ? 1 : 0}`, rest);
}

function inside(block: string, rest: string): string | undefined {
  if (!rest.includes(".") && residualParts[rest]) return `${block}.${residualParts[rest]}`;
  return `${block}.${rest}`;
}

/**
 * Lists all names that files use for the layers of a network.
 * @param names The network's parameters by diffusers' and transformers' names.
 * @returns A map from a layer's name in the file, without ".lora_down.weight" and the like, to the parameter.
 */
export function getLoraNames(part: LoraPart, names: readonly string[]): ReadonlyMap<string, string> {
  const loraNames = new Map<string, string>();
  const all = new Set(names);
  const layers = countLayers(names);
  for (const name of names) {
    if (!name.endsWith(".weight")) continue;
    const stem = name.slice(0, -".weight".length);
    const joined = stem.replaceAll(".", "_");
    const single = part === "unet" ? blockName(stem, layers, all) : undefined;
    for (const prefix of joinedPrefixes[part]) {
      loraNames.set(prefix + joined, name);
      if (single) loraNames.set(prefix + single.replaceAll(".", "_"), name);
    }
    if (part === "unet") {
      for (const prefix of singlePrefixes)
        for (const alias of single ? [single, stem] : [stem]) loraNames.set(prefix + alias, name);
    }
    for (const prefix of dottedPrefixes[part]) {
      for (const alias of dottedNames(stem)) loraNames.set(prefix + alias, name);
    }
  }
  return loraNames;
}

/**
 * A layer's name, and its name in diffusers before 0.22: "attn1.processor.to_q_lora", or
 * "self_attn.to_q_lora" in text
 * encoders.
 */
function dottedNames(stem: string): readonly string[] {
  const [, attention, map] = /^(.*attn\d)\.to_(q|k|v|out)(?:\.0)?$/.exec(stem) ?? [];
  if (attention) return [stem, `${attention}.processor.to_${map}_lora`];
  const [, self, projection] = /^(.*self_attn)\.(q|k|v|out)_proj$/.exec(stem) ?? [];
  // transformers 5 drops "text_model." when it saves text encoders.
  const short = stem.replace(/^text_model\./, "");
  return self ? [stem, short, `${self}.to_${projection}_lora`] : [stem, short];
}

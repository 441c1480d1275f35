// Which program made an image, and what its texts say about how. One reader per program, in a table.

import { type ImageParameters, parseParameters } from "./parameters.js";
import { readComfyGraph } from "./provenance-comfy.js";
import {
  isObject,
  type Json,
  listLoras,
  parseObject,
  pickFields,
  sizeField,
  textOf,
} from "./provenance-json.js";
import { readXmpTexts, xmpKeyword } from "./xmp.js";

/** Programs whose texts are understood. */
export type ImageProgram =
  | "Nishiki"
  | "stable-diffusion-webui"
  | "ComfyUI"
  | "InvokeAI"
  | "Fooocus"
  | "SwarmUI"
  | "NovelAI"
  | "Draw Things";

/** What an image's texts say. `raw` is the text that says it, for whoever wants all of it. */
export interface Provenance extends ImageParameters {
  readonly program: ImageProgram;
  /** LoRAs that the program used, by its names; those within the prompt are not repeated. */
  readonly loras?: readonly { readonly name: string; readonly weight: number }[];
  readonly raw: string;
}

type Texts = Readonly<Record<string, string | undefined>>;

/** A program's texts, understood; undefined where they are not of that program. */
type Reader = (texts: Texts) => Provenance | undefined;

/** `parameters` holds JSON with `sui_image_params`. */
const readSwarm: Reader = ({ parameters: raw = "" }) => {
  const meta = parseObject(raw)?.sui_image_params;
  if (!isObject(meta)) return undefined;
  const fields = pickFields(meta, {
    steps: "Steps",
    sampler: "Sampler",
    scheduler: "Schedule type",
    cfgscale: "CFG scale",
    seed: "Seed",
    model: "Model",
    variationseed: "Variation seed",
    variationseedstrength: "Variation seed strength",
  });
  // Creativity is there for images without an init image, too.
  if (meta.initimage !== undefined)
    Object.assign(fields, pickFields(meta, { initimagecreativity: "Denoising strength" }));
  if (typeof meta.clipstopatlayer === "number") fields["Clip skip"] = String(-meta.clipstopatlayer);
  const [prompt, negative] = [meta.prompt, meta.negativeprompt];
  const weights = Array.isArray(meta.loraweights) ? meta.loraweights.map(Number) : [];
  const names = Array.isArray(meta.loras) ? meta.loras : [];
  const loras = listLoras(
    names.map((name: unknown, i) => ({ name, weight: weights[i] })),
    ({ name, weight }) => [name, weight],
  );
  return {
    program: "SwarmUI",
    prompt: textOf(prompt),
    negativePrompt: textOf(negative),
    fields: { ...fields, ...sizeField(meta) },
    ...loras,
    raw,
  };
};

/** `lora_combined_1: "name.safetensors : 0.5"`, or a list of names and weights in older versions. */
function readFooocusLoras(meta: Json) {
  const combined = Object.entries(meta).flatMap(([key, value]) => {
    const [, name, weight] = /^lora_combined_/.test(key)
      ? (/^(.+?) : (-?[\d.]+)$/.exec(textOf(value)) ?? [])
      : [];
    return name === undefined ? [] : [{ name, weight: Number(weight) }];
  });
  const listed = (Array.isArray(meta.loras) ? meta.loras : []).map((entry: unknown) =>
    Array.isArray(entry) ? { name: entry[0] as unknown, weight: entry[1] as unknown } : {},
  );
  return listLoras([...combined, ...listed], ({ name, weight }) => [name, weight]);
}

/** `parameters` holds JSON, or webui's text where its user chose that; `fooocus_scheme` says which. */
const readFooocus: Reader = ({ parameters: raw = "", fooocus_scheme, Software = "" }) => {
  const meta = parseObject(raw);
  const signed = fooocus_scheme !== undefined || Software.startsWith("Fooocus");
  if (!meta) {
    const parsed = parseParameters(raw);
    const isOwn = signed || parsed.fields.Version?.startsWith("Fooocus");
    return isOwn ? { program: "Fooocus", ...parsed, raw } : undefined;
  }
  if (!signed && !textOf(meta.version).startsWith("Fooocus") && meta.base_model === undefined)
    return undefined;
  const fields = pickFields(meta, {
    steps: "Steps",
    performance: "Performance",
    sampler: "Sampler",
    scheduler: "Schedule type",
    guidance_scale: "CFG scale",
    seed: "Seed",
    base_model: "Model",
    styles: "Styles",
    version: "Version",
    clip_skip: "Clip skip",
  });
  // "(1152, 896)"
  const sides = textOf(meta.resolution).match(/\d+/g);
  if (sides?.length === 2) fields.Size = sides.join("x");
  const [prompt, negative] = [meta.prompt, meta.negative_prompt];
  const loras = readFooocusLoras(meta);
  return {
    program: "Fooocus",
    prompt: textOf(prompt),
    negativePrompt: textOf(negative),
    fields,
    ...loras,
    raw,
  };
};

const readWebui: Reader = ({ parameters: raw, nishiki }) => {
  // JSON is another program's: webui writes text.
  if (raw === undefined || parseObject(raw)) return undefined;
  const program = nishiki === undefined ? "stable-diffusion-webui" : "Nishiki";
  return { program, ...parseParameters(raw), raw };
};

/** InvokeAI from version 3 on. */
const readInvoke: Reader = ({ invokeai_metadata: raw = "" }) => {
  const meta = parseObject(raw);
  if (!meta) return undefined;
  const names = { steps: "Steps", scheduler: "Sampler", cfg_scale: "CFG scale", seed: "Seed" };
  const fields = {
    ...pickFields(meta, { ...names, strength: "Denoising strength" }),
    ...sizeField(meta),
  };
  // It counts the layers that are skipped, where webui counts the layer that is used.
  if (typeof meta.clip_skip === "number" && meta.clip_skip > 0)
    fields["Clip skip"] = String(meta.clip_skip + 1);
  const loras = listLoras(meta.loras, ({ model: own, lora, weight }) => {
    const file = isObject(own) ? own : isObject(lora) ? lora : {};
    return [file.name ?? file.model_name, weight];
  });
  const model = isObject(meta.model) ? (meta.model.name ?? meta.model.model_name) : undefined;
  if (typeof model === "string") fields.Model = model;
  const [prompt, negative] = [meta.positive_prompt, meta.negative_prompt];
  return {
    program: "InvokeAI",
    prompt: textOf(prompt),
    negativePrompt: textOf(negative),
    fields,
    ...loras,
    raw,
  };
};

/** A prompt of InvokeAI 2: a text, or parts with weights. */
function joinPrompt(prompt: unknown): string {
  if (!Array.isArray(prompt)) return textOf(prompt);
  return prompt
    .map((part: unknown) => (isObject(part) ? textOf(part.prompt) : textOf(part)))
    .filter((part) => part !== "")
    .join(" ");
}

/** Its negative prompt stands in brackets within the prompt: "a cat [blurry]". */
function splitBrackets(text: string): { prompt: string; negativePrompt: string } {
  const negative = [...text.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]!.trim());
  const prompt = text.replace(/\[[^\]]*\]/g, " ").replace(/\s+/g, " ");
  return { prompt: prompt.trim(), negativePrompt: negative.join(" ") };
}

/** InvokeAI 2: `sd-metadata`, or the command line in `Dream`. */
const readOldInvoke: Reader = ({ "sd-metadata": metadata, Dream: dream }) => {
  const meta = parseObject(metadata);
  const image = isObject(meta?.image) ? meta.image : undefined;
  if (meta && image) {
    const names = { steps: "Steps", sampler: "Sampler", cfg_scale: "CFG scale", seed: "Seed" };
    const fields = { ...pickFields(image, names), ...sizeField(image) };
    const model = textOf(meta.model_weights) || textOf(meta.model);
    if (model) fields.Model = model;
    return { program: "InvokeAI", ...splitBrackets(joinPrompt(image.prompt)), fields, raw: metadata! };
  }
  const words = dream === undefined ? null : /^\s*"((?:\\.|[^"\\])*)"(.*)$/s.exec(dream);
  if (!words) return undefined;
  const flag = (name: string) => new RegExp(`(?:^|\\s)-${name}\\s*(\\S+)`).exec(words[2]!)?.[1];
  const [width, height] = [flag("W"), flag("H")];
  const values = {
    Steps: flag("s"),
    Sampler: flag("A"),
    "CFG scale": flag("C"),
    Seed: flag("S"),
    Size: width && height && `${width}x${height}`,
  };
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value) fields[name] = value;
  const prompt = words[1]!.replace(/\\(.)/g, "$1");
  return { program: "InvokeAI", ...splitBrackets(prompt), fields, raw: dream! };
};

const readComfy: Reader = ({ prompt, workflow }) => {
  const graph = parseObject(prompt);
  if (graph) return readComfyGraph(graph, prompt!);
  if (!parseObject(workflow)) return undefined;
  return { program: "ComfyUI", prompt: "", negativePrompt: "", fields: {}, raw: workflow! };
};

const readNovelAi: Reader = ({ Software, Description = "", Comment: raw = "" }) => {
  const meta: Json | undefined = Software?.startsWith("NovelAI") ? parseObject(raw) : undefined;
  if (!meta) return undefined;
  const fields = {
    ...pickFields(meta, {
      steps: "Steps",
      sampler: "Sampler",
      noise_schedule: "Schedule type",
      scale: "CFG scale",
      seed: "Seed",
    }),
    ...(meta.request_type === "Img2ImgRequest" && pickFields(meta, { strength: "Denoising strength" })),
    ...sizeField(meta),
  };
  return {
    program: "NovelAI",
    prompt: textOf(meta.prompt) || Description,
    negativePrompt: textOf(meta.uc),
    fields,
    raw,
  };
};

/**
 * Draw Things keeps JSON in its XMP data, as a comment: `c` and `uc` are the prompts. Versions differ in what else they
 * write; `v2` holds the app's whole configuration.
 */
const readDrawThings: Reader = ({ CreatorTool = "", UserComment: raw = "" }) => {
  const meta = parseObject(raw);
  if (!meta || typeof meta.c !== "string") return undefined;
  if (!CreatorTool.startsWith("Draw Things") && (meta.uc === undefined || meta.sampler === undefined))
    return undefined;
  const fields = pickFields(meta, {
    steps: "Steps",
    sampler: "Sampler",
    scale: "CFG scale",
    seed: "Seed",
    size: "Size",
    model: "Model",
    strength: "Denoising strength",
  });
  const v2 = isObject(meta.v2) ? meta.v2 : {};
  if (typeof v2.clipSkip === "number") fields["Clip skip"] = String(v2.clipSkip);
  const loras = listLoras(meta.lora, ({ model, weight }) => [model, weight]);
  return { program: "Draw Things", prompt: meta.c, negativePrompt: textOf(meta.uc), fields, ...loras, raw };
};

/** The more special ones first: several programs write what webui writes, with something added. */
const readers: readonly Reader[] = [
  readDrawThings,
  readSwarm,
  readFooocus,
  readWebui,
  readInvoke,
  readOldInvoke,
  readComfy,
  readNovelAi,
];

/**
 * The texts of EXIF data under the names that PNG files have for them. A comment counts as parameters only where it looks
 * like them: cameras and people write comments, too.
 */
function fromExif(text: Texts): Texts {
  const xmp = text[xmpKeyword];
  const known = { ...(xmp !== undefined && readXmpTexts(xmp)), ...text };
  return { ...fromTags(known), ...known };
}

function fromTags(text: Texts): Texts {
  const { UserComment: comment } = text;
  const tags = [text.ImageDescription, text.Make, text.Model].flatMap((value) => {
    const match = value === undefined ? null : /^(prompt|workflow):\s*(\{.*)$/is.exec(value);
    return match ? [[match[1]!.toLowerCase(), match[2]!] as const] : [];
  });
  const isParameters =
    comment !== undefined &&
    (parseObject(comment) || Object.keys(parseParameters(comment).fields).length > 0);
  return { ...Object.fromEntries(tags), ...(isParameters && { parameters: comment }) };
}

/**
 * Says which program made an image, from the texts of its file, and what they say about it.
 *
 * @param text texts by keyword, as `decodePng` and `inspectImage` give them
 * @returns undefined where no text of a known program is there
 */
export function readProvenance(text: Readonly<Record<string, string>>): Provenance | undefined {
  const texts = fromExif(text);
  for (const read of readers) {
    const provenance = read(texts);
    if (provenance) return provenance;
  }
  return undefined;
}

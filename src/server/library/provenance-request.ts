// Settings that can be taken over from an image of any known program, as fields of a request. Each is there only if it is
// valid: nothing is guessed, and nothing that another program did differently is repeated silently.
import { getStepSchedule, parseSamplerName, stepSchedules } from "../../diffusion/index.js";
import type { Provenance } from "../../image/index.js";
import { hiresLabels, parseReceipt, receiptKey, storedRequestSchema } from "../../pipeline/index.js";
import { getShape, parse } from "../../schema/index.js";

type ImageSize = { readonly width: number; readonly height: number };
type Fields = Readonly<Record<string, unknown>>;
type Texts = Readonly<Record<string, string | undefined>>;

/**
 * @param text The texts of the image's file.
 * @returns settings under the names of a request; also `model` and `loras`, by the names that the program had for them
 */
export function makeRequest(provenance: Provenance, text: Texts): Fields {
  const own = text[receiptKey];
  if (own !== undefined) {
    try {
      return takeReceipt(own);
    } catch {
      // Damaged, or of a later version: its `parameters` say the most important things.
    }
  }
  return takeFields(provenance);
}

/** Everything but the images, which the receipt names and does not hold. */
function takeReceipt(json: string): Fields {
  const { request, model, load } = parseReceipt(json);
  const { count: _, init, inpaint: _inpaint, ...settings } = request;
  const loras = (load.loras ?? []).map(({ file, weight }) => ({ name: file, weight }));
  return {
    ...settings,
    ...(init && { init: { strength: init.strength } }),
    model: model.name,
    ...(loras.length > 0 && { loras }),
  };
}

const shape = getShape(storedRequestSchema)!;

/** A value of the setting, or undefined if the value is not valid there. */
function check(name: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    return parse(shape[name] as Parameters<typeof parse>[0], value, { name });
  } catch {
    return undefined;
  }
}

const loraTag = /<lora:([^:<>]{1,200})(?::(-?\d{1,9}(?:\.\d{1,9})?))?[^<>]{0,100}>/g;

/** "a cat <lora:ink:1>, blue" → "a cat, blue" */
const removeTags = (prompt: string) => {
  const text = prompt.replace(loraTag, "\0");
  return text
    .replace(/ ?\0/g, "")
    .replace(/^[\s,]+/, "")
    .trim();
};

function takeFields({ prompt, negativePrompt, fields, loras = [], program }: Provenance): Fields {
  const number = (name: string) => readNumber(fields[name]);
  const tagged = [...prompt.matchAll(loraTag)].map(([, name, weight]) => ({
    name: name!,
    weight: Number(weight ?? 1),
  }));
  const named = [...tagged, ...loras.filter(({ name }) => !tagged.some((tag) => tag.name === name))];
  const clipSkip = number("Clip skip");
  const request: Record<string, unknown> = {
    // A request may have none where an image stands in its place, which is not known here.
    prompt: check("prompt", removeTags(prompt)) || undefined,
    negativePrompt: negativePrompt === "" ? undefined : check("negativePrompt", negativePrompt),
    ...readSeed(fields.Seed, program),
    steps: check("steps", number("Steps")),
    guidance: check("guidance", number("CFG scale")),
    ...readSampler(fields.Sampler, fields["Schedule type"]),
    size: check("size", fields.Size),
    ...readHires(fields, number),
    // stable-diffusion-webui, which named this field, counts the last layer as 1.
    clipSkip: clipSkip === undefined || clipSkip < 1 ? undefined : check("clipSkip", clipSkip - 1),
    init: readStrength(fields),
    variation: readVariation(number),
    seamless: fields.Tiling === "True" ? true : undefined,
    model: fields.Model === undefined ? undefined : getModelName(fields.Model),
    loras: named.length === 0 ? undefined : named,
  };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*-?\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** ComfyUI draws its noise with PyTorch's generator on the CPU, which reads the low 32 bits of longer seeds only. */
function readSeed(text: string | undefined, program: Provenance["program"]): Fields {
  const seed = check("seed", readNumber(text));
  if (seed !== undefined) return { seed };
  if (program !== "ComfyUI" || !/^\d{16,20}$/.test(text ?? "")) return {};
  return { seed: Number(BigInt(text!) % 2n ** 32n), rng: "torch-cpu" };
}

function readSampler(sampler: string | undefined, schedule: string | undefined): Fields {
  // Endings: "dpmpp_2m_k" is InvokeAI's for Karras' schedule, "dpmpp_2m_sde_gpu" ComfyUI's for where the noise is made.
  const read = (name: string) => attempt(() => parseSamplerName(name));
  const full = sampler ?? "";
  const named = read(full) ?? read(full.replace(/_k$/, " Karras").replace(/_gpu$/, ""));
  const own = attempt(() => getStepSchedule(schedule ?? ""));
  const name = Object.entries(stepSchedules).find(([, info]) => info === own)?.[0] ?? named?.schedule;
  return { ...(named && { sampler: named.sampler }), ...(name && { schedule: name }) };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The second pass over an enlarged image has a strength, too, which is none of an init image. */
function readStrength(fields: Readonly<Record<string, string>>): Fields | undefined {
  const strength = readNumber(fields["Denoising strength"]);
  const isSecondPass = Object.keys(fields).some((name) => name.startsWith("Hires"));
  const isShare = strength !== undefined && strength >= 0 && strength < 1;
  return isShare && !isSecondPass ? { strength } : undefined;
}

const hiresMethods = new Map(
  Object.entries(hiresLabels).map(([method, label]) => [label.toLowerCase(), method] as const),
);

const readSize = (text: string | undefined) => check("size", text) as ImageSize | undefined;

/** The size of the second pass: a factor of the first, down to whole cells of latents, or the size itself. */
function readHiresSize(first: ImageSize, scale: number | undefined, resize: string | undefined) {
  if (scale === undefined) return readSize(resize);
  const below = (side: number) => Math.floor((side * scale) / latentCell) * latentCell;
  return readSize(`${below(first.width)}x${below(first.height)}`);
}

/** Pixels of an image that one cell of the latents stands for: sides are multiples of it. */
const latentCell = 8;

/** Two passes. An upscaling network that only the other program has is no method of ours: then there is one pass. */
function readHires(
  fields: Readonly<Record<string, string>>,
  number: (name: string) => number | undefined,
): Fields {
  const from = readSize(fields.Size);
  const size = from && readHiresSize(from, number("Hires upscale"), fields["Hires resize"]);
  const method = hiresMethods.get((fields["Hires upscaler"] ?? "Latent").toLowerCase());
  if (!from || !size || !method) return {};
  const hires = {
    from,
    method,
    strength: number("Denoising strength"),
    steps: number("Hires steps") || undefined,
    ...readSampler(fields["Hires sampler"], fields["Hires schedule type"]),
    prompt: fields["Hires prompt"],
    negativePrompt: fields["Hires negative prompt"],
  };
  const given = Object.entries(hires).filter(([, value]) => value !== undefined);
  const checked = check("hires", Object.fromEntries(given));
  return checked === undefined ? {} : { size, hires: checked };
}

function readVariation(number: (name: string) => number | undefined): unknown {
  const [seed, strength] = [number("Variation seed"), number("Variation seed strength")];
  return strength === undefined || strength === 0 ? undefined : check("variation", { seed, strength });
}

/** Without the folder and the ending of a file. */
function getModelName(model: string): string {
  return model.replace(/^.*[\\/]/, "").replace(/\.(?:safetensors|ckpt|sft|gguf)$/i, "");
}

// Upgrades receipts of format 1, from images before 0.2. They hold settings in a flat object, and describe loaded files within
// file names, as in "lora style.safetensors × 0.8".
import { isRecord } from "../schema/index.js";
import { precisions, predictionNames } from "./load-options.js";

type Json = Readonly<Record<string, unknown>>;

/** Groups settings; undefined if none of them is set. */
function group(settings: Json): Json | undefined {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function upgradeRequest(request: Json): Json {
  const {
    negative,
    image,
    strength,
    mask,
    extend,
    variationSeed,
    variationStrength,
    reuse,
    tile,
    fast,
    ...same
  } = request;
  const upgraded = {
    ...same,
    negativePrompt: negative,
    init: group({ image, strength }),
    // Nothing was pasted back before 0.2.
    inpaint: group({ mask, extend, pasteBack: mask || extend ? false : undefined }),
    variation:
      variationStrength === undefined ? undefined : { seed: variationSeed, strength: variationStrength },
    deepCache: group({ interval: reuse }),
    seamless: tile || undefined,
    fast: fast || undefined,
  };
  return group(upgraded) ?? {};
}

interface Lora {
  readonly file: string;
  readonly sha256: unknown;
  readonly weight: number;
  readonly beside?: Record<string, unknown>;
}

/** Splits annotated file names into plain names and a load record. */
function readNames(names: Json): { readonly weights: Json; readonly load: Json } {
  const weights: Record<string, unknown> = {};
  const loras: Lora[] = [];
  const embeddings: Json[] = [];
  const forms: { precision?: string; prediction?: string } = {};
  for (const [name, sha256] of Object.entries(names)) {
    const [, lora, weight] = /^lora (.+) × (\S+?)(?: \(\d+\))?$/.exec(name) ?? [];
    const [, embedding] = /^embedding (.+)$/.exec(name) ?? [];
    const [, plain = name, form = ""] = /^(.+) as (\w+)$/.exec(name) ?? [];
    const last = loras.at(-1);
    if (lora !== undefined && last && lora.endsWith(".json"))
      loras[loras.length - 1] = { ...last, beside: { ...last.beside, [lora]: sha256 } };
    else if (lora !== undefined) loras.push({ file: lora, sha256, weight: Number(weight) });
    else if (embedding !== undefined) embeddings.push({ file: embedding, sha256 });
    else if ((precisions as readonly string[]).includes(form)) {
      forms.precision = form;
      weights[plain] = sha256;
    } else if ((predictionNames as readonly string[]).includes(form)) {
      forms.prediction = form;
      weights[plain] = sha256;
    } else weights[name] = sha256;
  }
  const load = { ...(loras.length > 0 && { loras }), ...(embeddings.length > 0 && { embeddings }), ...forms };
  return { weights, load };
}

/** Converts a receipt of format 1 to format 2 and returns anything else unchanged. Values are checked later. */
export function upgradeFormat1(receipt: unknown): unknown {
  if (!isRecord(receipt) || receipt.format !== 1) return receipt;
  const { request, model, ...same } = receipt;
  const { weights, load } = readNames(isRecord(model) && isRecord(model.weights) ? model.weights : {});
  return {
    ...same,
    request: isRecord(request) ? upgradeRequest(request) : request,
    model: isRecord(model) && isRecord(model.weights) ? { ...model, weights } : model,
    load,
  };
}

// The strength of a LoRA whose file has no alphas but whose PEFT config does: `adapter_config.json` beside
// the file, or the entry "lora_adapter_metadata" that diffusers writes into it, where keys begin with the
// network's name ("unet.lora_alpha").
import { NishikiError, quote } from "../../errors.js";
import { makeLayerTest } from "./pattern.js";

/**
 * Gets a layer's scale from its name in the file and its rank (undefined for whole factors); undefined if the
 * config
 * does not set one.
 */
export type ScaleRule = (layer: string, rank: number | undefined) => number | undefined;

type Json = Readonly<Record<string, unknown>>;
type Patterns = readonly (readonly [matches: (layer: string) => boolean, value: number])[];

interface NetworkConfig {
  readonly prefix: string;
  readonly alpha: number;
  /** Alphas and ranks of individual layers; the first match wins. */
  readonly alphas: Patterns;
  readonly ranks: Patterns;
  readonly rank: number | undefined;
  /** alpha / √rank instead of alpha / rank (Kalajdzievski 2023, arXiv:2312.03732). */
  readonly byRoot: boolean;
}

const prefixes = ["unet.", "text_encoder.", "text_encoder_2.", ""];

/** PEFT methods whose tensors Nishiki reads. */
const readable = ["LORA", "LOHA", "LOKR", "IA3"];

/**
 * Settings under which the matrices alone are not the trained change: the base weights or the arithmetic were
 * changed.
 */
const otherArithmetic: readonly (readonly [key: string, isOn: (value: unknown) => boolean])[] = [
  [
    "init_lora_weights",
    (value) => typeof value === "string" && /^(pissa|olora|corda|loftq|lora_ga)/i.test(value),
  ],
  ["alora_invocation_tokens", (value) => Array.isArray(value)],
  ["layer_replication", (value) => Array.isArray(value)],
  ...["use_qalora", "use_bdlora", "fan_in_fan_out"].map(
    (key) => [key, (value: unknown) => value === true] as const,
  ),
];

function readPatterns(value: unknown, where: string): Patterns {
  if (value === undefined || value === null) return [];
  const isTable = typeof value === "object" && !Array.isArray(value);
  const entries = isTable ? Object.entries(value as Json) : [];
  if (!isTable || !entries.every(([, number]) => typeof number === "number"))
    throw new NishikiError("checkpoint", `${where} must map layer-name patterns to numbers.`);
  return entries.map(([pattern, number]) => [makeLayerTest(pattern), number as number]);
}

function checkArithmetic(json: Json, prefix: string, file: string): void {
  const kind = json[`${prefix}peft_type`];
  if (typeof kind === "string" && !readable.includes(kind)) {
    const message = `${file} cannot be used: expected a PEFT method among ${readable.join(", ")}, got ${quote(kind)}.`;
    throw new NishikiError("checkpoint", message);
  }
  for (const [key, isOn] of otherArithmetic) {
    const value = json[prefix + key];
    if (!isOn(value)) continue;
    const message =
      `${file} cannot be used: with ${key} = ${quote(JSON.stringify(value))}, its matrices are not the whole change. ` +
      "Save it as a plain LoRA (PEFT can convert it).";
    throw new NishikiError("checkpoint", message);
  }
}

function readNetwork(json: Json, prefix: string, file: string): NetworkConfig | undefined {
  checkArithmetic(json, prefix, file);
  const alpha = json[`${prefix}lora_alpha`] ?? json[`${prefix}alpha`];
  if (typeof alpha !== "number") return undefined;
  const rank = json[`${prefix}r`];
  return {
    prefix,
    alpha,
    alphas: readPatterns(json[`${prefix}alpha_pattern`], `alpha_pattern of ${file}`),
    ranks: readPatterns(json[`${prefix}rank_pattern`], `rank_pattern of ${file}`),
    rank: typeof rank === "number" ? rank : undefined,
    byRoot: json[`${prefix}use_rslora`] === true,
  };
}

/**
 * Reads the scales from a config. @throws NishikiError "checkpoint" for unsupported patterns and settings.
 */
export function readScaleRule(json: Json, file: string): ScaleRule {
  const networks = prefixes.flatMap((prefix) => readNetwork(json, prefix, file) ?? []);
  return (layer, rank) => {
    const network = networks.find(({ prefix }) => layer.startsWith(prefix));
    if (!network) return undefined;
    const name = layer.slice(network.prefix.length);
    const find = (patterns: Patterns) => patterns.find(([matches]) => matches(name))?.[1];
    const known = rank ?? find(network.ranks) ?? network.rank;
    if (known === undefined) return undefined;
    return (find(network.alphas) ?? network.alpha) / (network.byRoot ? Math.sqrt(known) : known);
  };
}

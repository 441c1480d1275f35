// How strongly a LoRA is applied where its file has no alphas and peft's config says it: `adapter_config.json` beside the file, or
// the entry "lora_adapter_metadata" that diffusers writes into it, where names begin with the network's ("unet.lora_alpha").
import { NishikiError } from "../../errors.js";

/** A layer's scale by its name in the file and its rank; undefined where the config does not speak of its network. */
export type ScaleRule = (layer: string, rank: number) => number | undefined;

type Json = Readonly<Record<string, unknown>>;

interface NetworkConfig {
  readonly prefix: string;
  readonly alpha: number;
  /** Layers with alphas of their own, by the ends of their names. */
  readonly patterns: readonly (readonly [end: string, alpha: number])[];
  /** alpha / √rank instead of alpha / rank (Kalajdzievski 2023, arXiv:2312.03732). */
  readonly byRoot: boolean;
}

const prefixes = ["unet.", "text_encoder.", "text_encoder_2.", ""];

function readPatterns(value: unknown, file: string): NetworkConfig["patterns"] {
  if (value === undefined || value === null) return [];
  return Object.entries(value as Json).map(([pattern, alpha]) => {
    if (/^\^?[\w.]+$/.test(pattern) && typeof alpha === "number") return [pattern, alpha] as const;
    const message = `${file} cannot be used: alpha_pattern has ${JSON.stringify(pattern)}, and only layers' names are read.`;
    throw new NishikiError("checkpoint", message);
  });
}

const matches = (layer: string, pattern: string): boolean =>
  pattern.startsWith("^") ? layer === pattern.slice(1) : layer === pattern || layer.endsWith(`.${pattern}`);

/** @throws NishikiError "checkpoint" for patterns that are more than names. */
export function readScaleRule(json: Json, file: string): ScaleRule {
  const networks = prefixes.flatMap((prefix): NetworkConfig[] => {
    const alpha = json[`${prefix}lora_alpha`];
    if (typeof alpha !== "number") return [];
    const patterns = readPatterns(json[`${prefix}alpha_pattern`], file);
    return [{ prefix, alpha, patterns, byRoot: json[`${prefix}use_rslora`] === true }];
  });
  return (layer, rank) => {
    const network = networks.find(({ prefix }) => layer.startsWith(prefix));
    if (!network) return undefined;
    const name = layer.slice(network.prefix.length);
    const own = network.patterns.find(([pattern]) => matches(name, pattern));
    return (own?.[1] ?? network.alpha) / (network.byRoot ? Math.sqrt(rank) : rank);
  };
}

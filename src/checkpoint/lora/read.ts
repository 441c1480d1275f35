// LoRA files: for some of a network's layers two thin matrices whose product is added to the layer's own (Hu et al. 2021,
// arXiv:2106.09685). Two dialects are read, each with its names for the pair; other decompositions are refused by name.
import { NishikiError } from "../../errors.js";
import type { ScaleRule } from "./adapter-config.js";

/** A matrix or a convolution's kernel, as float32. */
export interface LoraMatrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The change of one layer: scale · up · down. */
export interface LoraLayer {
  /** The layer's name in the file. */
  readonly name: string;
  /** `[rank, in]`, or `[rank, in, k, k]` of a convolution. */
  readonly down: LoraMatrix;
  /** `[out, rank]`, or `[out, rank, 1, 1]`. */
  readonly up: LoraMatrix;
  /** alpha / rank; 1 where nothing says an alpha. */
  readonly scale: number;
}

export interface Lora {
  /** The file's name. */
  readonly name: string;
  readonly layers: readonly LoraLayer[];
}

/** A tensor of the file, read when it is wanted. */
export interface LoraTensor {
  readonly shape: readonly number[];
  readonly read: () => Promise<Float32Array>;
}

const endings: readonly (readonly [RegExp, "down" | "up" | "alpha"])[] = [
  [/(\.lora_down|\.lora_A|\.lora\.down|_lora\.down|\.lora_linear_layer\.down)(\.default)?\.weight$/, "down"],
  [/(\.lora_up|\.lora_B|\.lora\.up|_lora\.up|\.lora_linear_layer\.up)(\.default)?\.weight$/, "up"],
  [/\.alpha$/, "alpha"],
];

/** Decompositions that are something else than a product of two matrices. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/\.hada_w[12]_[ab]$|\.hada_t[12]$/, "LoHa"],
  [/\.lokr_(w|t)\d/, "LoKr"],
  [/\.dora_scale$|\.lora_magnitude_vector/, "DoRA"],
  [/\.lora_mid\.weight$/, "a convolution in three parts (Tucker)"],
  [/\.oft_|\.glora_|\.ia3_/, "OFT, GLoRA or IA³"],
];

interface Group {
  down?: LoraTensor;
  up?: LoraTensor;
  alpha?: LoraTensor;
}

/** The layer that a tensor belongs to, and which of its parts it is. */
function placeOf(tensor: string): readonly [layer: string, part: keyof Group] | undefined {
  const found = endings.find(([pattern]) => pattern.test(tensor));
  if (!found) return undefined;
  const [pattern, part] = found;
  // "…processor.to_q_lora.down.weight" is of the layer "…processor.to_q_lora".
  const keepsLora = /_lora\.(down|up)\.weight$/.test(tensor);
  const layer = tensor.replace(pattern, keepsLora ? "_lora" : "").replace(/^base_model\.model\./, "");
  return [layer, part];
}

/** A layer before its matrices are read. */
export interface LoraHead {
  readonly name: string;
  readonly down: LoraTensor;
  readonly up: LoraTensor;
  readonly scale: number;
}

/** What a file of another decomposition is called; undefined for plain LoRAs and whatever else. */
function nameOtherDecomposition(
  tensors: Iterable<string>,
): { readonly kind: string; readonly tensor: string } | undefined {
  const names = [...tensors];
  for (const [pattern, kind] of strangers) {
    const tensor = names.find((name) => pattern.test(name));
    if (tensor !== undefined) return { kind, tensor };
  }
  return undefined;
}

/** Whether tensors are those of a LoRA, or of another decomposition. */
export function looksLikeLora(names: readonly string[]): boolean {
  const isMatrix = (name: string) => /^(down|up)$/.test(placeOf(name)?.[1] ?? "");
  return nameOtherDecomposition(names) !== undefined || names.some(isMatrix);
}

/**
 * Puts a file's tensors together to layers, and reads alphas alone.
 * @param rule Scales of layers that have no alpha among the tensors.
 * @returns Also the tensors that belong to no layer.
 * @throws NishikiError "checkpoint" where it is no LoRA, or of a kind that is not read.
 */
export async function readLoraHeads(
  tensors: ReadonlyMap<string, LoraTensor>,
  name: string,
  rule?: ScaleRule,
): Promise<{ readonly heads: readonly LoraHead[]; readonly unknown: readonly string[] }> {
  const other = nameOtherDecomposition(tensors.keys());
  if (other) {
    const message = `${name} cannot be used: it is ${other.kind} ("${other.tensor}"), and only plain LoRA is read.`;
    throw new NishikiError("checkpoint", message);
  }
  const groups = new Map<string, Group>();
  const unknown: string[] = [];
  for (const [tensor, value] of tensors) {
    const place = placeOf(tensor);
    if (!place) unknown.push(tensor);
    else groups.set(place[0], { ...groups.get(place[0]), [place[1]]: value });
  }
  const heads: LoraHead[] = [];
  for (const [layer, group] of groups) heads.push(await readHead(layer, group, name, rule));
  if (heads.length > 0) return { heads, unknown };
  const some = [...tensors.keys()].slice(0, 3).map((tensor) => `"${tensor}"`);
  const held = some.length === 0 ? "nothing" : `${some.join(", ")} and no pair of matrices`;
  throw new NishikiError("checkpoint", `${name} is no LoRA: it holds ${held}.`);
}

/** The same with the matrices. @throws NishikiError "checkpoint" */
export async function readLora(
  tensors: ReadonlyMap<string, LoraTensor>,
  name: string,
  rule?: ScaleRule,
): Promise<{ readonly lora: Lora; readonly unknown: readonly string[] }> {
  const { heads, unknown } = await readLoraHeads(tensors, name, rule);
  const layers: LoraLayer[] = [];
  for (const { down, up, ...head } of heads) {
    const matrix = async (tensor: LoraTensor) => {
      const data = await tensor.read();
      if (data.every(Number.isFinite)) return { shape: tensor.shape, data };
      throw damaged(name, head.name);
    };
    layers.push({ ...head, down: await matrix(down), up: await matrix(up) });
  }
  return { lora: { name, layers }, unknown };
}

async function readHead(
  name: string,
  { down, up, alpha }: Group,
  file: string,
  rule?: ScaleRule,
): Promise<LoraHead> {
  if (!down || !up) {
    const there = down ? "down" : up ? "up" : "alpha";
    const message = `${file} is not whole: layer "${name}" has only its ${there} part.`;
    throw new NishikiError("checkpoint", message);
  }
  const rank = down.shape[0]!;
  if (rank === 0 || up.shape[1] !== rank || up.shape.slice(2).some((side) => side !== 1)) {
    const shapes = `[${up.shape.join(", ")}] and [${down.shape.join(", ")}]`;
    const message = `${file} cannot be used: the matrices of layer "${name}" are ${shapes} and cannot be multiplied.`;
    throw new NishikiError("checkpoint", message);
  }
  const scale = alpha ? (await alpha.read())[0]! / rank : (rule?.(name, rank) ?? 1);
  if (!Number.isFinite(scale)) throw damaged(file, name);
  return { name, down, up, scale };
}

function damaged(file: string, layer: string): NishikiError {
  const message = `${file} is damaged: layer "${layer}" has numbers that are not finite, or none. Download it anew.`;
  return new NishikiError("checkpoint", message);
}

// Reads LoRA files, which add changes to some of a network's layers (Hu et al. 2021, arXiv:2106.09685): all
// decompositions of kinds.ts, under the names of tensor-names.ts.
import { listSome, NishikiError, quote } from "../../errors.js";
import type { ScaleRule } from "./adapter-config.js";
import type { LoraBase } from "./base.js";
import type { Magnitude, WeightChange } from "./change.js";
import {
  commonParts,
  type LoraKind,
  type LoraMatrix,
  loraKinds,
  type Parts,
  readMagnitude,
} from "./kinds.js";
import { isBundledWord, nameStranger, type PartName, placeTensor } from "./tensor-names.js";

/** The change of one layer. */
export interface LoraLayer {
  /** The layer's name in the file. */
  readonly name: string;
  /** The change of the weight; undefined if only the bias changes. */
  readonly change: WeightChange | undefined;
  /** alpha / rank, or 1 if no alpha is specified. Multiplies the change. */
  readonly scale: number;
  /** DoRA's norms of the changed weight. */
  readonly magnitude: Magnitude | undefined;
  /** The scaled change of the bias; a layer without a bias gets one. */
  readonly bias: Float32Array | undefined;
}

export interface Lora {
  /** The file's name. */
  readonly name: string;
  /** The model that it was trained for, if Nishiki trained it. */
  readonly base?: LoraBase | undefined;
  readonly layers: readonly LoraLayer[];
}

/** A tensor of the file, loaded on demand. */
export interface LoraTensor {
  readonly shape: readonly number[];
  readonly read: () => Promise<Float32Array>;
}

/** A layer whose matrices are not yet loaded. */
export interface LoraHead {
  readonly name: string;
  readonly kind: LoraKind | undefined;
  readonly parts: Parts<LoraTensor>;
  readonly rank: number | undefined;
  readonly scale: number;
}

/** Tensors of a file that belong to no layer. */
export interface LeftOver {
  /** Unknown tensors, which might affect the image. */
  readonly unknown: readonly string[];
  /** Tensors that do not affect the image: scales without matrices, bundled embeddings. */
  readonly unused: readonly string[];
}

/** Whether tensors belong to a LoRA, including unsupported decompositions. */
export function looksLikeLora(names: readonly string[]): boolean {
  const all = new Set(names);
  const isPart = (name: string): boolean => {
    const part = placeTensor(name, (one) => all.has(one))?.part;
    return part !== undefined && !["alpha", "scalar"].includes(part);
  };
  return names.some((name) => isPart(name) || nameStranger(name) !== undefined);
}

type Group = Partial<Record<PartName, LoraTensor>>;

function groupTensors(
  tensors: ReadonlyMap<string, LoraTensor>,
  file: string,
): { readonly groups: ReadonlyMap<string, Group> } & LeftOver {
  const groups = new Map<string, Group>();
  const adapters = new Map<string, string | undefined>();
  const [unknown, unused]: [string[], string[]] = [[], []];
  for (const [name, tensor] of tensors) {
    const place = placeTensor(name, (one) => tensors.has(one));
    if (!place) {
      (isBundledWord(name) ? unused : unknown).push(name);
      continue;
    }
    const { layer, part, adapter } = place;
    const group = groups.get(layer) ?? {};
    if (group[part]) {
      const both = [adapters.get(`${layer} ${part}`), adapter].map((one) => quote(one ?? "")).join(" and ");
      throw refuse(
        file,
        `layer ${quote(layer)} appears twice, for the adapters ${both}; save only one of them`,
      );
    }
    group[part] = tensor;
    adapters.set(`${layer} ${part}`, adapter);
    groups.set(layer, group);
  }
  for (const [layer, group] of groups) {
    const parts = Object.keys(group);
    if (!parts.every((part) => part === "alpha" || part === "scalar")) continue;
    unused.push(...parts.map((part) => `${layer}.${part}`));
    groups.delete(layer);
  }
  return { groups, unknown, unused };
}

/**
 * Groups a file's tensors into layers; loads only the alphas.
 * @param rule Scales of layers that have no alpha among the tensors.
 * @throws NishikiError "checkpoint" if it is not a LoRA or of an unsupported kind.
 */
export async function readLoraHeads(
  tensors: ReadonlyMap<string, LoraTensor>,
  name: string,
  rule?: ScaleRule,
): Promise<{ readonly heads: readonly LoraHead[] } & LeftOver> {
  const { groups, unknown, unused } = groupTensors(tensors, name);
  const heads: LoraHead[] = [];
  for (const [layer, group] of groups) heads.push(await readHead(layer, group, name, rule));
  if (heads.length > 0) return { heads, unknown, unused };
  const stranger = unknown.find((tensor) => nameStranger(tensor) !== undefined);
  if (stranger !== undefined) {
    const kinds = loraKinds.map((kind) => kind.name).join(", ");
    throw refuse(name, `it is ${nameStranger(stranger)} (${quote(stranger)}); supported: ${kinds}`);
  }
  const held =
    tensors.size === 0 ? "nothing" : `${listSome([...tensors.keys()].map(quote), 3)} but no layer's matrices`;
  throw new NishikiError("checkpoint", `${name} is not a LoRA: it holds ${held}.`);
}

/** Like {@link readLoraHeads}, with the matrices. @throws NishikiError "checkpoint" */
export async function readLora(
  tensors: ReadonlyMap<string, LoraTensor>,
  name: string,
  rule?: ScaleRule,
): Promise<{ readonly lora: Lora } & LeftOver> {
  const { heads, ...left } = await readLoraHeads(tensors, name, rule);
  const layers: LoraLayer[] = [];
  for (const head of heads) layers.push(await readLayer(head, name));
  return { lora: { name, layers }, ...left };
}

async function readLayer({ name, kind, parts, scale }: LoraHead, file: string): Promise<LoraLayer> {
  const read: Partial<Record<PartName, LoraMatrix>> = {};
  for (const [part, { shape, read: load }] of Object.entries(parts) as [PartName, LoraTensor][]) {
    const data = await load();
    if (!data.every(Number.isFinite)) throw damaged(file, name);
    read[part] = { shape, data };
  }
  const change = kind?.build(read);
  if (typeof change === "string") throw refuse(file, `the matrices of layer ${quote(name)} ${change}`);
  const { upBias, diffBias, normBias } = read;
  const bias = upBias?.data.map((value) => value * scale) ?? (diffBias ?? normBias)?.data;
  return { name, change, scale, magnitude: readMagnitude(read), bias };
}

const isBiasAlone = (parts: readonly PartName[]): boolean =>
  parts.every((part) => commonParts.includes(part));

async function readHead(name: string, group: Group, file: string, rule?: ScaleRule): Promise<LoraHead> {
  const there = Object.keys(group) as PartName[];
  if (isBiasAlone(there)) return { name, kind: undefined, parts: group, rank: undefined, scale: 1 };
  const kinds = loraKinds.filter(({ sets }) => sets.flat().some((part) => group[part]));
  const [kind] = kinds;
  const isWhole = kind?.sets.some(
    (set) =>
      set.every((part) => group[part]) &&
      there.every((part) => set.includes(part) || kind.optional.includes(part) || commonParts.includes(part)),
  );
  if (!kind || kinds.length > 1 || !isWhole) {
    const parts = listSome(there.map((part) => part));
    throw new NishikiError(
      "checkpoint",
      `${file} is incomplete: layer ${quote(name)} has only its ${parts} part${there.length === 1 ? "" : "s"}.`,
    );
  }
  const rank = kind.rank(group);
  if (rank === 0) throw refuse(file, `the matrices of layer ${quote(name)} are empty`);
  const scale = await readScale(name, group, rank, rule);
  if (!Number.isFinite(scale)) throw damaged(file, name);
  return { name, kind, parts: group, rank, scale };
}

async function readScale(
  name: string,
  { alpha, scalar }: Group,
  rank: number | undefined,
  rule?: ScaleRule,
): Promise<number> {
  const factor = scalar ? (await scalar.read())[0]! : 1;
  if (rank === undefined) return factor * (rule?.(name, undefined) ?? 1);
  return factor * (alpha ? (await alpha.read())[0]! / rank : (rule?.(name, rank) ?? 1));
}

function refuse(file: string, reason: string): NishikiError {
  return new NishikiError("checkpoint", `${file} cannot be used: ${reason}.`);
}

function damaged(file: string, layer: string): NishikiError {
  const message = `${file} is damaged: layer ${quote(layer)} has non-finite numbers, or none. Download it again.`;
  return new NishikiError("checkpoint", message);
}

// The tensors of each decomposition, and their conversion to the matrices of a change.
import { showShape } from "../../errors.js";
import type { Magnitude, WeightChange } from "./change.js";
import { contractCore, multiplied, toMatrix, transposed } from "./matrices.js";
import type { PartName } from "./tensor-names.js";

/** The tensors of one layer, loaded or not. */
export type Parts<T> = Readonly<Partial<Record<PartName, T>>>;

/** A loaded tensor. */
export interface LoraMatrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

type Shaped = Parts<{ readonly shape: readonly number[] }>;

/** A decomposition. To add one, add a row to the table. */
export interface LoraKind {
  readonly name: WeightChange["kind"];
  /** Alternative sets of required parts; any part of a set identifies the decomposition. */
  readonly sets: readonly (readonly PartName[])[];
  readonly optional: readonly PartName[];
  /** The divisor of alpha; undefined if the change has no scale. */
  rank(parts: Shaped): number | undefined;
  /** The layer's number of inputs if shapes determine it; identifies models by width. */
  inputs(parts: Shaped): number | undefined;
  /** @returns An error text if the shapes do not match. */
  build(parts: Parts<LoraMatrix>): WeightChange | string;
}

const matrix = (part: LoraMatrix | undefined) => toMatrix(part!.shape, part!.data);
const first = (part: { readonly shape: readonly number[] } | undefined) => part?.shape[0];
const second = (part: { readonly shape: readonly number[] } | undefined) => part?.shape[1];

/** The product of [a, b], through a core if there is one; the factors of a core are transposed. */
function makeProduct(
  parts: Parts<LoraMatrix>,
  [a, b, core]: readonly [PartName, PartName, PartName?],
  turned: boolean,
) {
  const [left, right] = [matrix(parts[a]), matrix(parts[b])];
  const middle = core && parts[core];
  const before = middle && turned ? transposed(left) : left;
  const fits = middle
    ? middle.shape[0] === before.columns && middle.shape[1] === right.rows
    : before.columns === right.rows;
  if (!fits || before.columns === 0) {
    const shapes = [parts[a], middle, parts[b]].flatMap((one) => (one ? [`${showShape(one.shape)}`] : []));
    return `are ${shapes.join(" and ")} and cannot be multiplied`;
  }
  return [before, middle ? contractCore(matrix(middle), right) : right] as const;
}

const lora: LoraKind = {
  name: "LoRA",
  sets: [["down", "up"]],
  optional: ["mid", "upBias", "dora", "magnitude"],
  rank: ({ down }) => first(down),
  inputs: ({ down }) => second(down),
  build: (parts) => {
    const product = makeProduct(parts, ["up", "down", "mid"], false);
    return typeof product === "string" ? product : { kind: "LoRA", product };
  },
};

const loha: LoraKind = {
  name: "LoHa",
  sets: [["hada1a", "hada1b", "hada2a", "hada2b"]],
  optional: ["hadaCore1", "hadaCore2", "dora", "magnitude"],
  rank: ({ hada1b }) => first(hada1b),
  inputs: ({ hada1b }) => second(hada1b),
  build: (parts) => {
    const one = makeProduct(parts, ["hada1a", "hada1b", "hadaCore1"], true);
    const other = makeProduct(parts, ["hada2a", "hada2b", "hadaCore2"], true);
    if (typeof one === "string") return one;
    if (typeof other === "string") return other;
    const same = one[0].rows === other[0].rows && one[1].columns === other[1].columns;
    return same ? { kind: "LoHa", products: [one, other] } : "give two products of different sizes";
  },
};

const lokr: LoraKind = {
  name: "LoKr",
  sets: [
    ["lokr1", "lokr2"],
    ["lokr1a", "lokr1b", "lokr2"],
    ["lokr1", "lokr2a", "lokr2b"],
    ["lokr1a", "lokr1b", "lokr2a", "lokr2b"],
  ],
  optional: ["lokrCore2", "dora", "magnitude"],
  // Two whole factors have no rank; LyCORIS then takes them without a scale.
  rank: ({ lokr1b, lokr2b }) => first(lokr2b) ?? first(lokr1b),
  inputs: ({ lokr1, lokr1b, lokr2, lokr2b }) => {
    const [outer, inner] = [second(lokr1 ?? lokr1b), second(lokr2 ?? lokr2b)];
    return outer === undefined || inner === undefined ? undefined : outer * inner;
  },
  build: (parts) => {
    const factor = (whole: PartName, names: readonly [PartName, PartName, PartName?]) => {
      if (parts[whole]) return matrix(parts[whole]);
      const product = makeProduct(parts, names, true);
      return typeof product === "string" ? product : multiplied(...product);
    };
    const outer = factor("lokr1", ["lokr1a", "lokr1b"]);
    const inner = factor("lokr2", ["lokr2a", "lokr2b", "lokrCore2"]);
    if (typeof outer === "string") return outer;
    return typeof inner === "string" ? inner : { kind: "LoKr", outer, inner };
  },
};

const glora: LoraKind = {
  name: "GLoRA",
  sets: [["glora1a", "glora2a", "glora1b", "glora2b"]],
  optional: ["gloraCore"],
  rank: ({ glora1a }) => Math.min(first(glora1a) ?? 0, second(glora1a) ?? 0),
  inputs: ({ glora1a }) => Math.max(first(glora1a) ?? 0, second(glora1a) ?? 0),
  build: (parts) => {
    // LyCORIS before 2.0 stored the low-rank matrices transposed: the first one had rank rows.
    const older = first(parts.glora1a)! < second(parts.glora1a)!;
    const order = (a: PartName, b: PartName) => (older ? ([b, a] as const) : ([a, b] as const));
    const inputs = makeProduct(parts, order("glora1a", "glora2a"), false);
    const product = makeProduct(parts, [...order("glora1b", "glora2b"), "gloraCore"], false);
    if (typeof inputs === "string") return inputs;
    return typeof product === "string" ? product : { kind: "GLoRA", inputs, product };
  },
};

const ia3: LoraKind = {
  name: "IA3",
  sets: [["ia3"], ["ia3Weight", "onInput"]],
  optional: [],
  rank: () => undefined,
  inputs: () => undefined,
  build: ({ ia3: factors, ia3Weight, onInput }) => {
    // LyCORIS stores the offset from 1; PEFT stores the factor itself, and its shape determines the axis.
    if (ia3Weight)
      return { kind: "IA3", axis: onInput!.data[0] ? "inputs" : "outputs", factors: ia3Weight.data };
    const { shape, data } = factors!;
    if (shape.length !== 2 || !shape.includes(1))
      return `are ${showShape(shape)}; only factors of a matrix are supported`;
    return {
      kind: "IA3",
      axis: shape[1] === 1 ? "outputs" : "inputs",
      factors: data.map((value) => value - 1),
    };
  },
};

const full: LoraKind = {
  name: "full",
  sets: [["diff"], ["normWeight"]],
  optional: [],
  rank: () => undefined,
  inputs: ({ diff }) => second(diff),
  build: ({ diff, normWeight }) => ({ kind: "full", difference: matrix(diff ?? normWeight) }),
};

/** All supported decompositions. */
export const loraKinds: readonly LoraKind[] = [lora, loha, lokr, glora, ia3, full];

/** Parts that any layer may have besides those of its decomposition. */
export const commonParts: readonly PartName[] = ["alpha", "scalar", "diffBias", "normBias"];

/**
 * Reads DoRA's norms; the shape determines the axis in kohya's and LyCORIS's files, PEFT's always apply to
 * outputs.
 */
export function readMagnitude({ dora, magnitude }: Parts<LoraMatrix>): Magnitude | undefined {
  if (magnitude) return { axis: "outputs", data: magnitude.data };
  if (!dora) return undefined;
  const isRow = dora.shape.length > 1 && dora.shape[0] === 1 && dora.data.length > 1;
  return { axis: isRow ? "inputs" : "outputs", data: dora.data };
}

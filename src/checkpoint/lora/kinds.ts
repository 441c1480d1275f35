// Which tensors make up each decomposition, and how they become the matrices of a change.
import { showShape } from "../../errors.js";
import type { Magnitude, WeightChange } from "./change.js";
import { contractCore, multiplied, toMatrix, transposed } from "./matrices.js";
import type { PartName } from "./tensor-names.js";

/** The tensors of one layer, read or not yet. */
export type Parts<T> = Readonly<Partial<Record<PartName, T>>>;

/** A tensor that is read. */
export interface LoraMatrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

type Shaped = Parts<{ readonly shape: readonly number[] }>;

/** A decomposition: a new one is one row of the table. */
export interface LoraKind {
  readonly name: WeightChange["kind"];
  /** Sets of parts of which one must be there whole; a layer with any part of a set is of this kind. */
  readonly sets: readonly (readonly PartName[])[];
  readonly optional: readonly PartName[];
  /** What alpha is divided by; undefined where the change has no scale. */
  rank(parts: Shaped): number | undefined;
  /** Inputs of the layer as far as shapes tell, for telling a model by its widths. */
  inputs(parts: Shaped): number | undefined;
  /** @returns A text where shapes do not fit each other. */
  build(parts: Parts<LoraMatrix>): WeightChange | string;
}

const matrix = (part: LoraMatrix | undefined) => toMatrix(part!.shape, part!.data);
const first = (part: { readonly shape: readonly number[] } | undefined) => part?.shape[0];
const second = (part: { readonly shape: readonly number[] } | undefined) => part?.shape[1];

/** [a, b] as a product, through a core where there is one; a core's factors stand the other way round. */
function productOf(
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
    const product = productOf(parts, ["up", "down", "mid"], false);
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
    const one = productOf(parts, ["hada1a", "hada1b", "hadaCore1"], true);
    const other = productOf(parts, ["hada2a", "hada2b", "hadaCore2"], true);
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
  // Of two whole factors there is no rank, and LyCORIS takes them as they are.
  rank: ({ lokr1b, lokr2b }) => first(lokr2b) ?? first(lokr1b),
  inputs: ({ lokr1, lokr1b, lokr2, lokr2b }) => {
    const [outer, inner] = [second(lokr1 ?? lokr1b), second(lokr2 ?? lokr2b)];
    return outer === undefined || inner === undefined ? undefined : outer * inner;
  },
  build: (parts) => {
    const factor = (whole: PartName, names: readonly [PartName, PartName, PartName?]) => {
      if (parts[whole]) return matrix(parts[whole]);
      const product = productOf(parts, names, true);
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
    // LyCORIS before 2.0 called the thin matrices the other way round: its first one had rank rows.
    const older = first(parts.glora1a)! < second(parts.glora1a)!;
    const order = (a: PartName, b: PartName) => (older ? ([b, a] as const) : ([a, b] as const));
    const inputs = productOf(parts, order("glora1a", "glora2a"), false);
    const product = productOf(parts, [...order("glora1b", "glora2b"), "gloraCore"], false);
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
    // LyCORIS stores what is added to 1, PEFT the factor itself, whose shape tells the axis.
    if (ia3Weight)
      return { kind: "IA3", axis: onInput!.data[0] ? "inputs" : "outputs", factors: ia3Weight.data };
    const { shape, data } = factors!;
    if (shape.length !== 2 || !shape.includes(1))
      return `are ${showShape(shape)}, and only the factors of a matrix are read`;
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

/** All decompositions that are read. */
export const loraKinds: readonly LoraKind[] = [lora, loha, lokr, glora, ia3, full];

/** Parts that any layer may have beside those of its kind. */
export const commonParts: readonly PartName[] = ["alpha", "scalar", "diffBias", "normBias"];

/** The lengths of DoRA; kohya's and LyCORIS's shape tells the axis, PEFT's are of outputs. */
export function readMagnitude({ dora, magnitude }: Parts<LoraMatrix>): Magnitude | undefined {
  if (magnitude) return { axis: "outputs", data: magnitude.data };
  if (!dora) return undefined;
  const isRow = dora.shape.length > 1 && dora.shape[0] === 1 && dora.data.length > 1;
  return { axis: isRow ? "inputs" : "outputs", data: dora.data };
}

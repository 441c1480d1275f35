// Collects the nodes and initializers of one ONNX model while operations write themselves out.
import type { Tensor } from "../graph.js";
import type { DType, Float8, Shape, TypedArray } from "../types.js";
import { type Capabilities, capabilities, type LoweringTarget } from "./capabilities.js";
import { DimensionReader } from "./dimension-reader.js";
import type { Lowering, NarrowRows, OnnxAttribute } from "./lowering.js";
import { type OnnxInitializer, type OnnxNode, onnxTypes } from "./schema.js";

/**
 * The location of a parameter's bytes. `scale` applies to 8-bit numbers: value = number · scale, one for all
 * or one per row.
 */
export interface StoredParameter {
  readonly dtype: DType | Float8;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The file stores the matrix by columns. */
  readonly transposed?: boolean;
  readonly scale?: {
    readonly dtype: DType;
    /** The number of scales: 1, or one per row of the parameter. */
    readonly count: number;
    readonly file: string;
    readonly offset: number;
    readonly length: number;
  };
}

export class Writer implements Lowering {
  readonly nodesWritten: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly names = new Map<Tensor, string>();
  readonly dimensions: DimensionReader;
  readonly can: Capabilities;
  readonly target: LoweringTarget;
  readonly #small = new Map<string, string>();
  /** Initializers that are not precomputed. */
  readonly inPlace = new Set<string>();
  readonly #narrow = new Map<string, NarrowRows>();
  /** Values that nodes produce, as opposed to inputs and initializers. */
  readonly #produced = new Set<string>();
  /** Outputs by what a node computes: equal nodes, such as those of shapes, are written once. */
  readonly #known = new Map<string, string[]>();
  /** Parameters that stay in their file, by the names of their float32 values. */
  readonly #places = new Map<string, { readonly parameter: string; readonly place: StoredParameter }>();
  readonly #renamed = new Map<string, string>();
  readonly #copies: { name: string; value: string }[] = [];
  #count = 0;

  constructor(target: LoweringTarget) {
    this.target = target;
    this.can = capabilities[target];
    this.dimensions = new DimensionReader(this);
  }

  /** Adds an input of the program; all symbols come from inputs. */
  bindInput(tensor: Tensor, name: string): void {
    this.names.set(tensor, name);
    this.dimensions.see(tensor.shape, name);
  }

  #fresh(hint: string): string {
    return `${hint}_${this.#count++}`;
  }

  node(type: string, inputs: readonly string[], attributes = {}, domain = ""): string {
    return this.nodes(type, inputs, 1, attributes, domain)[0]!;
  }

  nodes(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Record<string, OnnxAttribute> = {},
    domain = "",
  ): string[] {
    const key = `${domain}${type}(${inputs.join()})${outputs}${JSON.stringify(attributes)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const name = this.#fresh(type);
    const produced = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.nodesWritten.push({ type, name, inputs, outputs: produced, attributes, domain });
    for (const value of produced) this.#produced.add(value);
    this.#known.set(key, produced);
    return produced;
  }

  constant(dtype: DType, shape: readonly number[], data: TypedArray): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = bytes.length <= 64 ? `${dtype}[${shape.join()}]${bytes.join()}` : undefined;
    const knownName = key && this.#small.get(key);
    if (knownName) return knownName;
    const name = this.#fresh("constant");
    this.initializers.push({ name, dtype, shape, data: bytes });
    if (key) this.#small.set(key, name);
    return name;
  }

  scalar(dtype: DType, value: number): string {
    switch (dtype) {
      case "f32":
        return this.constant(dtype, [], new Float32Array([value]));
      case "f64":
        return this.constant(dtype, [], new Float64Array([value]));
      case "i64":
        return this.constant(dtype, [], new BigInt64Array([BigInt(value)]));
      case "i32":
        return this.constant(dtype, [], new Int32Array([value]));
      case "i8":
        return this.constant(dtype, [], new Int8Array([value]));
      case "u8":
      case "bool":
        return this.constant(dtype, [], new Uint8Array([value]));
      case "f16":
      case "bf16":
        return this.cast(this.scalar("f32", value), dtype);
    }
  }

  integers(values: readonly number[]): string {
    return this.constant(
      "i64",
      [values.length],
      BigInt64Array.from(values, (value) => BigInt(value)),
    );
  }

  shapeVector(shape: Shape, { inferOne = false } = {}): string {
    const unknown = shape.flatMap((dim, axis) => (typeof dim === "string" ? [axis] : []));
    // Leaving one symbol to the operator saves reading it; preferably one that no tensor has.
    const left = inferOne
      ? (unknown.find((axis) => !this.dimensions.has(shape[axis] as string)) ?? unknown[0])
      : -1;
    const dims = shape.map((dim, axis) => (axis === left ? -1 : dim));
    if (dims.every((dim) => typeof dim === "number")) return this.integers(dims);
    const parts = dims.map((dim) =>
      typeof dim === "number" ? this.integers([dim]) : this.dimensions.get(dim),
    );
    return parts.length === 1 ? parts[0]! : this.node("Concat", parts, { axis: 0 });
  }

  /**
   * Makes a value an output. Its node writes directly to the output if possible, which avoids copying state.
   */
  output(name: string, value: string): void {
    if (this.#produced.has(value) && !this.#renamed.has(value)) this.#renamed.set(value, name);
    else this.#copies.push({ name, value });
  }

  /** Gets the nodes and initializers that the outputs need, with the outputs' names in place. */
  finish(outputs: readonly string[]): { nodes: OnnxNode[]; initializers: OnnxInitializer[] } {
    const neededNames = new Set(outputs);
    // A stored parameter may be written in two forms while operations use one; the other would be computed in
    // vain.
    const nodes = this.#renamedNodes().reverse();
    const used = nodes.filter((node) => {
      if (!node.outputs.some((value) => neededNames.has(value))) return false;
      for (const value of node.inputs) neededNames.add(value);
      return true;
    });
    const initializers = this.initializers.filter(({ name }) => neededNames.has(name));
    return { nodes: used.reverse(), initializers };
  }

  #renamedNodes(): OnnxNode[] {
    const rename = (value: string) => this.#renamed.get(value) ?? value;
    const nodes = this.nodesWritten.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    for (const { name, value } of this.#copies) {
      const inputs = [rename(value)];
      nodes.push({
        type: "Identity",
        name: `out:${name}`,
        inputs,
        outputs: [name],
        attributes: {},
        domain: "",
      });
    }
    return nodes;
  }

  cast(name: string, dtype: DType): string {
    return this.node("Cast", [name], { to: onnxTypes[dtype] });
  }

  narrowRows(name: string): NarrowRows | undefined {
    return this.#narrow.get(name);
  }

  storedRows(value: string, [from, to]: readonly [number, number], rows: number, shape: readonly number[]) {
    const found = this.#places.get(value);
    if (!found) return undefined;
    const { parameter, place } = found;
    const each = place.length / rows;
    const part = { ...place, offset: place.offset + from * each, length: (to - from) * each, stays: true };
    return this.stored(`${parameter}/${from}-${to}`, shape, part);
  }

  /**
   * Adds an initializer that references stored bytes, converted to float32: once when the session is made, or
   * in every run if it `stays` as it is.
   */
  stored(
    parameter: string,
    shape: readonly number[],
    { stays = false, ...place }: StoredParameter & { readonly stays?: boolean },
  ): string {
    const raw = place.dtype === "f32" ? parameter : `${parameter}/stored`;
    const { dtype, file, offset, length, scale, transposed } = place;
    const written = transposed ? [...shape].reverse() : shape;
    this.initializers.push({ name: raw, dtype, shape: written, data: { file, offset, length } });
    if (stays) this.inPlace.add(raw);
    const remember = (value: string) => {
      if (stays && !transposed && !scale) this.#places.set(value, { parameter, place });
      return value;
    };
    const turned = transposed ? this.node("Transpose", [raw], { perm: [1, 0] }) : raw;
    if (dtype === "f32") return remember(turned);
    const wide = remember(this.cast(turned, "f32"));
    if (!scale) {
      if (!transposed && !dtype.startsWith("f8")) this.#narrow.set(wide, { rows: raw });
      return wide;
    }
    const { count } = scale;
    const { file: scaleFile, offset: scaleOffset, length: scaleLength } = scale;
    const scaleName = `${parameter}/scale`;
    const data = { file: scaleFile, offset: scaleOffset, length: scaleLength };
    this.initializers.push({ name: scaleName, dtype: scale.dtype, shape: [count], data });
    const scaleWide = scale.dtype === "f32" ? scaleName : this.cast(scaleName, "f32");
    const column = this.node("Reshape", [scaleWide, this.integers([count, ...shape.slice(1).map(() => 1)])]);
    const value = this.node("Mul", [wide, column]);
    if (dtype === "i8" && count === shape[0]) this.#narrow.set(value, { rows: raw, scale: scaleWide });
    return value;
  }
}

// Lowering: writes a program as one ONNX model for a device. Weights are not copied: initializers point at their bytes.
import { NishikiError } from "../../errors.js";
import type { GraphNode, Tensor } from "../graph.js";
import type { Program } from "../program.js";
import type { DType, Shape, TypedArray } from "../types.js";
import { DimensionReader } from "./dimension-reader.js";
import type { Capabilities, Lowering, LoweringTarget, OnnxAttribute } from "./lowering.js";
import { encodeModel, type OnnxInitializer, type OnnxNode, onnxTypes } from "./schema.js";

/** The one table of what devices can do. Measured on ONNX Runtime 1.30. */
const capabilities: Record<LoweringTarget, Capabilities> = {
  cpu: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: true,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  wasm: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: true,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  webgpu: {
    fusedMatMul: false,
    multiHeadAttention: true,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: false,
    scatterAdd: false,
  },
  cuda: {
    fusedMatMul: true,
    multiHeadAttention: true,
    layerNormStatistics: true,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: true,
  },
  coreml: {
    fusedMatMul: false,
    multiHeadAttention: false,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: false,
  },
  dml: {
    fusedMatMul: false,
    multiHeadAttention: true,
    layerNormStatistics: false,
    groupNormalization: false,
    convTransposeToSingleChannels: true,
    scatterAdd: false,
  },
};

/** Where a parameter's bytes lie. `scale` belongs to int8 rows: value = row · scale[row index]. */
export interface StoredParameter {
  readonly dtype: DType;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly scale?: {
    readonly dtype: DType;
    readonly file: string;
    readonly offset: number;
    readonly length: number;
  };
}

export interface LowerOptions {
  readonly target: LoweringTarget;
  /** Parameters found here become initializers that point into files; the others become inputs of the same name. */
  readonly stored?: ReadonlyMap<string, StoredParameter>;
  /** Write composites by their bodies even where the device has a fused kernel. */
  readonly decompose?: boolean;
}

export interface LoweredProgram {
  readonly onnx: Uint8Array;
  /** Parameters that the caller feeds at every run. */
  readonly fedParameters: readonly string[];
  readonly nodeCount: number;
}

class Writer implements Lowering {
  readonly nodesWritten: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly names = new Map<Tensor, string>();
  readonly dimensions: DimensionReader;
  readonly can: Capabilities;
  readonly target: LoweringTarget;
  private readonly small = new Map<string, string>();
  private readonly quantizedByName = new Map<string, { rows: string; scale: string }>();
  /** Values that nodes give, as opposed to inputs and initializers. */
  private readonly produced = new Set<string>();
  private readonly renamed = new Map<string, string>();
  private readonly copies: { name: string; value: string }[] = [];
  private count = 0;

  constructor(target: LoweringTarget) {
    this.target = target;
    this.can = capabilities[target];
    this.dimensions = new DimensionReader(this);
  }

  /** Says under which name a tensor is written; from then on its dimensions can be read. */
  bind(tensor: Tensor, name: string): void {
    this.names.set(tensor, name);
    this.dimensions.see(tensor.shape, name);
  }

  private fresh(hint: string): string {
    return `${hint}_${this.count++}`;
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
    const name = this.fresh(type);
    const produced = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.nodesWritten.push({ type, name, inputs, outputs: produced, attributes, domain });
    for (const value of produced) this.produced.add(value);
    return produced;
  }

  constant(dtype: DType, shape: readonly number[], data: TypedArray): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = bytes.length <= 64 ? `${dtype}[${shape.join()}]${bytes.join()}` : undefined;
    const found = key && this.small.get(key);
    if (found) return found;
    const name = this.fresh("constant");
    this.initializers.push({ name, dtype, shape, data: bytes });
    if (key) this.small.set(key, name);
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
    // Leaving one to the operator saves reading it; best the one that no tensor has.
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

  /** Makes a value an output. Its node writes straight to the output where it can: state would otherwise be copied. */
  output(name: string, value: string): void {
    if (this.produced.has(value) && !this.renamed.has(value)) this.renamed.set(value, name);
    else this.copies.push({ name, value });
  }

  /** All nodes, with the outputs' names in place. */
  finished(): OnnxNode[] {
    const rename = (value: string) => this.renamed.get(value) ?? value;
    const nodes = this.nodesWritten.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    for (const { name, value } of this.copies) {
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

  quantized(name: string): { rows: string; scale: string } | undefined {
    return this.quantizedByName.get(name);
  }

  /** An initializer that points at stored bytes, converted to float32 (folded once when the session is made). */
  stored(parameter: string, shape: readonly number[], place: StoredParameter): string {
    const raw = place.dtype === "f32" ? parameter : `${parameter}.stored`;
    const { dtype, file, offset, length, scale } = place;
    this.initializers.push({ name: raw, dtype, shape, data: { file, offset, length } });
    if (dtype === "f32") return raw;
    const wide = this.cast(raw, "f32");
    if (!scale) return wide;
    const rows = shape[0]!;
    const { file: scaleFile, offset: scaleOffset, length: scaleLength } = scale;
    const scaleName = `${parameter}.scale`;
    const data = { file: scaleFile, offset: scaleOffset, length: scaleLength };
    this.initializers.push({ name: scaleName, dtype: scale.dtype, shape: [rows], data });
    const scaleWide = scale.dtype === "f32" ? scaleName : this.cast(scaleName, "f32");
    const column = this.node("Reshape", [scaleWide, this.integers([rows, ...shape.slice(1).map(() => 1)])]);
    const value = this.node("Mul", [wide, column]);
    this.quantizedByName.set(value, { rows: raw, scale: scaleWide });
    return value;
  }
}

/** Nodes in order, that the outputs need, where composites count as their inputs or as their bodies. */
function needed(outputs: readonly Tensor[], useBody: (node: GraphNode) => boolean): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    const sources = node.body && useBody(node) ? node.body : node.inputs;
    for (const source of sources) stack.push(source.node);
  }
  return found;
}

/** Whether a composite is written by its body: it has no lowering, the device lacks the kernel, or gradients use its inside. */
function bodyRule(program: Program, options: LowerOptions): (node: GraphNode) => boolean {
  const probe = capabilities[options.target];
  const fused: Record<string, boolean> = {
    attention: probe.multiHeadAttention,
    groupNorm: probe.groupNormalization,
  };
  const decompose = options.decompose === true || program.graph.differentiated;
  return ({ op, body }) => body !== undefined && (!op.lower || decompose || fused[op.name] === false);
}

/** Writes a program as an ONNX model for one device. */
export function lowerProgram(program: Program, options: LowerOptions): LoweredProgram {
  const useBody = bodyRule(program, options);
  const outputs = program.outputs.map(({ tensor }) => tensor);
  const reachable = needed(outputs, useBody);
  const order = [...reachable].sort((a, b) => a.id - b.id);
  const writer = new Writer(options.target);
  for (const { name, tensor } of program.inputs) writer.bind(tensor, name);
  const fed: { name: string; dtype: DType; shape: Shape }[] = [];
  for (const node of order) lowerNode(writer, node, useBody, options, fed);
  const results = program.outputs.map(({ name, tensor }) => {
    writer.output(name, writer.names.get(tensor)!);
    return { name, dtype: tensor.dtype, shape: tensor.shape };
  });
  const inputs = program.inputs.map(({ name, tensor }) => ({
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
  }));
  const onnx = encodeModel({
    nodes: writer.finished(),
    initializers: writer.initializers,
    inputs: [...inputs, ...fed],
    outputs: results,
  });
  return { onnx, fedParameters: fed.map(({ name }) => name), nodeCount: writer.nodesWritten.length };
}

function lowerNode(
  writer: Writer,
  node: GraphNode,
  useBody: (node: GraphNode) => boolean,
  options: LowerOptions,
  fed: { name: string; dtype: DType; shape: Shape }[],
): void {
  const [first] = node.outputs;
  const name = node.attributes.name as string;
  if (node.op.name === "input") return; // Bound before, used or not.
  if (node.op.name === "parameter") {
    const place = options.stored?.get(name);
    if (!place) fed.push({ name, dtype: first!.dtype, shape: first!.shape });
    writer.bind(first!, place ? writer.stored(name, first!.shape as number[], place) : name);
  } else {
    const inputs = () => node.inputs.map((tensor) => writer.names.get(tensor)!);
    const names =
      node.body && useBody(node)
        ? node.body.map((t) => writer.names.get(t)!)
        : node.op.lower?.(writer, inputs(), node);
    if (!names)
      throw new NishikiError("internal", `${node.op.name} cannot be lowered for ${options.target}.`);
    for (const [i, tensor] of node.outputs.entries()) writer.names.set(tensor, names[i]!);
  }
}

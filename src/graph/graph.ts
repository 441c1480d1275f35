// The record that tracing makes: nodes, tensors, and the one function that adds to it.
// Nodes are pure, so that equal work is recorded once (value numbering): what a gradient needs again of the
// forward pass is found, not computed twice.
import { NishikiError } from "../errors.js";
import type { Lowering } from "./onnx/lowering.js";
import { formatShape } from "./shape.js";
import type { Shape, TensorType, TypedArray } from "./types.js";

export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | TypedArray
  | readonly AttributeValue[];
export type Attributes = { readonly [name: string]: AttributeValue };

/** A value in a program: what an operation gave, an input, a parameter or a constant. */
export interface Tensor extends TensorType {
  readonly graph: Graph;
  readonly node: GraphNode;
  /** Which of the node's outputs this is. */
  readonly index: number;
}

export interface GraphNode {
  readonly id: number;
  readonly op: Operation;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
  /** For composites: the same values made of simpler operations. */
  readonly body: readonly Tensor[] | undefined;
}

export interface GradientContext {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** The loss's gradient with respect to each output; undefined where an output is not used. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Whether the gradient of input i is wanted. */
  readonly needs: readonly boolean[];
}

/** One operation: its shape rule, its gradient and its lowering stand side by side. */
export interface Operation {
  readonly name: string;
  /** Shape rule. Throws NishikiError("shape") where the inputs do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[];
  /**
   * Gradient with respect to each input, made of operations. Absent: not differentiable (or, with a body, the
   * body's).
   */
  gradient?(context: GradientContext): (Tensor | undefined)[];
  /**
   * Writes ONNX nodes and returns the names of the outputs. A composite may return undefined: its body is
   * used.
   */
  lower?(lowering: Lowering, inputs: readonly string[], node: GraphNode): readonly string[] | undefined;
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly #known = new Map<string, GraphNode>();

  /** Records an operation, or finds it where the same was recorded before. */
  apply(
    op: Operation,
    inputs: readonly Tensor[],
    attributes: Attributes = {},
    body?: readonly Tensor[],
  ): readonly Tensor[] {
    for (const input of inputs) {
      if (input.graph !== this) {
        throw new NishikiError("shape", `${op.name}: an operand belongs to another program.`);
      }
    }
    const key = keyOf(op, inputs, attributes);
    const found = this.#known.get(key);
    if (found) return found.outputs;
    const types = op.infer(inputs, attributes);
    const node: { -readonly [K in keyof GraphNode]: GraphNode[K] } = {
      id: this.nodes.length,
      op,
      inputs,
      attributes,
      outputs: [],
      body,
    };
    node.outputs = types.map((type, index) => ({ ...type, graph: this, node, index }));
    this.nodes.push(node);
    this.#known.set(key, node);
    return node.outputs;
  }
}

let identities = 0;
const ids = new WeakMap<object, number>();

/**
 * A number for an object. Operations are told apart by identity, so that two of one name are two; large
 * constants too: hashing their content would cost more than a repeated constant.
 */
function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) {
    id = identities++;
    ids.set(object, id);
  }
  return id;
}

function keyOf(op: Operation, inputs: readonly Tensor[], attributes: Attributes): string {
  const text = JSON.stringify(attributes, (_, value: unknown) => {
    if (ArrayBuffer.isView(value)) return `#${idOf(value)}`;
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return Object.is(value, -0) ? "-0" : value;
  });
  return `${op.name}#${idOf(op)}(${inputs.map((t) => `${t.node.id}.${t.index}`).join(",")})${text}`;
}

/** How a tensor is called in messages: its parameter's or input's name, if it has one, and its shape. */
export function describe(tensor: Tensor): string {
  const name = tensor.node.attributes.name;
  const kind = tensor.node.op.name;
  const named = (kind === "parameter" || kind === "input") && typeof name === "string";
  return `${named ? `${kind} "${name}" ` : ""}${formatShape(tensor.shape)}`;
}

/** A shape error in the form that all operations use. */
export function shapeError(operation: string, expected: string, ...tensors: readonly Tensor[]): NishikiError {
  const came = tensors.map(describe).join(" and ");
  return new NishikiError("shape", `${operation}: expected ${expected}, got ${came}.`);
}

/** Records an operation with one output. */
export function apply(
  op: Operation,
  inputs: readonly Tensor[],
  attributes: Attributes = {},
  body?: readonly Tensor[],
): Tensor {
  const first = inputs[0];
  if (!first) throw new NishikiError("internal", `${op.name}: no operands.`);
  return first.graph.apply(op, inputs, attributes, body)[0]!;
}

/** The attribute as numbers, for operations whose attributes are lists. */
export function numbers(value: AttributeValue): readonly number[] {
  return value as readonly number[];
}

export function shapeOf(value: AttributeValue): Shape {
  return value as Shape;
}

/**
 * The size of an axis, where it must be a number; negative axes count from the end. @throws NishikiError
 * "shape"
 */
export function fixedSize(x: Tensor, axis: number): number {
  const size = x.shape.at(axis);
  if (typeof size !== "number") throw shapeError("a network", `a fixed size along axis ${axis}`, x);
  return size;
}

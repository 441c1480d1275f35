// The record that tracing makes: nodes, tensors, and the only function that adds to it.
// Nodes are pure, so equal work is recorded once (value numbering): a gradient reuses values of the forward
// pass.
import { NishikiError } from "../errors.js";
import type { Lowering } from "./onnx/lowering.js";
import { formatShape } from "./shape.js";
import type { Dim, Shape, TensorType, TypedArray } from "./types.js";

export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | TypedArray
  | readonly AttributeValue[];
export type Attributes = { readonly [name: string]: AttributeValue };

/** A value in a program: an operation's output, an input, a parameter or a constant. */
export interface Tensor extends TensorType {
  readonly graph: Graph;
  readonly node: GraphNode;
  /** The index among the node's outputs. */
  readonly index: number;
}

export interface GraphNode {
  readonly id: number;
  readonly op: Operation;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
  /** For composites: the same values computed by simpler operations. */
  readonly body: readonly Tensor[] | undefined;
}

export interface GradientContext {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** The loss's gradient with respect to each output; undefined if an output is unused. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Whether the gradient of input i is needed. */
  readonly needs: readonly boolean[];
}

/** One operation, with its shape rule, gradient and lowering side by side. */
export interface Operation {
  readonly name: string;
  /** Shape rule. Throws NishikiError("shape") if the inputs do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[];
  /**
   * Gradient with respect to each input, made of operations. If absent, not differentiable (or, with a body,
   * differentiated through the body).
   */
  gradient?(context: GradientContext): (Tensor | undefined)[];
  /**
   * The number of multiplications, for matrix products and convolutions. If absent, those of the body; without
   * a body, none: elementwise work is not counted.
   */
  multiplications?(node: Pick<GraphNode, "inputs" | "outputs" | "attributes">): Dim;
  /**
   * Writes ONNX nodes and returns the names of the outputs. A composite may return undefined to use its body.
   */
  lower?(lowering: Lowering, inputs: readonly string[], node: GraphNode): readonly string[] | undefined;
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly #known = new Map<string, GraphNode>();

  /** Records an operation, or returns the node if the same one was recorded before. */
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
    const key = makeKey(op, inputs, attributes);
    const knownNode = this.#known.get(key);
    if (knownNode) return knownNode.outputs;
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
 * Numbers objects. Operations are distinguished by identity, so two with the same name differ; so are large
 * constants: hashing their content would cost more than a repeated constant.
 */
function getId(object: object): number {
  let id = ids.get(object);
  if (id === undefined) {
    id = identities++;
    ids.set(object, id);
  }
  return id;
}

function makeKey(op: Operation, inputs: readonly Tensor[], attributes: Attributes): string {
  const text = JSON.stringify(attributes, (_, value: unknown) => {
    if (ArrayBuffer.isView(value)) return `#${getId(value)}`;
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return Object.is(value, -0) ? "-0" : value;
  });
  return `${op.name}#${getId(op)}(${inputs.map((t) => `${t.node.id}.${t.index}`).join(",")})${text}`;
}

/** Describes a tensor for messages: the name of its parameter or input, if any, and its shape. */
export function describe(tensor: Tensor): string {
  const name = tensor.node.attributes.name;
  const kind = tensor.node.op.name;
  const named = (kind === "parameter" || kind === "input") && typeof name === "string";
  return `${named ? `${kind} "${name}" ` : ""}${formatShape(tensor.shape)}`;
}

/** Makes a shape error in the common form. */
export function shapeError(operation: string, expected: string, ...tensors: readonly Tensor[]): NishikiError {
  const actual = tensors.map(describe).join(" and ");
  return new NishikiError("shape", `${operation}: expected ${expected}, got ${actual}.`);
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

/** Gets an attribute as numbers, for operations whose attributes are lists. */
export function numbers(value: AttributeValue): readonly number[] {
  return value as readonly number[];
}

export function shapeOf(value: AttributeValue): Shape {
  return value as Shape;
}

/**
 * Gets the size of an axis, which must be fixed; negative axes count from the end. @throws NishikiError
 * "shape"
 */
export function fixedSize(x: Tensor, axis: number): number {
  const size = x.shape.at(axis);
  if (typeof size !== "number") throw shapeError("a network", `a fixed size along axis ${axis}`, x);
  return size;
}

// Lowering: writes a program as one ONNX model for a device. Copies no weights: initializers reference their
// bytes.
import { NishikiError } from "../../errors.js";
import { toChannelsLast, type UsualSizes } from "../channels-last.js";
import type { GraphNode, Tensor } from "../graph.js";
import { gatedLayerName } from "../ops/gated-layer.js";
import { winogradWeightsName } from "../ops/winograd.js";
import type { Program } from "../program.js";
import { simplify } from "../rewrite.js";
import type { DType, Shape } from "../types.js";
import { toUsualForms } from "../usual-forms.js";
import { capabilities, type LoweringTarget } from "./capabilities.js";
import { encodeModel } from "./schema.js";
import { findChangedParameters, isLarge } from "./weights-in-place.js";
import { type StoredParameter, Writer } from "./writer.js";

export type { StoredParameter };

export interface LowerOptions {
  readonly target: LoweringTarget;
  /**
   * Parameters found here become initializers that reference files; all others become inputs of the same
   * name.
   */
  readonly stored?: ReadonlyMap<string, StoredParameter>;
  /** Writes composites by their bodies even if the device has a fused kernel. */
  readonly decompose?: boolean;
  /**
   * The size of each symbol that the program usually runs with. On the CPU, convolutions then take the form that is
   * fastest for it, with images channels-last; any other size gives equally right results. Default: convolutions as
   * they are.
   */
  readonly usualSizes?: UsualSizes;
  /**
   * Leaves large stored parameters as they are in their file; every run widens those that it uses. Default
   * false: the runtime widens and packs them once.
   */
  readonly inPlace?: boolean;
}

export interface LoweredProgram {
  readonly onnx: Uint8Array;
  /** Parameters that the caller passes to every run. */
  readonly fedParameters: readonly string[];
  readonly nodeCount: number;
}

/** Collects the nodes that the outputs need; composites count as their inputs or as their bodies. */
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

/**
 * Operations that compute nothing: an inner value that is only moved is also available from the composite's
 * operands.
 */
const moving = new Set(["reshape", "transpose", "expand", "constant", "fill"]);

/** What a composite computes inside: the nodes of its body that are neither operands nor moved operands. */
function listInside(node: GraphNode): Set<GraphNode> {
  const outside = new Set<GraphNode>();
  for (const input of node.inputs) {
    // A value moved inside may come from before the operand if the operand was itself moved.
    for (
      let at: GraphNode | undefined = input.node;
      at;
      at = moving.has(at.op.name) ? at.inputs[0]?.node : undefined
    )
      outside.add(at);
  }
  const innerNodes = new Set<GraphNode>();
  const stack = node.body!.map((tensor) => tensor.node);
  for (let inner = stack.pop(); inner; inner = stack.pop()) {
    if (outside.has(inner) || innerNodes.has(inner) || inner.inputs.length === 0) continue;
    innerNodes.add(inner);
    for (const source of inner.inputs) stack.push(source.node);
  }
  return new Set([...innerNodes].filter(({ op }) => !moving.has(op.name)));
}

/**
 * Finds the composites to write by their bodies: those without a lowering or kernel on this device, and those
 * whose inner values are also used elsewhere, by gradients or recorded values. Computing them twice would
 * cost more than the kernel saves.
 */
function findOpen(program: Program, options: LowerOptions): (node: GraphNode) => boolean {
  const mustOpen = bodyRule(options);
  const open = new Set<GraphNode>();
  const useBody = (node: GraphNode) => mustOpen(node) || open.has(node);
  const outputs = program.outputs.map(({ tensor }) => tensor);
  const closed = (node: GraphNode) => node.body !== undefined && !node.op.gradient && !useBody(node);
  const insides = new Map<GraphNode, Set<GraphNode>>();
  for (let before = -1; before !== open.size; ) {
    before = open.size;
    const reached = needed(outputs, useBody);
    for (const node of [...reached].filter(closed)) {
      const inside = insides.get(node) ?? listInside(node);
      insides.set(node, inside);
      if ([...inside].some((inner) => reached.has(inner))) open.add(node);
    }
  }
  return useBody;
}

/** Whether a composite can only be written by its body. */
function bodyRule(options: LowerOptions): (node: GraphNode) => boolean {
  const probe = capabilities[options.target];
  const fused: Record<string, boolean> = {
    attention: probe.multiHeadAttention,
    groupNorm: probe.groupNormalization,
    scatterAdd: probe.scatterAdd,
  };
  const decompose = options.decompose === true;
  return ({ op, body }) => {
    if (!body) return false;
    return !op.lower || fused[op.name] === false || (decompose && !op.gradient);
  };
}

function chooseLayout(program: Program, { target, usualSizes }: LowerOptions): Program {
  if (target !== "cpu" || !usualSizes) return program;
  return toUsualForms(toChannelsLast(program, usualSizes), usualSizes);
}

/**
 * Parameters that every run reads: their transforms would take two to four times their memory, and the runtime would pack
 * a weight once for each product with it.
 */
function findRead(order: readonly GraphNode[]): ReadonlySet<GraphNode> {
  const origin = (node: GraphNode): GraphNode => (node.inputs[0] ? origin(node.inputs[0].node) : node);
  const weightsOf = ({ op, inputs }: GraphNode): readonly (Tensor | undefined)[] =>
    op.name === winogradWeightsName ? [inputs[0]] : op.name === gatedLayerName ? [inputs[1], inputs[3]] : [];
  return new Set(order.flatMap(weightsOf).map((weight) => origin(weight!.node)));
}

/** Writes a program as an ONNX model for one device. */
export function lowerProgram(traced: Program, options: LowerOptions): LoweredProgram {
  const program = chooseLayout(simplify(traced), options);
  const useBody = findOpen(program, options);
  const outputs = program.outputs.map(({ tensor }) => tensor);
  const reachable = needed(outputs, useBody);
  const order = [...reachable].sort((a, b) => a.id - b.id);
  const changed = findChangedParameters(order, (node) =>
    (node.body && useBody(node) ? node.body : node.inputs).map((tensor) => tensor.node),
  );
  const read = findRead(order);
  const stays = (node: GraphNode) => {
    if (changed.has(node)) return false;
    return read.has(node) || (options.inPlace === true && isLarge(node.outputs[0]!.shape as number[]));
  };
  const writer = new Writer(options.target);
  for (const { name, tensor } of program.inputs) writer.bindInput(tensor, name);
  const fed: { name: string; dtype: DType; shape: Shape }[] = [];
  for (const node of order) lowerNode(writer, node, { ...options, useBody, stays }, fed);
  const results = program.outputs.map(({ name, tensor }) => {
    writer.output(name, writer.names.get(tensor)!);
    return { name, dtype: tensor.dtype, shape: tensor.shape };
  });
  const inputs = program.inputs.map(({ name, tensor }) => ({
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
  }));
  const { nodes, initializers } = writer.finish(program.outputs.map(({ name }) => name));
  // The caller may pass a parameter that is also named as an input, so the runtime precomputes nothing from
  // it.
  const open = initializers.filter(({ name }) => writer.inPlace.has(name));
  const onnx = encodeModel({ nodes, initializers, inputs: [...inputs, ...fed, ...open], outputs: results });
  return { onnx, fedParameters: fed.map(({ name }) => name), nodeCount: nodes.length };
}

interface NodeOptions extends Pick<LowerOptions, "stored"> {
  readonly useBody: (node: GraphNode) => boolean;
  /** Whether a parameter may stay in its stored form. */
  readonly stays: (node: GraphNode) => boolean;
}

function lowerNode(
  writer: Writer,
  node: GraphNode,
  { stored, useBody, stays }: NodeOptions,
  fed: { name: string; dtype: DType; shape: Shape }[],
): void {
  const [first] = node.outputs;
  const name = node.attributes.name as string;
  if (node.op.name === "input") return; // Bound earlier, whether used or not.
  if (node.op.name === "parameter") {
    const place = stored?.get(name);
    if (!place) fed.push({ name, dtype: first!.dtype, shape: first!.shape });
    writer.names.set(
      first!,
      place ? writer.stored(name, first!.shape as number[], { ...place, stays: stays(node) }) : name,
    );
  } else {
    const inputs = () => node.inputs.map((tensor) => writer.names.get(tensor)!);
    const names =
      node.body && useBody(node)
        ? node.body.map((t) => writer.names.get(t)!)
        : node.op.lower?.(writer, inputs(), node);
    if (!names) throw new NishikiError("internal", `${node.op.name} cannot be lowered for ${writer.target}.`);
    for (const [i, tensor] of node.outputs.entries()) writer.names.set(tensor, names[i]!);
  }
}

// Reverse-mode differentiation: walks the record backwards and writes each operation's gradient as further
// operations.
import { NishikiError } from "../errors.js";
import type { GraphNode, Tensor } from "./graph.js";
import { fill, zerosLike } from "./ops/constant.js";
import { add } from "./ops/elementwise.js";
import { formatShape, sameShape } from "./shape.js";

/** A node's contributors; a composite without a gradient is replaced by its body. */
function sources(node: GraphNode): readonly Tensor[] {
  return node.body && !node.op.gradient ? node.body : node.inputs;
}

/** Nodes that depend on one of `wrt`, so that no unused gradients are made. */
function dependents(loss: Tensor, wrt: readonly Tensor[]): Set<GraphNode> {
  const targets = new Set(wrt.map((tensor) => tensor.node));
  const reaches = new Set<GraphNode>();
  // Nodes are recorded after their operands, so one pass in order suffices.
  for (const node of loss.graph.nodes) {
    if (node.id > loss.node.id) break;
    if (targets.has(node) || sources(node).some((input) => reaches.has(input.node))) reaches.add(node);
  }
  return reaches;
}

/**
 * Computes the gradients of a scalar loss with respect to each tensor of `wrt`, in the same shapes.
 * A tensor that the loss does not depend on gets zeros.
 * @throws NishikiError "shape" if the loss is not a scalar or an operation in between has no gradient.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new NishikiError("shape", `gradients: expected a scalar loss, got ${formatShape(loss.shape)}.`);
  }
  const graph = loss.graph;
  const reaches = dependents(loss, wrt);
  const known = new Map<Tensor, Tensor>([[loss, fill(graph, [], 1, loss.dtype)]]);
  const accumulate = (tensor: Tensor, gradient: Tensor) => {
    if (!sameShape(tensor.shape, gradient.shape)) {
      const shapes = `${formatShape(gradient.shape)} for ${formatShape(tensor.shape)}`;
      throw new NishikiError(
        "internal",
        `gradient of ${tensor.node.op.name} has the wrong shape: ${shapes}.`,
      );
    }
    const before = known.get(tensor);
    known.set(tensor, before ? add(before, gradient) : gradient);
  };
  for (const node of graph.nodes.slice(0, loss.node.id + 1).reverse()) {
    if (!reaches.has(node)) continue;
    const incoming = node.outputs.map((output) => known.get(output));
    if (incoming.every((gradient) => gradient === undefined)) continue;
    const { op, inputs, outputs, attributes, body } = node;
    if (body && !op.gradient) {
      for (const [i, gradient] of incoming.entries()) if (gradient) accumulate(body[i]!, gradient);
      continue;
    }
    const needs = inputs.map((input) => reaches.has(input.node));
    if (!needs.includes(true)) continue; // This tensor is in `wrt`, and nothing in `wrt` precedes it.
    if (!op.gradient)
      throw new NishikiError("shape", `${op.name} has no gradient; use stopGradient before it.`);
    const inputGradients = op.gradient({ inputs, outputs, attributes, gradients: incoming, needs });
    for (const [i, gradient] of inputGradients.entries())
      if (gradient && needs[i]) accumulate(inputs[i]!, gradient);
  }
  return wrt.map((tensor) => known.get(tensor) ?? zerosLike(tensor));
}

// Simplification: between tracing and lowering, records a program again, replacing each node for which a rule
// of this table knows a cheaper form. Operations themselves record exactly what they were asked for.
import { apply, Graph, type GraphNode, numbers, type Operation, type Tensor } from "./graph.js";
import { expand, expandOp, reshape, reshapeOp } from "./ops/broadcast.js";
import { add, div, maximum, minimum, mul, pow, sub } from "./ops/elementwise.js";
import { matmul } from "./ops/matmul.js";
import { layerNormOp, rmsNormOp } from "./ops/norm.js";
import { mean } from "./ops/reduce.js";
import type { Program } from "./program.js";
import { broadcastShapes, sameShape } from "./shape.js";

/** A node about to be recorded. */
export type Candidate = Pick<GraphNode, "op" | "inputs" | "attributes">;

export interface RewriteRule {
  readonly name: string;
  /** The same value in a cheaper form, or undefined if the rule does not apply. */
  rewrite(candidate: Candidate): Tensor | undefined;
}

/** Merges consecutive reshapes: attention, convolution and their gradients produce long chains of them. */
const reshapeOfReshape: RewriteRule = {
  name: "reshape of a reshape",
  rewrite: ({ op, inputs: [x], attributes }) => {
    if (op !== reshapeOp || x!.node.op !== reshapeOp) return undefined;
    return reshape(x!.node.inputs[0]!, attributes.shape as Tensor["shape"]);
  },
};

/** Arithmetic of two operands, which broadcasts by itself. */
export const broadcastingOps: ReadonlySet<Operation> = new Set(
  [add, sub, mul, div, pow, minimum, maximum].map(({ op }) => op),
);

const unexpanded = (x: Tensor) => (x.node.op === expandOp ? x.node.inputs[0]! : x);

/** Arithmetic broadcasts on its own, so it uses an expanded operand before its expansion. */
const expandedOperand: RewriteRule = {
  name: "arithmetic of an expanded operand",
  rewrite: ({ op, inputs: [a, b] }) => {
    if (!broadcastingOps.has(op)) return undefined;
    const [left, right] = [unexpanded(a!), unexpanded(b!)];
    if (left === a && right === b) return undefined;
    const whole = broadcastShapes(a!.shape, b!.shape);
    if (!whole || !broadcastShapes(left.shape, right.shape)) return undefined;
    return expand(apply(op, [left, right]), whole);
  },
};

const isNorm = (op: Operation) => op === layerNormOp || op === rmsNormOp;

/**
 * The mean of (u · w) · n over the last axis, with n a norm's output and w its weights, is part of the norm's
 * gradient. The gradient of w needs the product u · n as well: reuse it, and compute its sum weighted by w as
 * a matrix product.
 */
const weightedMean: RewriteRule = {
  name: "mean of a weighted product with a norm",
  rewrite: ({ op, inputs: [x], attributes }) => {
    if (op !== mean.op || x!.node.op !== mul.op || attributes.keep !== true) return undefined;
    const [g, n] = x!.node.inputs as [Tensor, Tensor];
    const width = n.shape.at(-1);
    const axes = numbers(attributes.axes);
    const fits = axes.length === 1 && axes[0] === n.shape.length - 1 && isNorm(n.node.op) && n.index === 0;
    if (!fits || g.node.op !== mul.op || typeof width !== "number") return undefined;
    const [u, w] = g.node.inputs as [Tensor, Tensor];
    if (!sameShape(u.shape, n.shape) || w.shape.at(-1) !== width) return undefined;
    const batch = w.shape.length === n.shape.length ? w.shape[0]! : 1;
    const perBatch = w.shape.slice(0, -1).every((dim, axis) => dim === 1 || (axis === 0 && dim === batch));
    if (!perBatch || typeof batch !== "number") return undefined;
    const products = reshape(mul(u, n), [batch, -1, width]);
    const means = matmul(products, reshape(div(w, width), [batch, width, 1])); // [batch, rows, 1]
    return reshape(means, [...n.shape.slice(0, -1), 1]);
  },
};

/** All rules, in the order in which they are tried. */
export const rewriteRules: readonly RewriteRule[] = [reshapeOfReshape, expandedOperand, weightedMean];

/** Collects the nodes that the outputs depend on, through operands and bodies of composites. */
export function reachable({ outputs, inputs, parameters }: Program): Set<GraphNode> {
  const reached = new Set<GraphNode>();
  const stack = [...outputs, ...inputs, ...parameters].map(({ tensor }) => tensor.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const source of [...node.inputs, ...(node.body ?? [])]) stack.push(source.node);
  }
  return reached;
}

/**
 * Applies the rules to a program. Preserves names, shapes and the order of inputs, parameters and outputs.
 */
export function simplify(program: Program, rules: readonly RewriteRule[] = rewriteRules): Program {
  const graph = new Graph();
  const made = new Map<Tensor, Tensor>();
  const take = (tensor: Tensor): Tensor => made.get(tensor)!;
  const needed = reachable(program);
  for (const { op, inputs, attributes, outputs, body } of program.graph.nodes.filter((n) => needed.has(n))) {
    const candidate = { op, inputs: inputs.map(take), attributes };
    let cheaper: Tensor | undefined;
    for (const rule of rules) cheaper ??= rule.rewrite(candidate);
    const results = cheaper ? [cheaper] : graph.apply(op, candidate.inputs, attributes, body?.map(take));
    for (const [i, output] of outputs.entries()) made.set(output, results[i]!);
  }
  const again = <T extends { readonly tensor: Tensor }>(named: T): T => ({
    ...named,
    tensor: take(named.tensor),
  });
  return {
    graph,
    inputs: program.inputs.map(again),
    parameters: program.parameters.map(again),
    outputs: program.outputs.map(again),
  };
}

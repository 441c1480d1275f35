// What a program costs: its multiplications, counted from the record, before anything runs.
import { evaluateDim } from "./dimension.js";
import type { GraphNode } from "./graph.js";
import type { Program } from "./program.js";

/**
 * Counts the multiplications of a program's matrix products and convolutions, each of which goes with one addition. A window
 * that reaches over an image's border counts as a whole one. Elementwise operations are not counted.
 * @param sizes The size of each symbol: `{ batch: 2, height: 64, width: 64, tokens: 77 }`
 * @throws NishikiError "shape" if a symbol has no size
 */
export function countMultiplications(
  { outputs }: Pick<Program, "outputs">,
  sizes: Readonly<Record<string, number>>,
): number {
  const seen = new Set<GraphNode>();
  const stack = outputs.map(({ tensor }) => tensor.node);
  let total = 0;
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const { op, inputs, body } = node;
    if (op.multiplications) total += evaluateDim(op.multiplications(node), sizes);
    else for (const { node: inner } of body ?? []) stack.push(inner);
    for (const input of inputs) stack.push(input.node);
  }
  return total;
}

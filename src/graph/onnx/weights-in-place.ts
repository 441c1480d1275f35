// Which stored parameters a run can take as they lie in their file: those that meet data unchanged.
import type { GraphNode } from "../graph.js";

/** Smaller ones are widened once: they cost no memory, and the runtime fuses with constants. */
const leastBytes = 1 << 16;

export function isLarge({ length }: { readonly length: number }): boolean {
  return length >= leastBytes;
}

/**
 * Parameters of which something is computed without any input, as the sum of a weight and a LoRA's change: computed once
 * when a session is made, it would otherwise be computed at every run.
 * @param order Nodes after their sources.
 */
export function findChangedParameters(
  order: readonly GraphNode[],
  sourcesOf: (node: GraphNode) => readonly GraphNode[],
): ReadonlySet<GraphNode> {
  const changed = new Set<GraphNode>();
  const parametersOf = new Map<GraphNode, ReadonlySet<GraphNode>>();
  for (const node of order) {
    if (node.op.name === "input") continue;
    if (node.op.name === "parameter") parametersOf.set(node, new Set([node]));
    else {
      const sources = sourcesOf(node);
      const found = sources.map((source) => parametersOf.get(source));
      if (found.some((parameters) => parameters === undefined)) continue;
      const parameters = new Set(found.flatMap((one) => [...one!]));
      parametersOf.set(node, parameters);
      // One source alone is only given another shape.
      if (sources.length > 1) for (const parameter of parameters) changed.add(parameter);
    }
  }
  return changed;
}

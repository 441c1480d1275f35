// Counts a network's FLOPs from its program, so that utilisation rests on shapes and not on estimates.
import { type Program, sizeOf, type Tensor } from "../src/graph/index.js";

/**
 * Floating-point operations of one run: two per multiply-add of matrix products, convolutions and attention,
 * and nothing else. All dimensions must be numbers.
 */
export function countFlop({ outputs }: Program): number {
  let total = 0;
  const seen = new Set<Tensor["node"]>();
  const open = outputs.map(({ tensor }) => tensor.node);
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op.name === "matmul" || node.op.name === "linear") {
      const transposed = node.attributes.transposeA === true;
      const inner = node.inputs[0]!.shape.at(transposed ? -2 : -1) as number;
      total += 2 * sizeOf(node.outputs[0]!.shape as number[]) * inner;
    }
    if (node.op.name === "conv2d") {
      const kernel = sizeOf(node.inputs[1]!.shape.slice(1));
      total += 2 * sizeOf(node.outputs[0]!.shape as number[]) * kernel;
    }
    for (const source of node.body ?? node.inputs) open.push(source.node);
  }
  return total;
}

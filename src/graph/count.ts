// What a program costs: its multiplications and the memory of its values, counted from the record, before anything runs.
import { evaluateDim } from "./dimension.js";
import type { GraphNode, Tensor } from "./graph.js";
import type { Program } from "./program.js";
import type { DType } from "./types.js";

type Sizes = Readonly<Record<string, number>>;

/**
 * Counts the multiplications of a program's matrix products and convolutions, each of which goes with one addition. A window
 * that reaches over an image's border counts as a whole one. Elementwise operations are not counted.
 * @param sizes The size of each symbol: `{ batch: 2, height: 64, width: 64, tokens: 77 }`
 * @throws NishikiError "shape" if a symbol has no size
 */
export function countMultiplications({ outputs }: Pick<Program, "outputs">, sizes: Sizes): number {
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

/** The nodes that outputs need, each after its inputs. Composites count as one operation. */
function sortNodes(outputs: Program["outputs"]): GraphNode[] {
  const seen = new Set<GraphNode>();
  const stack = outputs.map(({ tensor }) => tensor.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  // A node is recorded after its inputs.
  return [...seen].sort((a, b) => a.id - b.id);
}

const elementBytes: Readonly<Record<DType, number>> = {
  ...{ f64: 8, i64: 8, f32: 4, i32: 4 },
  ...{ f16: 2, bf16: 2, i8: 1, u8: 1, bool: 1 },
};

/** Whether a runtime writes an operation's result over an input that nothing else needs. */
const isInPlace = ({ op, body }: GraphNode) => !op.multiplications && !body && op.name !== "transpose";

/**
 * Counts the most bytes that a program's values take at one time, if each is freed after its last use. Parameters are not
 * counted, nor what a kernel needs for itself.
 * @param sizes The size of each symbol, as for `countMultiplications`
 * @throws NishikiError "shape" if a symbol has no size
 */
export function countPeakBytes({ outputs }: Pick<Program, "outputs">, sizes: Sizes): number {
  const nodes = sortNodes(outputs);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach(({ inputs }, i) => {
    for (const input of inputs) lastUse.set(input, i);
  });
  for (const { tensor } of outputs) lastUse.set(tensor, nodes.length);
  const bytes = ({ shape, dtype }: Tensor) =>
    shape.reduce<number>((product, dim) => product * evaluateDim(dim, sizes), elementBytes[dtype]);
  const isParameter = ({ op }: GraphNode) => op.name === "parameter" || op.name === "constant";
  let [now, most] = [0, 0];
  nodes.forEach((node, i) => {
    if (isParameter(node)) return;
    const made = node.outputs.filter((output) => lastUse.has(output)).map(bytes);
    const freed = [...new Set(node.inputs)]
      .filter((input) => lastUse.get(input) === i && !isParameter(input.node))
      .map(bytes);
    const added = made.reduce((a, b) => a + b, 0);
    most = Math.max(most, isInPlace(node) && freed.includes(added) ? now : now + added);
    now += added - freed.reduce((a, b) => a + b, 0);
  });
  return most;
}

// Rules that follow the layout: on the CPU, with the sizes that a program usually runs with.
import type { UsualSizes } from "./channels-last.js";
import { evaluateDim, listSymbols } from "./dimension.js";
import type { Tensor } from "./graph.js";
import { reshapeOp } from "./ops/broadcast.js";
import { add, mul } from "./ops/elementwise.js";
import { gatedLayer } from "./ops/gated-layer.js";
import { linearOp } from "./ops/matmul.js";
import { splitOp } from "./ops/shape-ops.js";
import type { Program } from "./program.js";
import { type RewriteRule, simplify } from "./rewrite.js";
import type { Dim } from "./types.js";

/** Bytes between the two products of a block, for all threads. Measured with 1 MB of cache for each of two cores. */
const blockBytes = 5.5e6;

/** Every block reads the weights again: with fewer rows, or so few blocks, that costs what the cache saves. */
const [leastRows, leastBlocks] = [256, 4];

/** More blocks would only add nodes. */
const mostBlocks = 16;

const geluName = "gelu";

const unshaped = (x: Tensor) => (x.node.op === reshapeOp ? x.node.inputs[0]! : x);

function usualSize(dim: Dim, sizes: UsualSizes): number | undefined {
  const isKnown = listSymbols(dim).every((symbol) => sizes[symbol] !== undefined);
  return isKnown ? evaluateDim(dim, sizes) : undefined;
}

/** For so many rows with so many numbers each between the products. */
const countBlocks = (rows: number, width: number) =>
  Math.floor(Math.min((4 * rows * width) / blockBytes, rows / leastRows, mostBlocks));

/** Gated feed-forward layers of large images in blocks of rows. */
const gatedLayers = (sizes: UsualSizes): RewriteRule => ({
  name: "gated layer in blocks of rows",
  rewrite: ({ op, inputs: [rows, out, outBias] }) => {
    if (op !== linearOp) return undefined;
    const product = unshaped(rows!).node;
    if (product.op !== mul.op) return undefined;
    const [value, active] = product.inputs as [Tensor, Tensor];
    if (active.node.op.name !== geluName || value.node.op !== splitOp || value.dtype !== "f32")
      return undefined;
    const [gate] = active.node.inputs as [Tensor];
    const [first, second, more] = value.node.outputs;
    const isLast = value.node.attributes.axis === value.shape.length - 1;
    if (value !== first || gate !== second || more || !isLast || value.shape.at(-1) !== gate.shape.at(-1))
      return undefined;
    const wide = unshaped(value.node.inputs[0]!).node;
    if (wide.op !== linearOp) return undefined;
    const [x, weight, bias] = wide.inputs as [Tensor, Tensor, Tensor];
    const blocks = countBlocks(usualSize(x.shape[0]!, sizes) ?? 0, weight.shape[0] as number);
    if (blocks < leastBlocks) return undefined;
    return gatedLayer(x, { wide: weight, wideBias: bias, out: out!, outBias: outBias! }, blocks);
  },
});

/** A number per channel, [channels], or per image and channel, [batch, 1, 1, channels]. */
const isPerChannel = ({ shape }: Tensor, channels: Dim) =>
  shape.at(-1) === channels &&
  (shape.length === 1 || (shape.length === 4 && shape[1] === 1 && shape[2] === 1));

/** The bias of a convolution and the time's shift as one addition to the image. */
const channelSums: RewriteRule = {
  name: "two sums with channels",
  rewrite: ({ op, inputs: [sum, shift] }) => {
    if (op !== add.op || sum!.node.op !== add.op || sum!.shape.length !== 4) return undefined;
    const [image, bias] = sum!.node.inputs as [Tensor, Tensor];
    const channels = sum!.shape[3]!;
    const fits =
      isPerChannel(bias, channels) && isPerChannel(shift!, channels) && !isPerChannel(image, channels);
    return fits && image.shape.length === 4 ? add(image, add(shift!, bias)) : undefined;
  },
};

/** Rewrites a program for the CPU with its usual sizes. Any other size gives equally right results. */
export function toUsualForms(program: Program, sizes: UsualSizes): Program {
  return simplify(program, [gatedLayers(sizes), channelSums]);
}

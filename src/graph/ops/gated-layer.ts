// The feed-forward layer of Stable Diffusion's transformers, (a · gelu(b)) W₂ᵀ + b₂ of a, b = x W₁ᵀ + b₁ (GEGLU: Shazeer
// 2020, arXiv:2002.05202), worked off in blocks of rows: what lies between the products is eight times as wide as x, and
// leaves the processor's cache if it is computed for a whole image at once.
import { addDims, floorDivideDim, multiplyDims } from "../dimension.js";
import { apply, fixedSize, type Operation, shapeError, type Tensor } from "../graph.js";
import type { Lowering } from "../onnx/lowering.js";
import type { Dim } from "../types.js";
import { takeRows } from "./stored-rows.js";

/** The rows in each block, `[blocks]`: equal numbers, and what is left (or nothing) in the last ones. */
const blockSizesOp: Operation = {
  name: "blockSizes",
  infer: (_, { blocks }) => [{ shape: [blocks as number], dtype: "i64" }],
  lower: (lowering, _, { attributes }) => {
    const { rows, blocks } = attributes as { rows: Dim; blocks: number };
    const vector = (dim: Dim) => lowering.shapeVector([dim]);
    const size = floorDivideDim(addDims(rows, blocks - 1), blocks);
    const numbers = lowering.integers(Array.from({ length: blocks }, (_, block) => block));
    const left = lowering.node("Sub", [vector(rows), lowering.node("Mul", [vector(size), numbers])]);
    const atMost = lowering.node("Min", [left, vector(size)]);
    return [lowering.node("Max", [atMost, lowering.integers([0])])];
  },
};

/** Both halves of the first product's weight and bias. */
function takeHalves(lowering: Lowering, weight: string, bias: string, [width, inner]: [number, number]) {
  return [0, width].map((from) => {
    const to = from + width;
    const bounds = [from, to, 0].map((value) => lowering.integers([value]));
    const shape = [width, inner];
    const rows = takeRows(lowering, weight, { from, to, weight: [2 * width, inner], shape });
    return { weight: rows, bias: lowering.node("Slice", [bias, ...bounds]) };
  }) as [Half, Half];
}

interface Half {
  readonly weight: string;
  readonly bias: string;
}

const gatedLayerOp: Operation = {
  name: "gatedLayer",
  infer: ([x, , , out]) => [{ shape: [x!.shape[0]!, out!.shape[0]!], dtype: x!.dtype }],
  multiplications: ({ inputs: [x, wide, , out] }) => {
    const perRow = fixedSize(wide!, 0) * fixedSize(wide!, 1) + fixedSize(out!, 0) * fixedSize(out!, 1);
    return multiplyDims(x!.shape[0]!, perRow);
  },
  lower: (lowering, [x, wide, wideBias, out, outBias, sizes], { attributes, inputs }) => {
    const width = fixedSize(inputs[3]!, 1);
    const [value, gate] = takeHalves(lowering, wide!, wideBias!, [width, fixedSize(inputs[1]!, 1)]);
    const multiply = (rows: string, { weight, bias }: Half) =>
      lowering.node("Gemm", [rows, weight, bias], { transB: 1 });
    const blocks = lowering.nodes("Split", [x!, sizes!], attributes.blocks as number, { axis: 0 });
    const results = blocks.map((rows) => {
      const active = lowering.node("Gelu", [multiply(rows, gate)]);
      const gated = lowering.node("Mul", [multiply(rows, value), active]);
      return multiply(gated, { weight: out!, bias: outBias! });
    });
    return [lowering.node("Concat", results, { axis: 0 })];
  },
};

export const gatedLayerName = gatedLayerOp.name;

export interface GatedLayer {
  /** Values first, then gates: `[2·width, in]` and `[2·width]`. */
  readonly wide: Tensor;
  readonly wideBias: Tensor;
  /** `[out, width]` and `[out]`. */
  readonly out: Tensor;
  readonly outBias: Tensor;
}

/**
 * The layer in blocks of equally many rows: `x [rows, in]` → `[rows, out]`. Both weights are read in every block, so they are
 * not packed. No gradient: it is chosen when a program is written for a device.
 */
export function gatedLayer(x: Tensor, { wide, wideBias, out, outBias }: GatedLayer, blocks: number): Tensor {
  const [width, inner] = [fixedSize(out, 1), fixedSize(x, 1)];
  if (wide.shape.join() !== `${2 * width},${inner}`)
    throw shapeError("gatedLayer", "weights [2·width, in] and [out, width]", x, wide, out);
  const sizes = x.graph.apply(blockSizesOp, [], { rows: x.shape[0]!, blocks })[0]!;
  return apply(gatedLayerOp, [x, wide, wideBias, out, outBias, sizes], { blocks });
}

// Parts of stored weights while they are written.
import type { Lowering } from "../onnx/lowering.js";

export interface Rows {
  readonly from: number;
  readonly to: number;
  /** Of the whole weight, which has two axes or more. */
  readonly weight: readonly number[];
  /** The shape in which they are taken. */
  readonly shape: readonly number[];
}

/** Rows of a weight, read from their place in a file or else taken before they are widened, if it is stored. */
export function takeRows(lowering: Lowering, weight: string, rows: Rows): string {
  const { from, to, weight: whole, shape } = rows;
  const placed = lowering.storedRows(weight, [from, to], whole[0]!, shape);
  if (placed) return placed;
  const sliced = sliceRows(lowering, weight, rows);
  if (shape.length === whole.length) return sliced;
  return lowering.node("Reshape", [sliced, lowering.integers(shape)]);
}

function sliceRows(lowering: Lowering, weight: string, { from, to, weight: whole }: Rows): string {
  if (to - from === whole[0]) return weight;
  const stored = lowering.narrowRows(weight);
  const bounds = [from, to, 0].map((value) => lowering.integers([value]));
  const slice = (rows: string) => lowering.node("Slice", [rows, ...bounds]);
  if (!stored) return slice(weight);
  const wide = lowering.cast(slice(stored.rows), "f32");
  if (!stored.scale) return wide;
  const axes = whole.slice(1).map((_, axis) => axis + 1);
  const scale = lowering.node("Unsqueeze", [slice(stored.scale), lowering.integers(axes)]);
  return lowering.node("Mul", [wide, scale]);
}

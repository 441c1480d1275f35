// Parts of stored weights while they are written.
import type { Lowering } from "../onnx/lowering.js";

/** Rows `from` to `to` of a weight of rank 2 or more, taken before they are widened if it is stored narrower than float32. */
export function takeRows(
  lowering: Lowering,
  weight: string,
  [from, to]: readonly [number, number],
  rank: number,
): string {
  const stored = lowering.narrowRows(weight);
  const bounds = [from, to, 0].map((value) => lowering.integers([value]));
  const slice = (rows: string) => lowering.node("Slice", [rows, ...bounds]);
  if (!stored) return slice(weight);
  const rows = lowering.cast(slice(stored.rows), "f32");
  if (!stored.scale) return rows;
  const axes = Array.from({ length: rank - 1 }, (_, axis) => axis + 1);
  const scale = lowering.node("Unsqueeze", [slice(stored.scale), lowering.integers(axes)]);
  return lowering.node("Mul", [rows, scale]);
}

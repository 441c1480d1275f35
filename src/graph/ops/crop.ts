// Crops a tensor to a size that may be known only at run time, such as that of another tensor.
import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import type { Dim } from "../types.js";
import { pad } from "./shape-ops.js";

export const cropOp: Operation = {
  name: "crop",
  infer: ([x], { axis, size }) => [
    { shape: x!.shape.map((dim, i) => (i === axis ? (size as Dim) : dim)), dtype: x!.dtype },
  ],
  gradient: ({ inputs: [x], gradients: [g], attributes }) => {
    const [axis, size] = [attributes.axis as number, attributes.size as Dim];
    const whole = x!.shape[axis]!;
    if (typeof whole === "string" || typeof size === "string") {
      throw shapeError("gradient of crop", "a fixed size along the axis", x!);
    }
    const zeros = x!.shape.map(() => 0);
    return [
      pad(
        g!,
        zeros,
        x!.shape.map((_, i) => (i === axis ? whole - size : 0)),
      ),
    ];
  },
  lower: (lowering, [x], { attributes }) => {
    const ends = lowering.shapeVector([attributes.size as Dim]);
    const [starts, axes] = [0, attributes.axis as number].map((value) => lowering.integers([value]));
    return [lowering.node("Slice", [x!, starts!, ends, axes!])];
  },
};

/**
 * The first `size` elements along an axis; all of them if there are exactly as many.
 * At run time, a symbolic size must not exceed the axis: there would be fewer elements than the shape claims.
 */
export function crop(x: Tensor, axis: number, size: Dim): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  const whole = x.shape[at];
  if (whole === undefined) throw shapeError("crop", `an axis ${axis}`, x);
  if (whole === size) return x;
  if (typeof whole === "number" && typeof size === "number" && !(size >= 0 && size < whole)) {
    throw shapeError("crop", `a size of up to ${whole}, not ${size}`, x);
  }
  return apply(cropOp, [x], { axis: at, size });
}

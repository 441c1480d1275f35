// 8-bit weights with separate scales. Programs that write fp8 checkpoints divide each matrix by a number that
// brings it into the type's range, and store that number as a tensor: ComfyUI as ".scale_weight" (with an
// empty marker tensor "scaled_fp8") or ".weight_scale", others as ".weight_scale_inv", which also multiplies.

import { NishikiError, quote, showShape } from "../errors.js";
import type { WeightLocation } from "./weight-location.js";

const scaleName = /^(.*)\.(?:scale_weight|weight_scale|weight_scale_inv|weight\.scale)$/;

/** Other entries of such files: markers, input scales (for 8-bit arithmetic), and notes on the type. */
const marks = /(^|\.)(scaled_fp8|scale_input|input_scale|comfy_quant)$/;

const isEightBit = ({ dtype }: WeightLocation): boolean => dtype === "i8" || dtype.startsWith("f8_");

const countElements = ({ shape }: WeightLocation): number => shape.reduce((a, b) => a * b, 1);

/**
 * Attaches scales to their weights, so that they survive renaming and slicing. Leaves Nishiki's int8 files,
 * which name a scale "NAME.scale", unchanged.
 *
 * @param path the file's name in error messages
 * @throws NishikiError `checkpoint` for unsupported scales, such as one per block of a matrix
 */
export function joinScales(
  weights: ReadonlyMap<string, WeightLocation>,
  path: string,
): ReadonlyMap<string, WeightLocation> {
  const scales = new Map<string, string>(); // weight → scale
  for (const name of weights.keys()) {
    const weight = `${scaleName.exec(name)?.[1]}.weight`;
    const place = weights.get(weight);
    if (place && isEightBit(place) && !(place.dtype === "i8" && name === `${weight}.scale`))
      scales.set(weight, name);
  }
  const isMarked = scales.size > 0 || [...weights.keys()].some((name) => marks.test(name));
  if (!isMarked) return weights;
  const used = new Set(scales.values());
  const joined = new Map<string, WeightLocation>();
  for (const [name, place] of weights) {
    if (used.has(name) || marks.test(name)) continue;
    const scale = weights.get(scales.get(name) ?? "");
    if (scale) checkScale(name, place, scale, path);
    joined.set(name, scale ? { ...place, scale } : place);
  }
  return joined;
}

function checkScale(name: string, place: WeightLocation, scale: WeightLocation, path: string): void {
  const rows = place.shape[0] ?? 1;
  const isFloat = ["f32", "f16", "bf16"].includes(scale.dtype);
  if (isFloat && (countElements(scale) === 1 || (countElements(scale) === rows && scale.shape[0] === rows)))
    return;
  const message =
    `${path} cannot be used: the scale of ${quote(name)} is ${scale.dtype} ${showShape(scale.shape)}; ` +
    `expected a single number or one for each of the ${rows} rows. Use the float16 version of the model.`;
  throw new NishikiError("checkpoint", message);
}

/** Slices the scale along with its weight's rows. */
export function cutScale(scale: WeightLocation, part: number, parts: number): WeightLocation {
  const count = countElements(scale);
  if (count === 1) return scale;
  const length = scale.length / parts;
  return { ...scale, shape: [count / parts], offset: scale.offset + part * length, length };
}

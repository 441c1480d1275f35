// Weights stored as 8-bit numbers with a scale beside them. Programs that write fp8 checkpoints divide each matrix by a number
// that brings it into the type's range, and store that number as a tensor of its own: ComfyUI as ".scale_weight" (with an
// empty tensor "scaled_fp8" as a mark) or ".weight_scale", others as ".weight_scale_inv", which multiplies as well.

import { NishikiError, quote, showShape } from "../errors.js";
import type { WeightLocation } from "./weight-location.js";

const scaleName = /^(.*)\.(?:scale_weight|weight_scale|weight_scale_inv|weight\.scale)$/;

/** What such files hold besides: marks, scales of what goes in (for arithmetic in 8 bits), and notes on the type. */
const marks = /(^|\.)(scaled_fp8|scale_input|input_scale|comfy_quant)$/;

const isEightBit = ({ dtype }: WeightLocation): boolean => dtype === "i8" || dtype.startsWith("f8_");

const countOf = ({ shape }: WeightLocation): number => shape.reduce((a, b) => a * b, 1);

/**
 * Puts scales to the weights that they belong to, so that renaming and cutting weights keeps them together. Nishiki's own int8
 * files, where a scale is called "NAME.scale", stay as they are.
 *
 * @param path what to call the file in messages
 * @throws NishikiError `checkpoint` for scales of another form, such as one for each block of a matrix
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
  if (isFloat && (countOf(scale) === 1 || (countOf(scale) === rows && scale.shape[0] === rows))) return;
  const message =
    `${path} cannot be used: the scale of ${quote(name)} is ${scale.dtype} ${showShape(scale.shape)}, ` +
    `and only one number for the whole matrix or for each of its ${rows} rows is read. Use the float16 form of the same model.`;
  throw new NishikiError("checkpoint", message);
}

/** A part of a weight's rows keeps the part of its scales that belongs to them. */
export function cutScale(scale: WeightLocation, part: number, parts: number): WeightLocation {
  const count = countOf(scale);
  if (count === 1) return scale;
  const length = scale.length / parts;
  return { ...scale, shape: [count / parts], offset: scale.offset + part * length, length };
}

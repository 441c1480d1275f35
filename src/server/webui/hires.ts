// The hires fix: a second pass at a larger size.

import { NishikiError } from "../../errors.js";
import type { StoredRequest } from "../../pipeline/index.js";
import type { DrawRequest, Reading } from "./draw-request.js";
import { refuse } from "./errors.js";
import type { TextToImage } from "./fields.js";

/** The size of the second pass. Like webui: by the scale, or to a size; with one side, the other follows. */
export function getHiresSize(fields: TextToImage): { width: number; height: number } {
  const { width, height, hr_scale: scale, hr_resize_x: x, hr_resize_y: y } = fields;
  if (x === 0 && y === 0) return { width: Math.trunc(width * scale), height: Math.trunc(height * scale) };
  if (y === 0) return { width: x, height: Math.floor((x * height) / width) };
  if (x === 0) return { width: Math.floor((y * width) / height), height: y };
  if (x * height !== y * width)
    refuse(422, `hr_resize_x, hr_resize_y: expected the aspect ratio of ${width}x${height}, got ${x}x${y}.`);
  return { width: x, height: y };
}

export function addHires(
  fields: TextToImage,
  { request, model }: DrawRequest,
  _reading: Reading,
): { readonly request: StoredRequest; readonly extra?: Readonly<Record<string, unknown>> } {
  if (!fields.enable_hr) return { request };
  const size = getHiresSize(fields);
  if (!model.takes.includes("upscale"))
    throw new NishikiError("usage", "enable_hr: this model has no second pass.");
  const upscale = /lanczos/i.test(fields.hr_upscaler) ? ("lanczos" as const) : ("super-resolution" as const);
  return { request: { ...request, size, upscale } };
}

// Renders a drawing as a sprite, trimmed to its bounding box so that the compositor can place it exactly.

import sharp from "sharp";
import { NishikiError } from "../errors.js";

export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly rgba: Buffer;
}

/**
 * Pixels more transparent than this lie outside the drawing: faint shadows must not widen its box.
 */
const alphaThreshold = 12;

/**
 * Decodes and trims a drawing, and scales its longer side down to `size`. Smaller drawings keep their size.
 */
export async function renderSprite(drawing: Buffer, size: number): Promise<RawImage> {
  const { data, info } = await sharp(drawing).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const box = findBox(data, info.width, info.height);
  const longer = Math.max(box.width, box.height);
  const scale = Math.min(1, size / longer);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const rgba = await sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
    .extract(box)
    .resize(width, height, { fit: "fill" })
    .raw()
    .toBuffer();
  return { width, height, rgba };
}

function findBox(rgba: Buffer, width: number, height: number) {
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rgba[(y * width + x) * 4 + 3]! <= alphaThreshold) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  if (right < 0)
    throw new NishikiError(
      "data",
      'A drawing of a sprite set is empty. Install the packages again: "npm ci".',
    );
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

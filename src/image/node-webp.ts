// Small images for pages (node): WebP, which every browser shows.
import type { Image } from "./image.js";
import { loadSharp } from "./node-sharp.js";

export interface WebpOptions {
  /** Longer side in pixels; a larger image is scaled down, a smaller one stays. */
  readonly side?: number;
  /** 1 to 100. */
  readonly quality?: number;
}

/** Encodes an image as WebP, scaled down to fit. */
export async function encodeWebp(
  { width, height, channels, data }: Image,
  { side, quality = 80 }: WebpOptions = {},
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const image = sharp(data, { raw: { width, height, channels } });
  const fitted =
    side !== undefined && Math.max(width, height) > side
      ? image.resize({ width: side, height: side, fit: "inside" })
      : image;
  // Effort 1: previews are made while an image is drawn, and the last tenth of the bytes costs most of the time.
  return fitted.webp({ quality, effort: 1 }).toBuffer();
}

// Init images and masks of stages that draw pixels: each stage sees them at its own size.
import { resizeBicubic } from "../image/index.js";
import type { InitImage } from "./init-image.js";
import { resizeMask } from "./mask.js";
import type { ImageEncoder } from "./plan.js";
import { toPlanes } from "./planes.js";
import { isSameSize } from "./request-context.js";
import type { ImageSize } from "./request-values.js";

/** Pixels are their own latents. */
export const pixelEncoder: ImageEncoder = {
  takesMask: false,
  drawsForMasked: false,
  encode: async (values) => toPlanes(values),
  resizeMask: (mask) => Float32Array.from({ length: 3 * mask.length }, (_, i) => mask[i % mask.length]!),
};

/** The image and its mask as a stage of this size sees them. */
export function resizeInit(image: InitImage, size: ImageSize): InitImage {
  const { pixels, mask } = image;
  if (isSameSize(pixels, size)) return image;
  return {
    ...image,
    pixels: { ...pixels, ...size, data: resizeBicubic(pixels, size).data },
    ...(mask && { mask: Uint8Array.from(resizeMask(mask, pixels, size)) }),
  };
}

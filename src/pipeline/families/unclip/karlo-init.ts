// Init images and masks of Karlo, whose stages draw pixels: the decoder begins with the image made small, and
// super-resolution keeps what is outside a mask at full size. Karlo itself has no such pipeline.
import { resizeBicubic } from "../../../image/index.js";
import type { ImageSettings } from "../../image-request.js";
import { type InitImage, makeInitImage } from "../../init-image.js";
import { resizeMask } from "../../mask.js";
import type { ImageEncoder, InitPlan } from "../../plan.js";
import { toPlanes } from "../../planes.js";

/** Pixels are their own latents. */
const pixelEncoder: ImageEncoder = {
  takesMask: false,
  drawsForMasked: false,
  encode: async (values) => toPlanes(values),
  resizeMask: (mask) => Float32Array.from({ length: 3 * mask.length }, (_, i) => mask[i % mask.length]!),
};

/** The image as a stage of this side sees it. */
function resizeInit(image: InitImage, side: number): InitImage {
  const { pixels, mask } = image;
  if (pixels.width === side && pixels.height === side) return image;
  const size = { width: side, height: side };
  return {
    ...image,
    pixels: { ...pixels, ...size, data: resizeBicubic(pixels, size).data },
    ...(mask && { mask: Uint8Array.from(resizeMask(mask, pixels, size)) }),
  };
}

/** What the decoder begins with; undefined without an init image. */
export function makeDecoderInit(settings: ImageSettings, side: number): InitPlan | undefined {
  const image = makeInitImage(settings);
  if (!image) return undefined;
  return {
    image: resizeInit(image, side),
    isFullNoise: settings.init?.strength === 1,
    encoder: async () => pixelEncoder,
  };
}

/** What super-resolution keeps; undefined without a mask. */
export function makeEnlargedInit(settings: ImageSettings): InitPlan | undefined {
  const image = makeInitImage(settings);
  return image?.mask ? { image, isFullNoise: true, encoder: async () => pixelEncoder } : undefined;
}

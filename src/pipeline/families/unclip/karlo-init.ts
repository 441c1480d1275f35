// Init images and masks of Karlo, whose stages draw pixels: the decoder begins with the image made small, and
// super-resolution keeps what is outside a mask at full size. Karlo itself has no such pipeline.
import type { ImageSettings } from "../../image-request.js";
import { makeInitImage } from "../../init-image.js";
import { pixelEncoder, resizeInit } from "../../pixel-init.js";
import type { InitPlan } from "../../plan.js";

/** What the decoder begins with; undefined without an init image. */
export function makeDecoderInit(settings: ImageSettings, side: number): InitPlan | undefined {
  const image = makeInitImage(settings);
  if (!image) return undefined;
  return {
    image: resizeInit(image, { width: side, height: side }),
    isFullNoise: settings.init?.strength === 1,
    encoder: async () => pixelEncoder,
  };
}

/** What super-resolution keeps; undefined without a mask. */
export function makeEnlargedInit(settings: ImageSettings): InitPlan | undefined {
  const image = makeInitImage(settings);
  return image?.mask ? { image, isFullNoise: true, encoder: async () => pixelEncoder } : undefined;
}

// What a denoiser takes beside latents and prompts: an inpainting network's further channels, and XL's sizes.
import { type MaskSize, resizeMask } from "../../mask.js";
import type { Inpainting } from "../../plan.js";
import type { Area } from "./autoencoder-runs.js";
import type { StableDiffusionModel } from "./model.js";

/** What an inpainting network sees beside the latents: the mask, and the image without what is redrawn. */
export function extraChannels(
  { unet, autoencoder: { latentChannels, scale } }: StableDiffusionModel,
  area: Area,
  inpainting: Inpainting | undefined,
): Float32Array {
  if (unet.inChannels === latentChannels) return new Float32Array(0);
  const size = area.height * area.width;
  const extra = new Float32Array((latentChannels + 1) * size);
  if (inpainting) {
    extra.set(resizeMask(inpainting.mask, getPixelSize(area, scale), area, inpainting.rule));
    extra.set(inpainting.masked, size);
  } else extra.fill(1, 0, size); // everything is to be drawn, from nothing
  return extra;
}

export function getPixelSize({ height, width }: Area, scale: number): MaskSize {
  return { height: height * scale, width: width * scale };
}

/** Sizes that XL takes: the original's, what was cropped, the one to draw; heights first. */
export function getSizes({ height, width }: Area, scale: number): Float32Array {
  const [h, w] = [height * scale, width * scale];
  return Float32Array.of(h, w, 0, 0, h, w);
}

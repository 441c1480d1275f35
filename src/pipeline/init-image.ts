// The init image of a request, extended if requested, and its inpainting mask.
import { cropMask, cropTo, getCropRegion, type Region } from "./crop-region.js";
import { fillHole } from "./fill-hole.js";
import type { ImageSettings } from "./image-request.js";
import type { Pixels } from "./pixels.js";

/** What the latents inside a mask are before noise is added. */
export type LatentFill = "noise" | "nothing";

export interface InitImage {
  /** At the size that the model draws. */
  readonly pixels: Pixels;
  /** [height, width]: 1 where the image is redrawn, 0 where it stays. Undefined: all of it may change. */
  readonly mask?: Uint8Array;
  /** Whether the unmasked pixels are pasted back after decoding. If not, the result matches diffusers' pipelines. */
  readonly pastesBack?: boolean;
  /** Replaces the latents inside the mask. Default: those of the pixels. */
  readonly latentFill?: LatentFill;
}

/** Whether a pixel is closer to white than to black, with the ITU-R 601 luma weights (as Pillow converts to grey). */
export function isLight(data: Uint8Array | Uint8ClampedArray, pixel: number): boolean {
  const [r, g, b] = [data[pixel * 3]!, data[pixel * 3 + 1]!, data[pixel * 3 + 2]!];
  return (r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16 >= 128;
}

/** A whole image with its mask, before anything is filled or cropped. */
export interface MaskedImage {
  readonly pixels: Pixels;
  readonly mask: Uint8Array;
  /** The part that is drawn, if not all of it. */
  readonly region: Region | undefined;
}

/** Returns undefined without a mask. Extended areas repeat the pixels of the image's edges. */
export function getMaskedImage({ init, inpaint, size }: ImageSettings): MaskedImage | undefined {
  const { mask, extend, onlyMasked } = inpaint ?? {};
  if (!init || (!mask && !extend)) return undefined;
  const { image } = init;
  const { width, height } = onlyMasked === undefined ? size : image;
  const { left = 0, top = 0 } = extend ?? {};
  const data = new Uint8Array(width * height * 3);
  const redrawn = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = [x - left, y - top];
      const nearX = Math.min(Math.max(fromX, 0), image.width - 1);
      const nearY = Math.min(Math.max(fromY, 0), image.height - 1);
      const source = nearY * image.width + nearX;
      const isInside = fromX === nearX && fromY === nearY;
      data.set(image.data.subarray(source * 3, source * 3 + 3), (y * width + x) * 3);
      redrawn[y * width + x] = !isInside || (mask && isLight(mask.data, source)) ? 1 : 0;
    }
  }
  const pixels = { width, height, channels: 3 as const, data };
  const region = onlyMasked === undefined ? undefined : getCropRegion(redrawn, image, onlyMasked, size);
  return { pixels, mask: redrawn, region };
}

/** What a diffusion starts from; undefined without an init image. */
export function makeInitImage(settings: ImageSettings): InitImage | undefined {
  const { init, inpaint, size } = settings;
  if (!init) return undefined;
  const whole = getMaskedImage(settings);
  if (!whole) return { pixels: init.image };
  const { pasteBack: pastesBack = true, fill = "original" } = inpaint ?? {};
  const { region } = whole;
  const filled = fill === "surroundings" ? fillHole(whole.pixels, whole.mask) : whole.pixels;
  const pixels = region ? cropTo(filled, region, size) : filled;
  const mask = region ? cropMask(whole.mask, whole.pixels, region, size) : whole.mask;
  const latentFill = fill === "noise" || fill === "nothing" ? fill : undefined;
  return { pixels, mask, pastesBack, ...(latentFill && { latentFill }) };
}

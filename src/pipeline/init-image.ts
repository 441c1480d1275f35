// The init image of a request, extended if requested, and its inpainting mask.
import type { ImageSettings } from "./image-request.js";
import type { Pixels } from "./pixels.js";

export interface InitImage {
  /** At the output size. */
  readonly pixels: Pixels;
  /** [height, width]: 1 where the image is redrawn, 0 where it stays. Undefined: all of it may change. */
  readonly mask?: Uint8Array;
  /** Whether the unmasked pixels are pasted back after decoding. If not, the result matches diffusers' pipelines. */
  readonly pastesBack?: boolean;
}

/** Whether a pixel is closer to white than to black, with the ITU-R 601 luma weights (as Pillow converts to grey). */
export function isLight(data: Uint8Array | Uint8ClampedArray, pixel: number): boolean {
  const [r, g, b] = [data[pixel * 3]!, data[pixel * 3 + 1]!, data[pixel * 3 + 2]!];
  return (r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16 >= 128;
}

/** Returns undefined without an init image. Extended areas repeat the pixels of the image's edges. */
export function makeInitImage({ init, inpaint, size }: ImageSettings): InitImage | undefined {
  if (!init) return undefined;
  const { image } = init;
  const { mask, extend, pasteBack: pastesBack = true } = inpaint ?? {};
  if (!mask && !extend) return { pixels: image };
  const { width, height } = size;
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
  return { pixels: { width, height, channels: 3, data }, mask: redrawn, pastesBack };
}

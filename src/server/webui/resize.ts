// webui's ways to bring an image to a size ("resize_mode"): stretch, crop, or fill what is missing with the image's edges.
import type { Image } from "../../image/index.js";
import type { ImageSize } from "../../pipeline/index.js";

export const resizeModes = [
  "just resize",
  "crop and resize",
  "resize and fill",
  "just resize (latent upscale)",
] as const;

const isSize = (image: ImageSize, { width, height }: ImageSize) =>
  image.width === width && image.height === height;

async function stretch(image: Image, { width, height }: ImageSize): Promise<Image> {
  if (isSize(image, { width, height })) return image;
  const { scaleImage } = await import("../../image/node.js");
  return scaleImage(image, width, height);
}

/** The size that covers `size` ("cover") or fits into it ("fit"), with the image's aspect ratio. */
function scaleTo(image: ImageSize, size: ImageSize, how: "cover" | "fit"): ImageSize {
  const isWider = size.width * image.height > image.width * size.height;
  const byWidth = how === "cover" ? isWider : !isWider;
  return byWidth
    ? { width: size.width, height: Math.max(1, Math.floor((image.height * size.width) / image.width)) }
    : { width: Math.max(1, Math.floor((image.width * size.height) / image.height)), height: size.height };
}

/** Copies an image into the middle of a canvas; what it does not reach repeats its edges. */
function place(image: Image, { width, height }: ImageSize): Image {
  const { channels, data } = image;
  const left = Math.floor(width / 2) - Math.floor(image.width / 2);
  const top = Math.floor(height / 2) - Math.floor(image.height / 2);
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const fromY = Math.min(image.height - 1, Math.max(0, y - top));
    for (let x = 0; x < width; x++) {
      const fromX = Math.min(image.width - 1, Math.max(0, x - left));
      const from = (fromY * image.width + fromX) * channels;
      out.set(data.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { width, height, channels, data: out };
}

/** The image at a size: 0 stretches, 1 crops what sticks out, 2 fits all of it and fills the rest with its edges. */
export async function resizeImage(image: Image, size: ImageSize, mode: number): Promise<Image> {
  if (isSize(image, size) || mode === 0) return stretch(image, size);
  const scaled = await stretch(image, scaleTo(image, size, mode === 1 ? "cover" : "fit"));
  return place(scaled, size);
}

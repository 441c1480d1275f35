// Moving images (node): animated WebP, which every browser plays.
import { NishikiError } from "../errors.js";
import type { Image } from "./image.js";
import { loadSharp } from "./node-sharp.js";

export interface FilmOptions {
  /** Milliseconds that each image is shown. Default 120. */
  readonly milliseconds?: number;
  /** Milliseconds that the first and the last image are shown. Default: as the others. */
  readonly endMilliseconds?: number;
  /** Whether it plays backwards after the last image, so that it has no jump. Default false. */
  readonly returns?: boolean;
  /** 1 to 100. Default 85. */
  readonly quality?: number;
}

/**
 * Encodes images of one size as a film that plays for ever.
 * @throws NishikiError "usage" for no images, or images of several sizes
 */
export async function encodeFilm(images: readonly Image[], options: FilmOptions = {}): Promise<Uint8Array> {
  const { milliseconds = 120, endMilliseconds = milliseconds, returns = false, quality = 85 } = options;
  const [first] = images;
  if (!first) throw new NishikiError("usage", "A film needs at least one image.");
  const { width, height, channels } = first;
  if (images.some((image) => image.width !== width || image.height !== height || image.channels !== channels))
    throw new NishikiError("usage", "A film needs images of one size.");
  const back = returns ? images.slice(1, -1).reverse() : [];
  const all = [...images, ...back];
  const isEnd = (i: number) => i === 0 || i === images.length - 1;
  const sharp = await loadSharp();
  const data = new Uint8Array(all.length * first.data.length);
  all.forEach((image, i) => {
    data.set(image.data, i * first.data.length);
  });
  const raw = { width, height: height * all.length, channels, pageHeight: height };
  return sharp(data, { raw })
    .webp({ quality, loop: 0, delay: all.map((_, i) => (isEnd(i) ? endMilliseconds : milliseconds)) })
    .toBuffer();
}

// Masks in an image's transparency (node): OpenAI's interface marks what to redraw with transparent pixels.
import { decodeImage } from "./node-file.js";
import { loadSharp } from "./node-sharp.js";

export interface AlphaMask {
  readonly width: number;
  readonly height: number;
  /** Share of the pixels that are white, 0 to 1. */
  readonly share: number;
  /** A PNG file: white where the image is transparent, black elsewhere. */
  readonly png: Uint8Array;
}

/**
 * Makes a mask of an image's transparent pixels: those with an alpha below half.
 *
 * @param file What to call it in messages.
 * @throws NishikiError `file`
 */
export async function readAlphaMask(bytes: Uint8Array, file?: string): Promise<AlphaMask> {
  const { width, height, channels, data } = await decodeImage(bytes, { alpha: true }, file);
  const values = new Uint8Array(width * height);
  let count = 0;
  for (let pixel = 0; channels === 4 && pixel < values.length; pixel++) {
    if (data[pixel * 4 + 3]! >= 128) continue;
    values[pixel] = 255;
    count++;
  }
  const sharp = await loadSharp();
  const png = await sharp(values, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
  return { width, height, share: count / values.length, png };
}

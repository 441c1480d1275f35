// Images in other file formats (node), for clients that ask for them. The settings stay in the file: as EXIF's user comment,
// where other programs keep the `parameters` text too.
import sharp from "sharp";
import { MAX_PIXELS } from "./image.js";
import { readPngText } from "./png.js";

export interface ConvertOptions {
  readonly format: "png" | "jpeg" | "webp";
  /** 0 to 100, of JPEG and WebP; 100 by default. */
  readonly quality?: number;
}

/** Converts an image file. */
export async function convertImage(
  bytes: Uint8Array,
  { format, quality = 100 }: ConvertOptions,
): Promise<Uint8Array> {
  const image = sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS });
  if (format === "png") return image.png().toBuffer();
  const text = isPng(bytes) ? readPngText(bytes).parameters : undefined;
  // The library replaces other characters by "?".
  const parameters = text !== undefined && !/\P{ASCII}/u.test(text) ? text : undefined;
  const labelled = parameters === undefined ? image : image.withExif({ IFD2: { UserComment: parameters } });
  const options = { quality: Math.max(1, quality) };
  return (format === "jpeg" ? labelled.jpeg(options) : labelled.webp(options)).toBuffer();
}

const isPng = (bytes: Uint8Array) => bytes[0] === 0x89 && bytes[1] === 0x50;

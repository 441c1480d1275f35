// Images in other file formats (node), for clients that ask for them. The settings stay in the file: as EXIF's user comment,
// where other programs keep the `parameters` text too.
import { addJpegComment, addWebpComment } from "./exif-comment.js";
import { MAX_PIXELS } from "./image.js";
import { loadSharp } from "./node-sharp.js";
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
  const sharp = await loadSharp();
  const image = sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS });
  if (format === "png") return image.png().toBuffer();
  const options = { quality: Math.max(1, quality) };
  const encoded = format === "jpeg" ? image.jpeg(options) : image.webp(options);
  const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
  const parameters = isPng(bytes) ? readPngText(bytes).parameters : undefined;
  if (parameters === undefined) return data;
  return format === "jpeg" ? addJpegComment(data, parameters) : addWebpComment(data, parameters, info);
}

const isPng = (bytes: Uint8Array) => bytes[0] === 0x89 && bytes[1] === 0x50;

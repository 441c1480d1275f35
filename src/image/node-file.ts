// Image files (node): reads any common format, writes PNG and renders SVG.

import { readFile, stat } from "node:fs/promises";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError, showText } from "../errors.js";
import { readExifText } from "./exif.js";
import { getImageFormat, readableFormats, withArticle } from "./format.js";
import { checkImage, checkSize, type Image, MAX_PIXELS, MAX_SIDE } from "./image.js";
import { loadSharp } from "./node-sharp.js";
import { encodePng, inspectPng } from "./png.js";
import { xmpKeyword } from "./xmp.js";

/** How an image file is read. */
export interface ReadImageOptions {
  /** What shines through transparent pixels, [red, green, blue] in [0, 255]; white by default. */
  readonly background?: readonly [number, number, number];
  /** Keep transparency, as a fourth channel where the file has it. */
  readonly alpha?: boolean;
}

/** The largest file that is read whole. */
const MAX_FILE_BYTES = 2 ** 30;

/**
 * Reads a PNG, JPEG, WebP, GIF, TIFF or AVIF file as 8-bit sRGB, turned upright as its camera says. Of several frames or
 * pages, the first.
 *
 * @throws NishikiError `file` where it cannot be read, is no such image, is damaged, or has more than 67 million pixels
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<Image> {
  return decodeImage(await readImageFile(path), options, path);
}

/** The bytes of a plain file of up to 1 GiB. @throws NishikiError `file` */
export async function readImageFile(path: string): Promise<Uint8Array> {
  const entry = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  if (!entry.isFile()) {
    throw new NishikiError(
      "file",
      `Cannot read ${path}: it is ${entry.isDirectory() ? "a folder" : "not a regular file"}.`,
    );
  }
  if (entry.size > MAX_FILE_BYTES)
    throw new NishikiError("file", `Cannot read ${path}: it is larger than 1 GiB, too large for an image.`);
  return readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
}

/** Reads an image from the bytes of a file; see `readImage`. `file` is what to call it in messages. */
export async function decodeImage(
  bytes: Uint8Array,
  { background = [255, 255, 255], alpha = false }: ReadImageOptions = {},
  file = "The file",
): Promise<Image> {
  const format = requireReadable(bytes, file);
  try {
    const sharp = await loadSharp();
    const found = await sharp(bytes, { limitInputPixels: false }).metadata();
    checkSize(file, found);
    const { hasAlpha } = found;
    const image = sharp(await toEightBits(bytes), { failOn: "error", limitInputPixels: MAX_PIXELS });
    const [r, g, b] = background;
    const upright = image.rotate().toColourspace("srgb");
    const flat = alpha ? upright : upright.flatten({ background: { r, g, b } });
    const { data, info } = await (alpha && hasAlpha ? flat.ensureAlpha() : flat.removeAlpha())
      .raw({ depth: "uchar" })
      .toBuffer({
        resolveWithObject: true,
      });
    return toImage(data, info);
  } catch (error) {
    throw damaged(error, file, format);
  }
}

/** The name of the format. @throws NishikiError `file` for one that is not read, which it names */
function requireReadable(bytes: Uint8Array, file: string): string {
  const format = getImageFormat(bytes);
  if (format?.isRead) return format.name;
  const what =
    bytes.length === 0
      ? "is empty"
      : format
        ? `is ${withArticle(format.name)} file`
        : "is not a known image format";
  throw new NishikiError(
    "file",
    `${file} ${what}; ${readableFormats} are read.${format ? " Save it as one of them." : ""}`,
  );
}

/** The error for a file that begins like an image and is not one that the library can read. */
function damaged(error: unknown, file: string, format: string): NishikiError {
  if (error instanceof NishikiError) return error;
  const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
  const message = `${file} is ${withArticle(format)} file that cannot be decoded: it is damaged or of an unsupported kind (${showText(reason)}).`;
  return new NishikiError("file", message, { cause: error });
}

/**
 * What the library decodes with the right colours: the file itself, or, where it has 16 bits and a colour profile, the same
 * image with 8 bits. The library brings such files to another colour space than sRGB and does not say so.
 */
export async function toEightBits<T extends Uint8Array | string>(file: T): Promise<T | Uint8Array> {
  const sharp = await loadSharp();
  const { space, hasProfile } = await sharp(file, { limitInputPixels: false }).metadata();
  if (space !== "rgb16" || !hasProfile) return file;
  return sharp(file, { failOn: "error", ignoreIcc: true, limitInputPixels: MAX_PIXELS })
    .rotate()
    .toColourspace("srgb")
    .keepIccProfile()
    .png({ compressionLevel: 0 })
    .toBuffer();
}

/** What an image file says of itself. */
export interface ImageInfo {
  /** As people write it: "JPEG". */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** Bits per sample, where it is known. */
  readonly depth?: number;
  readonly hasAlpha: boolean;
  /** Frames of an animation or pages; the first is the one that is read. */
  readonly frames: number;
  /** Texts by keyword: of PNG its own, of other formats those of their EXIF data by tag. */
  readonly text: Readonly<Record<string, string>>;
  /** Sentences about texts that cannot be read. */
  readonly problems: readonly string[];
}

/**
 * Says what an image file is, without decoding its pixels: any size is looked at.
 *
 * @param file What to call it in messages.
 * @throws NishikiError `file` where it is no image that is read, or damaged
 */
export async function inspectImage(bytes: Uint8Array, file = "The file"): Promise<ImageInfo> {
  const format = requireReadable(bytes, file);
  if (format === "PNG") {
    const { isAnimated, ...info } = inspectPng(bytes);
    return { format, frames: 1, ...info };
  }
  try {
    const sharp = await loadSharp();
    const {
      width,
      height,
      hasAlpha,
      pages = 1,
      exif,
      xmp,
    } = await sharp(bytes, { limitInputPixels: false }).metadata();
    const text = {
      ...(exif && readExifText(exif)),
      ...(xmp && { [xmpKeyword]: new TextDecoder().decode(xmp) }),
    };
    return { format, width, height, hasAlpha, frames: pages, text, problems: [] };
  } catch (error) {
    throw damaged(error, file, format);
  }
}

function toImage(
  data: Uint8Array,
  { width, height, channels }: { width: number; height: number; channels: number },
): Image {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (channels === 3 || channels === 4) return { width, height, channels, data: bytes };
  throw new NishikiError("internal", `The image library returned ${channels} channels.`);
}

/**
 * An image in another size, without regard to its proportions, by Lanczos's filter: for images that a network reads.
 *
 * @throws NishikiError `shape` where the new size is none
 */
export async function scaleImage(
  image: Image,
  width: number,
  height: number,
  kernel: "lanczos3" | "nearest" = "lanczos3",
): Promise<Image> {
  checkImage(image);
  const raw = { width: image.width, height: image.height, channels: image.channels };
  const sharp = await loadSharp();
  const { data, info } = await sharp(image.data, { raw })
    .resize(width, height, { fit: "fill", kernel })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      const message = `Cannot scale an image to ${width}x${height} pixels.`;
      throw new NishikiError("shape", message, { cause: error });
    });
  return toImage(data, info);
}

/** Encodes pixels as PNG on the image library's threads: for servers, which must not stop for large images. */
export async function encodePngAside(image: Image): Promise<Uint8Array> {
  checkImage(image);
  const raw = { width: image.width, height: image.height, channels: image.channels };
  const sharp = await loadSharp();
  return sharp(image.data, { raw }).png({ compressionLevel: 3 }).toBuffer();
}

export interface WritePngOptions {
  /** Texts by keyword. */
  readonly text?: Readonly<Record<string, string>>;
  /** Replace a file that is already there; refused by default. */
  readonly force?: boolean;
}

/**
 * Writes a PNG file, whole or not at all.
 *
 * @throws NishikiError `file` where it cannot be written, or is already there and `force` is not given
 */
export async function writePng(
  path: string,
  image: Image,
  { text, force = false }: WritePngOptions = {},
): Promise<void> {
  await writeFileAtomic(path, encodePng(image, { text }), { overwrite: force });
}

/**
 * Draws an SVG text as an RGB image, at its own size. Labels need a font on the machine; without one they are missing.
 *
 * @throws NishikiError `usage` where it is no SVG, or larger than 32,768 pixels a side
 */
export async function renderSvg(svg: string): Promise<Image> {
  try {
    const sharp = await loadSharp();
    const image = sharp(new TextEncoder().encode(svg), {
      limitInputPixels: MAX_SIDE * MAX_SIDE,
      unlimited: true,
    });
    const flat = image
      .flatten({ background: "#fff" })
      .removeAlpha()
      .toColourspace("srgb")
      .raw({ depth: "uchar" });
    const { data, info } = await flat.toBuffer({ resolveWithObject: true });
    return toImage(data, info);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new NishikiError("usage", `Cannot render the SVG: ${reason}.`, {
      cause: error,
    });
  }
}

/** Draws an SVG text as a PNG file's bytes; see `renderSvg`. */
export async function renderSvgToPng(svg: string): Promise<Uint8Array> {
  return encodePng(await renderSvg(svg));
}

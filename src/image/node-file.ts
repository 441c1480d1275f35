// Pictures on disk (node): any common format in, PNG out, and SVG drawings as pictures.

import { readFile, stat } from "node:fs/promises";
import sharp from "sharp";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { checkPicture, MAX_SIDE, type Picture } from "./picture.js";
import { encodePng } from "./png.js";

/** How a picture file is read. */
export interface ReadPictureOptions {
  /** What shines through transparent pixels, [red, green, blue] in [0, 255]; white by default. */
  readonly background?: readonly [number, number, number];
  /** Keep transparency, as a fourth channel where the file has it. */
  readonly alpha?: boolean;
}

/** The formats that are read; everything else that the library knows (SVG, PDF, …) is refused. */
const formats = ["png", "jpeg", "webp", "gif", "tiff", "heif"];

/**
 * Reads a PNG, JPEG, WebP, GIF (first frame), TIFF or AVIF file as 8-bit sRGB, turned upright as its camera says.
 *
 * @throws NishikiError `file` where it cannot be read, is no such picture, or is damaged
 */
export async function readPicture(path: string, options: ReadPictureOptions = {}): Promise<Picture> {
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  if (!found.isFile()) {
    throw new NishikiError(
      "file",
      `Cannot read ${path}: it is ${found.isDirectory() ? "a folder" : "no plain file"}.`,
    );
  }
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  return decodePicture(bytes, options, path);
}

/** Reads a picture from the bytes of a file; see `readPicture`. `file` is what to call it in messages. */
export async function decodePicture(
  bytes: Uint8Array,
  { background = [255, 255, 255], alpha = false }: ReadPictureOptions = {},
  file = "The file",
): Promise<Picture> {
  try {
    const image = sharp(bytes, { failOn: "error", limitInputPixels: 2 ** 28 });
    const { format, hasAlpha } = await image.metadata();
    if (!format || !formats.includes(format)) {
      throw new NishikiError(
        "file",
        `${file} is ${format ? `a ${format} file` : "no picture"}; use PNG, JPEG, WebP, GIF, TIFF or AVIF.`,
      );
    }
    const [r, g, b] = background;
    const upright = image.rotate().toColourspace("srgb");
    const flat = alpha ? upright : upright.flatten({ background: { r, g, b } });
    const { data, info } = await (alpha && hasAlpha ? flat.ensureAlpha() : flat.removeAlpha())
      .raw({ depth: "uchar" })
      .toBuffer({
        resolveWithObject: true,
      });
    return toPicture(data, info);
  } catch (error) {
    if (error instanceof NishikiError) throw error;
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new NishikiError("file", `${file} cannot be read as a picture: ${reason}.`, { cause: error });
  }
}

function toPicture(
  data: Uint8Array,
  { width, height, channels }: { width: number; height: number; channels: number },
): Picture {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (channels === 3 || channels === 4) return { width, height, channels, data: bytes };
  throw new NishikiError("internal", `The picture library gave ${channels} channels.`);
}

/**
 * A picture in another size, without regard to its proportions, by Lanczos's filter: for pictures that a network reads.
 *
 * @throws NishikiError `shape` where the new size is none
 */
export async function scalePicture(picture: Picture, width: number, height: number): Promise<Picture> {
  checkPicture(picture);
  const raw = { width: picture.width, height: picture.height, channels: picture.channels };
  const { data, info } = await sharp(picture.data, { raw })
    .resize(width, height, { fit: "fill", kernel: "lanczos3" })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      const message = `A picture cannot be brought to ${width}x${height} pixels.`;
      throw new NishikiError("shape", message, { cause: error });
    });
  return toPicture(data, info);
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
  picture: Picture,
  { text, force = false }: WritePngOptions = {},
): Promise<void> {
  await writeFileAtomic(path, encodePng(picture, { text }), { overwrite: force });
}

/**
 * Draws an SVG text as an RGB picture, at its own size. Labels need a font on the machine; without one they are missing.
 *
 * @throws NishikiError `usage` where it is no SVG, or larger than 32,768 pixels a side
 */
export async function renderSvg(svg: string): Promise<Picture> {
  try {
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
    return toPicture(data, info);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new NishikiError("usage", `The drawing cannot be made into a picture: ${reason}.`, {
      cause: error,
    });
  }
}

/** Draws an SVG text as a PNG file's bytes; see `renderSvg`. */
export async function renderSvgToPng(svg: string): Promise<Uint8Array> {
  return encodePng(await renderSvg(svg));
}

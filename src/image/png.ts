// PNG in and out, the same in Node and browsers. A library decodes the pixels; what it leaves open is decided here: text
// in any language and where readers look for it, any kind of PNG as 8-bit RGB or RGBA, and clear refusals.
// W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025.

import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import { NishikiError } from "../errors.js";
import { checkImage, checkSize, type Image, MAX_PIXELS, MAX_SIDE } from "./image.js";
import { type Chunk, readChunks, readTexts, textChunk, unpack, writeChunks } from "./png-chunks.js";
import { pixelChunks } from "./png-pixels.js";

/** What a PNG file says of itself without its pixels. */
export interface PngInfo {
  readonly width: number;
  readonly height: number;
  /** Bits per sample. */
  readonly depth: number;
  readonly hasAlpha: boolean;
  /** Whether it has frames (APNG); the still image is the one that is read. */
  readonly isAnimated: boolean;
  /** Texts by keyword; of several with one keyword, the last. */
  readonly text: Readonly<Record<string, string>>;
  /** Sentences about texts that are damaged, or left out because they are too long. */
  readonly problems: readonly string[];
}

/** What a PNG file holds. */
export interface DecodedImage extends Image {
  /** Texts by keyword; of several with one keyword, the last. */
  readonly text: Readonly<Record<string, string>>;
}

/**
 * Writes an image as PNG. The same pixels and texts give the same bytes, on every machine.
 *
 * @param options.text texts by keyword, kept in this order, before the pixels
 * @throws NishikiError `shape` for an image that is none, `usage` for a text that PNG cannot hold
 */
export function encodePng(
  image: Image,
  options: { text?: Readonly<Record<string, string>> } = {},
): Uint8Array {
  checkImage(image);
  const texts = Object.entries(options.text ?? {}).map(([keyword, text]) => textChunk(keyword, text));
  const [header, ...rest] = pixelChunks(image);
  return writeChunks([header!, ...texts, ...rest]);
}

/** A PNG file with these texts added, before the pixels. @throws NishikiError `file`, `usage` */
export function addPngText(bytes: Uint8Array, text: Readonly<Record<string, string>>): Uint8Array {
  const [header, ...rest] = readChunks(bytes);
  const texts = Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
  return writeChunks([header!, ...texts, ...rest]);
}

/**
 * Reads a PNG of any kind (grey, palette, 16 bits, interlaced) as 8-bit RGB, or RGBA where it has transparency.
 *
 * @param options.maxPixels The most that are decoded, 67 million by default: a small file can declare thousands of millions.
 * @throws NishikiError `file` where it is no PNG, is truncated or damaged, or is larger than 32,768 pixels a side
 */
export function decodePng(
  bytes: Uint8Array,
  { maxPixels = MAX_PIXELS }: { readonly maxPixels?: number } = {},
): DecodedImage {
  const chunks = readChunks(bytes);
  const header = readHeader(chunks[0]);
  checkSize("This PNG picture", header, maxPixels);
  checkPixelData(header, chunks);
  const needed = chunks.filter(({ type }) => ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(type));
  let image: Image;
  try {
    image = toEightBits(decode(writeChunks(needed)), header);
  } catch (error) {
    if (error instanceof NishikiError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new NishikiError("file", `This PNG picture cannot be decoded: ${reason}.`, { cause: error });
  }
  return { ...image, text: readTexts(chunks).text };
}

/** The texts of a PNG file by keyword, without decoding its pixels. Throws `file` like `decodePng`. */
export function readPngText(bytes: Uint8Array): Readonly<Record<string, string>> {
  return readTexts(readChunks(bytes)).text;
}

/** What a PNG file says of itself, without decoding its pixels. Throws `file` like `decodePng`. */
export function inspectPng(bytes: Uint8Array): PngInfo {
  const chunks = readChunks(bytes);
  const { width, height, depth, samples } = readHeader(chunks[0]);
  const hasAlpha = samples === 2 || samples === 4 || chunks.some(({ type }) => type === "tRNS");
  const isAnimated = chunks.some(({ type }) => type === "acTL");
  return { width, height, depth, hasAlpha, isAnimated, ...readTexts(chunks) };
}

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly samples: number;
  readonly hasPalette: boolean;
  readonly interlaced: boolean;
}

function refuse(reason: string): never {
  throw new NishikiError("file", `This PNG picture cannot be read: ${reason}.`);
}

/** Samples per pixel and allowed bits per sample, by colour type (specification, table 8). */
const colourTypes: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

function readHeader(chunk: Chunk | undefined): PngHeader {
  if (chunk?.type !== "IHDR" || chunk.data.length !== 13) return refuse("it does not begin with its header");
  const view = new DataView(chunk.data.buffer, chunk.data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = [...chunk.data.subarray(8)];
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) {
    refuse(`it is ${width}x${height} pixels, and 1 to ${MAX_SIDE} a side are supported`);
  }
  const type = colourTypes[colour!];
  if (!type?.depths.includes(depth!))
    return refuse(`it has colour type ${colour} with ${depth} bits, which there is not`);
  if (compression !== 0 || filter !== 0 || interlace! > 1)
    refuse("it uses a method that the PNG standard does not have");
  if (interlace === 1 && depth! < 8)
    refuse("it is interlaced with less than 8 bits, which is not supported: save it anew");
  return {
    width,
    height,
    depth: depth!,
    samples: type.samples,
    hasPalette: colour === 3,
    interlaced: interlace === 1,
  };
}

/** Bytes of the unpacked rows, each with its filter byte; seven small images where interlaced (section 8.1). */
function unpackedSize({ width, height, depth, samples, interlaced }: PngHeader): number {
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  let size = 0;
  for (const [x, y, xStep, yStep] of interlaced ? passes : ([[0, 0, 1, 1]] as const)) {
    const columns = Math.ceil((width - x) / xStep);
    const rows = Math.ceil((height - y) / yStep);
    if (columns > 0 && rows > 0) size += rows * (1 + Math.ceil((columns * depth * samples) / 8));
  }
  return size;
}

// The library takes missing pixels for black and any number of surplus ones; both are damage. Unpacking once more to
// count is cheap beside decoding, and a bomb is stopped at the size that its header declares.
function checkPixelData(header: PngHeader, chunks: readonly Chunk[]): void {
  const expected = unpackedSize(header);
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  const packedSize = packed.reduce((sum, { length }) => sum + length, 0);
  const wrong = "its pixels do not fill its size: the file is damaged";
  if (expected > packedSize * 1032) refuse(wrong); // 1032: the most that deflate can gain
  try {
    if (unpack(packed, expected) !== expected) refuse(wrong);
  } catch (error) {
    if (error instanceof RangeError) refuse(wrong);
    if (error instanceof NishikiError) throw error;
    throw new NishikiError("file", "This PNG picture cannot be read: its pixel data is damaged.", {
      cause: error,
    });
  }
}

function toEightBits(decoded: DecodedPng, header: PngHeader): Image {
  const { width, height } = header;
  if (header.hasPalette) {
    const channels = decoded.palette?.[0]?.length === 4 ? 4 : 3;
    return { width, height, channels, data: convertIndexedToRgb(decoded) };
  }
  const { depth, samples } = header;
  const values = depth < 8 ? unpackBits(decoded.data, header) : decoded.data;
  const key = decoded.transparency;
  const isGrey = samples < 3;
  const channels = samples === 2 || samples === 4 || key ? 4 : 3;
  if (depth === 8 && samples === channels) return { width, height, channels, data: values as Uint8Array };
  const scale = 255 / (2 ** depth - 1);
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * samples;
    const to = pixel * channels;
    for (let c = 0; c < 3; c++) data[to + c] = Math.round(values[from + (isGrey ? 0 : c)]! * scale);
    if (channels === 3) continue;
    if (key) data[to + 3] = key.every((value, c) => values[from + c] === value) ? 0 : 255;
    else data[to + 3] = Math.round(values[from + samples - 1]! * scale);
  }
  return { width, height, channels, data };
}

/** One number per pixel from rows of 1, 2 or 4 bits each, which begin on whole bytes. */
function unpackBits(packed: ArrayLike<number>, { width, height, depth }: PngHeader): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = packed[y * rowBytes + (bit >> 3)]!;
      values[y * width + x] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return values;
}

// The chunks of a PNG file, and the text inside them: W3C, "Portable Network Graphics (PNG) Specification (Third
// Edition)", 2025, sections 5 (chunk layout) and 11.3.3 (tEXt, zTXt, iTXt).
// Pixels are the PNG library's business; it writes only Latin-1 text, after the pixels, where many readers never look.

import { Unzlib } from "fflate";
import { NishikiError } from "../errors.js";

/** One chunk: its four-letter type and its content. */
export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 of ISO 3309, as PNG and gzip use it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function refuse(reason: string): never {
  throw new NishikiError("file", `This is not a PNG picture that can be read: ${reason}.`);
}

/**
 * Splits a file into chunks and checks their lengths and checksums.
 *
 * @throws NishikiError `file` where it is no PNG, is truncated, or has a wrong checksum
 */
export function readChunks(bytes: Uint8Array): Chunk[] {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte))
    refuse(bytes.length === 0 ? "it is empty" : "it does not begin like one");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  let offset = SIGNATURE.length;
  while (chunks.at(-1)?.type !== "IEND") {
    if (offset + 12 > bytes.length)
      refuse(`it ends at byte ${bytes.length}, before its last chunk: it is truncated`);
    const length = view.getUint32(offset);
    const type = latin1(bytes.subarray(offset + 4, offset + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) refuse(`at byte ${offset} there is no chunk`);
    if (length > bytes.length - offset - 12)
      refuse(`its chunk ${type} at byte ${offset} goes beyond the end: it is truncated`);
    const end = offset + 8 + length;
    if (view.getUint32(end) !== crc32(bytes.subarray(offset + 4, end))) {
      refuse(`the checksum of its chunk ${type} at byte ${offset} is wrong: the file is damaged`);
    }
    chunks.push({ type, data: bytes.subarray(offset + 8, end) });
    offset = end + 4;
  }
  return chunks;
}

/** Joins chunks to a file. */
export function writeChunks(chunks: readonly Chunk[]): Uint8Array {
  const size = chunks.reduce((sum, { data }) => sum + data.length + 12, SIGNATURE.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(SIGNATURE);
  let offset = SIGNATURE.length;
  for (const { type, data } of chunks) {
    view.setUint32(offset, data.length);
    for (let i = 0; i < 4; i++) bytes[offset + 4 + i] = type.charCodeAt(i);
    bytes.set(data, offset + 8);
    const end = offset + 8 + data.length;
    view.setUint32(end, crc32(bytes.subarray(offset + 4, end)));
    offset = end + 4;
  }
  return bytes;
}

// TextDecoder's "latin1" is in truth windows-1252, which differs from it in 32 characters.
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * The chunk that holds a text: `tEXt` where it is plain Latin-1, `iTXt` (UTF-8) where it is not.
 *
 * @param keyword 1 to 79 printable Latin-1 characters, without spaces at the ends or doubled
 * @throws NishikiError `usage` where the keyword or the text is one that PNG cannot hold
 */
export function textChunk(keyword: string, text: string): Chunk {
  if (
    !/^[\x21-\x7e\xa1-\xff]([\x20-\x7e\xa1-\xff]{0,77}[\x21-\x7e\xa1-\xff])?$/.test(keyword) ||
    keyword.includes("  ")
  ) {
    throw new NishikiError(
      "usage",
      `${JSON.stringify(keyword)} cannot name a text in a PNG: use 1 to 79 Latin-1 characters without spaces at the ends.`,
    );
  }
  if (text.includes("\0") || /\p{Surrogate}/u.test(text)) {
    throw new NishikiError(
      "usage",
      `The text "${keyword}" cannot be stored in a PNG: it holds NUL or half a character.`,
    );
  }
  if (/^[\n\x20-\x7e\xa0-\xff]*$/.test(text))
    return { type: "tEXt", data: fromLatin1(`${keyword}\0${text}`) };
  const head = fromLatin1(`${keyword}\0\0\0\0\0`); // not compressed, no language, no translated keyword
  const body = new TextEncoder().encode(text);
  const data = new Uint8Array(head.length + body.length);
  data.set(head);
  data.set(body, head.length);
  return { type: "iTXt", data };
}

/** Reads the text of a `tEXt`, `zTXt` or `iTXt` chunk, or undefined for another chunk or one that is malformed. */
export function readText({ type, data }: Chunk): { keyword: string; text: string } | undefined {
  if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") return undefined;
  const nul = data.indexOf(0);
  if (nul < 1) return undefined;
  const keyword = latin1(data.subarray(0, nul));
  const rest = data.subarray(nul + 1);
  try {
    if (type === "tEXt") return { keyword, text: latin1(rest) };
    if (type === "zTXt") return { keyword, text: latin1(inflate(rest.subarray(1))) };
    const languageEnd = rest.indexOf(0, 2);
    const body = rest.subarray(rest.indexOf(0, languageEnd + 1) + 1);
    return {
      keyword,
      text: new TextDecoder("utf-8", { fatal: true }).decode(rest[0] === 1 ? inflate(body) : body),
    };
  } catch {
    return undefined; // text is not what a picture stands or falls with
  }
}

/** The longest compressed text that is unpacked: prompts and workflows are far below it, bombs are not. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

function inflate(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  const whole = new Uint8Array(unpack([bytes], MAX_TEXT_BYTES, (piece) => pieces.push(piece)));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/**
 * Unpacks deflated bytes piece by piece, so that a bomb is noticed before it takes the memory.
 *
 * @returns how many bytes it was
 * @throws RangeError where it is more than `limit`; any other Error where the data is damaged or incomplete
 */
export function unpack(
  packed: readonly Uint8Array[],
  limit: number,
  take?: (piece: Uint8Array) => void,
): number {
  let size = 0;
  const stream = new Unzlib((piece) => {
    size += piece.length;
    if (size > limit) throw new RangeError(`more than ${limit} bytes`);
    take?.(piece);
  });
  for (const bytes of packed) stream.push(bytes);
  stream.push(new Uint8Array(0), true);
  return size;
}

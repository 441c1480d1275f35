// The chunks of a PNG file, and the text inside them: W3C, "Portable Network Graphics (PNG) Specification (Third
// Edition)", 2025, sections 5 (chunk layout) and 11.3.3 (tEXt, zTXt, iTXt).
// Pixels are the PNG library's business; it writes only Latin-1 text, after the pixels, where many readers never look.

import { Unzlib } from "fflate";
import { NishikiError, quote } from "../errors.js";

/** One chunk: its four-letter type and its content. */
export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Its checksum is wrong, which is borne in texts only. */
  readonly isDamaged?: true;
}

/** Chunks that an image can do without: a wrong checksum there is no reason to refuse it. */
const textTypes = ["tEXt", "zTXt", "iTXt"];

/** More chunks than any program writes; each takes memory of its own. */
const MAX_CHUNKS = 2 ** 18;

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
  throw new NishikiError("file", `This is not a readable PNG file: ${reason}.`);
}

/**
 * Splits a file into chunks and checks their lengths and checksums; a text with a wrong one is marked.
 *
 * @throws NishikiError `file` where it is no PNG, is truncated, or has a wrong checksum outside of its texts
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
    const isDamaged = view.getUint32(end) !== crc32(bytes.subarray(offset + 4, end));
    if (isDamaged && !textTypes.includes(type))
      refuse(`the checksum of its chunk ${type} at byte ${offset} is wrong: the file is damaged`);
    if (chunks.length === MAX_CHUNKS) refuse(`it has more than ${MAX_CHUNKS} chunks`);
    chunks.push({ type, data: bytes.subarray(offset + 8, end), ...(isDamaged && { isDamaged }) });
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
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192)
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return pieces.join("");
}

/** A text as UTF-8, or undefined where it is not. */
function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * What a `tEXt` or `zTXt` chunk says. The standard has Latin-1 there; other programs write UTF-8, which hardly any text in
 * Latin-1 happens to be.
 */
function fromTextBytes(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? latin1(bytes);
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * The chunk that holds a text: `tEXt` where it is plain Latin-1 that no reader takes for UTF-8, else `iTXt` (UTF-8).
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
  if (/^[\n\x20-\x7e\xa0-\xff]*$/.test(text) && fromTextBytes(fromLatin1(text)) === text)
    return { type: "tEXt", data: fromLatin1(`${keyword}\0${text}`) };
  const head = fromLatin1(`${keyword}\0\0\0\0\0`); // not compressed, no language, no translated keyword
  const body = new TextEncoder().encode(text);
  const data = new Uint8Array(head.length + body.length);
  data.set(head);
  data.set(body, head.length);
  return { type: "iTXt", data };
}

/** Deflated bytes that are unpacked at once; they become a thousand times as many at most. */
const MAX_PUSH = 2048;

/** Compressed texts that are found too long before the rest of them is left unread: each takes time. */
const MAX_BOMBS = 8;

/** Bytes of all texts of one file, unpacked: prompts and workflows are far below it, bombs are not. */
export const MAX_TEXT_BYTES = 16 * 2 ** 20;

/** The texts of a file by keyword, and what is wrong with those that are left out or doubtful. */
export interface PngTexts {
  /** Of several with one keyword, the last. */
  readonly text: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/** Reads the texts of a file's chunks, as far as they are within the limit of all texts together. */
export function readTexts(chunks: readonly Chunk[]): PngTexts {
  const texts = new Map<string, string>();
  const problems: string[] = [];
  let left = MAX_TEXT_BYTES;
  let bombs = 0;
  for (const chunk of chunks.filter(({ type }) => textTypes.includes(type))) {
    const nul = chunk.data.subarray(0, 80).indexOf(0);
    const keyword = nul < 1 ? undefined : latin1(chunk.data.subarray(0, nul));
    const name = quote(keyword ?? chunk.type);
    try {
      if (keyword === undefined) throw new Error("no keyword");
      if (bombs === MAX_BOMBS && chunk.type !== "tEXt") throw new RangeError("not tried");
      const { text, size } = readText(chunk.type, chunk.data.subarray(nul + 1), left);
      left -= size;
      texts.set(keyword, text);
      if (chunk.isDamaged) problems.push(`The checksum of the text ${name} is wrong: it may be damaged.`);
    } catch (error) {
      // Text is not what an image stands or falls with.
      const limit = `it goes beyond ${MAX_TEXT_BYTES / 2 ** 20} MiB for all texts`;
      const isTooLong = error instanceof RangeError;
      if (isTooLong && chunk.type !== "tEXt") bombs = Math.min(MAX_BOMBS, bombs + 1);
      const reason = isTooLong ? limit : "it is damaged";
      problems.push(`The text ${name} was not read: ${reason}.`);
    }
  }
  return { text: Object.fromEntries(texts), problems: summarize(problems) };
}

const summarize = (problems: readonly string[]) =>
  problems.length <= 5
    ? problems
    : [...problems.slice(0, 4), `${problems.length - 4} more texts are doubtful.`];

/** The text behind a keyword. Throws RangeError beyond `limit` bytes, Error where it is damaged. */
function readText(type: string, rest: Uint8Array, limit: number): { text: string; size: number } {
  if (type === "tEXt") {
    if (rest.length > limit) throw new RangeError("too long");
    return { text: fromTextBytes(rest), size: rest.length };
  }
  if (type === "zTXt") {
    const bytes = inflate(rest.subarray(1), limit);
    return { text: fromTextBytes(bytes), size: bytes.length };
  }
  const languageEnd = rest.indexOf(0, 2);
  const body = rest.subarray(rest.indexOf(0, languageEnd + 1) + 1);
  if (rest[0] !== 1 && body.length > limit) throw new RangeError("too long");
  const bytes = rest[0] === 1 ? inflate(body, limit) : body;
  return {
    text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    size: bytes.length,
  };
}

function inflate(bytes: Uint8Array, limit: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const whole = new Uint8Array(unpack([bytes], limit, (piece) => pieces.push(piece)));
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
  // The library unpacks whatever it is given in one go, so it is given little: at most 2 MiB come of a push.
  for (const bytes of packed)
    for (let at = 0; at < bytes.length; at += MAX_PUSH) stream.push(bytes.subarray(at, at + MAX_PUSH));
  stream.push(new Uint8Array(0), true);
  return size;
}

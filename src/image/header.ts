// What PNG, JPEG and WebP files say of themselves, read from their headers alone, anywhere: for programs that must know an
// image's size before anything decodes it. ITU-T T.81 (1992), annex B (JPEG markers); Google, "WebP Container
// Specification" and RFC 9649 (WebP).
import { NishikiError } from "../errors.js";
import { readExifText } from "./exif.js";
import { getImageFormat } from "./format.js";
import { inspectPng } from "./png.js";
import { xmpKeyword } from "./xmp.js";

/** The formats whose headers are read. */
export type HeaderFormat = "png" | "jpeg" | "webp";

export interface ImageHeader {
  readonly format: HeaderFormat;
  /** Size in pixels, upright: as it is shown. */
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  readonly isAnimated: boolean;
  /** Texts by keyword: of PNG its own, of the others those of their EXIF data, and XMP data whole as PNG has it. */
  readonly text: Readonly<Record<string, string>>;
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function refuse(format: string, reason: string): never {
  throw new NishikiError("file", `This ${format} file cannot be read: ${reason}.`);
}

/**
 * Reads the header of a PNG, JPEG or WebP file. Pixels are not looked at: whether they can be decoded is not known then.
 *
 * @returns undefined for any other format
 * @throws NishikiError "file" if the file is damaged
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const format = getImageFormat(bytes)?.name;
  if (format === "PNG") return readPng(bytes);
  if (format === "JPEG") return readJpeg(bytes);
  if (format === "WebP") return readWebp(bytes);
  return undefined;
}

function readPng(bytes: Uint8Array): ImageHeader {
  const { width, height, hasAlpha, isAnimated, text } = inspectPng(bytes);
  return { format: "png", width, height, hasAlpha, isAnimated, text };
}

/** Markers without a length: TEM, and RST0 to SOI. */
const isBare = (marker: number) => marker === 1 || (marker >= 0xd0 && marker <= 0xd8);
/** Frame headers: SOF0 to SOF15, except the tables and extensions among them (table B.1). */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function readJpeg(bytes: Uint8Array): ImageHeader {
  const view = viewOf(bytes);
  const meta: Metadata = {};
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return refuse("JPEG", `at byte ${at} there is no marker`);
    const marker = bytes[at + 1]!;
    if (marker === 0xff || isBare(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    const content = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || at + 2 + length > bytes.length) return refuse("JPEG", "it is truncated");
    if (isFrame(marker) && length >= 8)
      return finishJpeg(view.getUint16(at + 7), view.getUint16(at + 5), meta);
    if (marker === 0xda || marker === 0xd9) break;
    if (marker === 0xe1) takeSegment(content, meta);
    at += 2 + length;
  }
  return refuse("JPEG", "it has no header with its size");
}

interface Metadata {
  exif?: Uint8Array;
  xmp?: string;
}

const xmpName = "http://ns.adobe.com/xap/1.0/\0";

function takeSegment(content: Uint8Array, meta: Metadata): void {
  const start = latin1(content.subarray(0, xmpName.length));
  if (start.startsWith("Exif\0\0")) meta.exif ??= content.subarray(6);
  else if (start === xmpName) meta.xmp ??= new TextDecoder().decode(content.subarray(xmpName.length));
}

function readTexts({ exif, xmp }: Metadata): Readonly<Record<string, string>> {
  return { ...(exif && readExifText(exif)), ...(xmp !== undefined && { [xmpKeyword]: xmp }) };
}

function finishJpeg(width: number, height: number, meta: Metadata): ImageHeader {
  if (width === 0 || height === 0) return refuse("JPEG", "its header gives no size");
  // Orientations from 5 on lie on their side (EXIF, tag 274).
  const isTurned = meta.exif !== undefined && getOrientation(meta.exif) >= 5;
  const size = isTurned ? { width: height, height: width } : { width, height };
  return { format: "jpeg", ...size, hasAlpha: false, isAnimated: false, text: readTexts(meta) };
}

/** The orientation that EXIF data gives: 1, upright, if it gives none. */
function getOrientation(exif: Uint8Array): number {
  const isLittle = latin1(exif.subarray(0, 2)) === "II";
  const view = viewOf(exif);
  if (exif.length < 8) return 1;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > exif.length) return 1;
  const count = Math.min(512, view.getUint16(start, isLittle));
  for (let at = start + 2; at < start + 2 + 12 * count && at + 12 <= exif.length; at += 12)
    if (view.getUint16(at, isLittle) === 274) return view.getUint16(at + 8, isLittle);
  return 1;
}

function readWebp(bytes: Uint8Array): ImageHeader {
  const view = viewOf(bytes);
  const meta: Metadata = {};
  let size: { width: number; height: number; hasAlpha: boolean } | undefined;
  let isAnimated = false;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = latin1(bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length < length && type !== "VP8 " && type !== "VP8L")
      return refuse("WebP", "it is truncated");
    if (type.startsWith("VP8")) size ??= readWebpSize(type, content);
    if (type === "VP8X") isAnimated = (content[0]! & 2) !== 0;
    if (type === "EXIF") meta.exif = content;
    if (type === "XMP ") meta.xmp = new TextDecoder().decode(content);
    at += 8 + length + (length % 2);
  }
  if (!size) return refuse("WebP", "it has no header with its size");
  const isTurned = meta.exif !== undefined && getOrientation(skipExifName(meta.exif)) >= 5;
  const { width, height, hasAlpha } = size;
  const upright = isTurned ? { width: height, height: width } : { width, height };
  return { format: "webp", ...upright, hasAlpha, isAnimated, text: readTexts(meta) };
}

/** Some programs write the name that JPEG files have before their EXIF data. */
const skipExifName = (exif: Uint8Array) =>
  latin1(exif.subarray(0, 6)) === "Exif\0\0" ? exif.subarray(6) : exif;

function readWebpSize(type: string, data: Uint8Array) {
  const view = viewOf(data);
  if (type === "VP8X" && data.length >= 10) {
    const side = (at: number) => 1 + (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16));
    return { width: side(4), height: side(7), hasAlpha: (data[0]! & 16) !== 0 };
  }
  if (type === "VP8L" && data.length >= 5 && data[0] === 0x2f) {
    const bits = view.getUint32(1, true);
    const hasAlpha = ((bits >>> 28) & 1) === 1;
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff), hasAlpha };
  }
  if (type === "VP8 " && data.length >= 10 && data[3] === 0x9d && data[4] === 0x01 && data[5] === 0x2a)
    return {
      width: view.getUint16(6, true) & 0x3fff,
      height: view.getUint16(8, true) & 0x3fff,
      hasAlpha: false,
    };
  return undefined;
}

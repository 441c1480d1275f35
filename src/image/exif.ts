// The texts in an image's EXIF data, where JPEG, WebP and AVIF files keep what PNG keeps in text chunks.
// CIPA DC-008-2023, "Exchangeable image file format (Exif) 3.0", sections 4.5.2 (directories) and 4.6.6.4 (UserComment).

/** Tags that programs write texts into. */
const textTags: Readonly<Record<number, string>> = {
  270: "ImageDescription",
  271: "Make",
  272: "Model",
  305: "Software",
  37500: "MakerNote",
  37510: "UserComment",
};

const EXIF_DIRECTORY = 0x8769;

/** Entries of one directory that are looked at: real files have some dozens. */
const MAX_ENTRIES = 512;

/** Bytes of a text that is read. */
const MAX_TEXT_BYTES = 4 * 2 ** 20;

/** Bytes per value by type (section 4.6.2). */
const typeSizes: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 129: 1 };

function decodeText(bytes: Uint8Array): string {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  try {
    return utf8.decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

/** UTF-16 in the order that gives plain text: the standard leaves it open, and programs write either. */
function decodeUtf16(bytes: Uint8Array, isLittle: boolean): string {
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  if (even[0] === 0xff && even[1] === 0xfe) return new TextDecoder("utf-16le").decode(even);
  if (even[0] === 0xfe && even[1] === 0xff) return new TextDecoder("utf-16be").decode(even);
  let zerosFirst = 0;
  let zerosSecond = 0;
  for (let i = 0; i < even.length; i += 2) {
    if (even[i] === 0) zerosFirst++;
    if (even[i + 1] === 0) zerosSecond++;
  }
  const little = zerosFirst === zerosSecond ? isLittle : zerosSecond > zerosFirst;
  return new TextDecoder(little ? "utf-16le" : "utf-16be").decode(even);
}

/** A comment begins with eight bytes that name its characters (section 4.6.6.4, table 9). */
function decodeComment(bytes: Uint8Array, isLittle: boolean): string {
  const code = String.fromCharCode(...bytes.subarray(0, 8));
  const body = bytes.subarray(8);
  if (code.startsWith("UNICODE")) return decodeUtf16(body, isLittle);
  if (/^(?:ASCII|JIS|\0{8})/.test(code)) return decodeText(body);
  return decodeText(bytes);
}

/**
 * The texts of EXIF data by the tags' names, without zeros at their ends. What is damaged is left out.
 *
 * @param exif From its byte order mark on, or with "Exif\0\0" before it.
 */
export function readExifText(exif: Uint8Array): Record<string, string> {
  const start = String.fromCharCode(...exif.subarray(0, 6)) === "Exif\0\0" ? 6 : 0;
  const bytes = exif.subarray(start);
  const order = String.fromCharCode(...bytes.subarray(0, 2));
  if (bytes.length < 8 || (order !== "II" && order !== "MM")) return {};
  const isLittle = order === "II";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: Record<string, string> = {};
  const directories = [view.getUint32(4, isLittle)];
  // Two directories at most: the first, and the one of its own that it names.
  for (const [depth, at] of directories.entries()) {
    if (depth > 1 || at + 2 > bytes.length) break;
    const count = Math.min(MAX_ENTRIES, view.getUint16(at, isLittle));
    for (let entry = at + 2; entry < at + 2 + 12 * count && entry + 12 <= bytes.length; entry += 12) {
      const tag = view.getUint16(entry, isLittle);
      if (tag === EXIF_DIRECTORY) directories.push(view.getUint32(entry + 8, isLittle));
      const name = textTags[tag];
      const length =
        (typeSizes[view.getUint16(entry + 2, isLittle)] ?? 0) * view.getUint32(entry + 4, isLittle);
      if (!name || length === 0 || length > MAX_TEXT_BYTES) continue;
      const from = length <= 4 ? entry + 8 : view.getUint32(entry + 8, isLittle);
      if (from + length > bytes.length) continue;
      const value = bytes.subarray(from, from + length);
      const text = tag === 0x9286 ? decodeComment(value, isLittle) : decodeText(value);
      texts[name] = text.replace(/\0+$/, "");
    }
  }
  return texts;
}

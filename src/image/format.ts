// biome-ignore-all lint/suspicious/noControlCharactersInRegex: signatures hold such characters.

// What kind of image a file's first bytes say it is, so that what is not read is refused by its name. Signatures: the
// formats' own specifications; ISO/IEC 14496-12:2022, section 4.3 (brands of HEIC and AVIF files).

/** How many bytes at a file's beginning decide. */
export const FORMAT_BYTES = 64;

/** Formats that are read, as messages list them. */
export const readableFormats = "PNG, JPEG, WebP, GIF, TIFF or AVIF";

export interface ImageFormat {
  /** As people write it: "JPEG". */
  readonly name: string;
  readonly isRead: boolean;
}

/** "a JPEG", "an AVIF": a format's name behind its article. */
export const withArticle = (name: string) =>
  `${/^(?:AVIF|SVG|MP4|OpenEXR|icon)/.test(name) ? "an" : "a"} ${name}`;

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** Signatures at a file's beginning, as Latin-1. The first that matches decides. */
const signatures: readonly (readonly [pattern: RegExp, name: string, isRead: boolean])[] = [
  [/^\x89PNG/, "PNG", true],
  [/^\xff\xd8\xff/, "JPEG", true],
  [/^RIFF[\s\S]{4}WEBP/, "WebP", true],
  [/^GIF8[79]a/, "GIF", true],
  // Second version, the one for files over 4 GiB, included.
  [/^(?:II[\x2a\x2b]\0|MM\0[\x2a\x2b])/, "TIFF", true],
  [/^(?:\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n)/, "JPEG XL", false],
  [/^(?:\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51)/, "JPEG 2000", false],
  [/^BM[\s\S]{4}\0\0\0\0/, "BMP", false],
  [/^\0\0[\x01\x02]\0[\s\S]\0/, "icon (ICO)", false],
  [/^8BPS\0[\x01\x02]/, "Photoshop (PSD)", false],
  [/^gimp xcf/, "GIMP (XCF)", false],
  [/^\x76\x2f\x31\x01/, "OpenEXR", false],
  [/^#\?R(?:ADIANCE|GBE)/, "Radiance HDR", false],
  [/^DDS /, "DDS", false],
  [/^qoif/, "QOI", false],
  [/^P[1-7][\s#]/, "PNM", false],
  [/^%PDF-/, "PDF", false],
  [/^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<svg[\s>]/, "SVG", false],
  [/^\x1a\x45\xdf\xa3/, "WebM or Matroska video", false],
];

/** Brands of the box that HEIC, AVIF and films begin with; the more special ones first. */
const brands: readonly (readonly [pattern: RegExp, name: string, isRead: boolean])[] = [
  [/^avi[fs]$/, "AVIF", true],
  [/^(?:hei[cxms]|hev[cxms])$/, "HEIC", false],
  [/^(?:jp2 |jpx )$/, "JPEG 2000", false],
  [/^crx $/, "Canon raw (CR3)", false],
  [/^(?:mif1|msf1|miaf)$/, "HEIF", false],
  [/^(?:isom|iso\d|mp4\d|M4V |qt {2}|3gp\d|dash)$/, "MP4 or QuickTime video", false],
];

function formatByBrand(bytes: Uint8Array, text: string): ImageFormat | undefined {
  if (text.slice(4, 8) !== "ftyp") return undefined;
  const end = Math.min(bytes.length, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  const own: string[] = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end && at + 4 <= text.length; at += 4) own.push(text.slice(at, at + 4));
  // The brand that stands first is what the file is; the rest only say who else can read it.
  for (const [pattern, name, isRead] of brands.slice(0, 4))
    if (pattern.test(own[0]!)) return { name, isRead };
  for (const [pattern, name, isRead] of brands)
    if (own.some((brand) => pattern.test(brand))) return { name, isRead };
  return undefined;
}

/** The format that a file's first bytes tell; undefined where they tell of no image. */
export function getImageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const text = latin1(bytes.subarray(0, FORMAT_BYTES));
  for (const [pattern, name, isRead] of signatures) if (pattern.test(text)) return { name, isRead };
  return formatByBrand(bytes, text);
}

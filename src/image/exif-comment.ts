// Writes a text into JPEG and WebP files as EXIF's user comment, where other programs look for an image's settings. The image
// library writes it too, but replaces all characters beyond ASCII.
// CIPA DC-008-2023, "Exchangeable image file format (Exif) 3.0", sections 4.5.2 and 4.6.6.4; Google, "WebP Container
// Specification", "Extended File Format".

/** A JPEG segment holds no more (its length has 16 bits). */
const MAX_SEGMENT = 65_533;

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** EXIF data, big-endian, with one directory that leads to another, which holds the comment in UTF-16. */
function makeExif(comment: string): Uint8Array {
  const text = 44;
  const bytes = new Uint8Array(text + 8 + 2 * comment.length);
  const view = new DataView(bytes.buffer);
  const directory = (at: number, tag: number, type: number, count: number, value: number) => {
    view.setUint16(at, 1);
    view.setUint16(at + 2, tag);
    view.setUint16(at + 4, type);
    view.setUint32(at + 6, count);
    view.setUint32(at + 10, value);
  };
  bytes.set(latin1("MM\0*"));
  view.setUint32(4, 8);
  directory(8, 0x8769, 4, 1, 26);
  directory(26, 0x9286, 7, bytes.length - text, text);
  bytes.set(latin1("UNICODE\0"), text);
  for (let i = 0; i < comment.length; i++) view.setUint16(text + 8 + 2 * i, comment.charCodeAt(i));
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Adds a comment to a JPEG file without EXIF data. A comment that is too long for the format is left out. */
export function addJpegComment(jpeg: Uint8Array, comment: string): Uint8Array {
  const data = join(latin1("Exif\0\0"), makeExif(comment));
  if (data.length > MAX_SEGMENT) return jpeg;
  const head = new Uint8Array([0xff, 0xe1, 0, 0]);
  new DataView(head.buffer).setUint16(2, data.length + 2);
  return join(jpeg.subarray(0, 2), head, data, jpeg.subarray(2));
}

/** A chunk of a RIFF file: its length is little-endian, and the next one begins at an even place. */
function makeChunk(name: string, data: Uint8Array): Uint8Array {
  const head = latin1(`${name}\0\0\0\0`);
  new DataView(head.buffer).setUint32(4, data.length, true);
  return join(head, data, new Uint8Array(data.length % 2));
}

/** Adds a comment to a WebP file without EXIF data. */
export function addWebpComment(
  webp: Uint8Array,
  comment: string,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const hasHeader = String.fromCharCode(...webp.subarray(12, 16)) === "VP8X";
  const header = hasHeader ? webp.slice(12, 30) : makeChunk("VP8X", new Uint8Array(10));
  const view = new DataView(header.buffer);
  header[8]! |= 0x08;
  if (!hasHeader) {
    view.setUint16(12, (width - 1) & 0xffff, true);
    header[14] = (width - 1) >> 16;
    view.setUint16(15, (height - 1) & 0xffff, true);
    header[17] = (height - 1) >> 16;
  }
  const chunks = join(header, webp.subarray(hasHeader ? 30 : 12), makeChunk("EXIF", makeExif(comment)));
  return makeChunk("RIFF", join(latin1("WEBP"), chunks));
}

// Captions from bytes: UTF-8, or UTF-16 where a byte order mark says so. Anything else is refused, because a
// model would learn from the wrong letters.

/**
 * A caption's or caption list's text, without byte order mark. Throws an Error whose message is the reason.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`is no ${encoding.toUpperCase()} text: save it as UTF-8`);
  }
  // UTF-16 without a mark passes for UTF-8 with a NUL in every other place.
  if (text.includes("\0")) throw new Error("holds NUL characters: save it as UTF-8");
  if (text.includes("\ufffd"))
    throw new Error("holds characters that were lost in an earlier conversion (U+FFFD)");
  return text;
}

/** A text on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

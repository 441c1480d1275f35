// Decodes captions: UTF-8, or UTF-16 with a byte order mark. Refuses anything else, because a model would
// learn wrong letters.

/**
 * Decodes a caption or a list of captions, without byte order mark. Throws an Error whose message is the
 * reason.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`is not ${encoding.toUpperCase()} text: save it as UTF-8`);
  }
  // UTF-16 without a mark looks like UTF-8 with NUL as every other character.
  if (text.includes("\0")) throw new Error("holds NUL characters: save it as UTF-8");
  if (text.includes("\ufffd"))
    throw new Error("holds characters that an earlier conversion destroyed (U+FFFD): type them again");
  return text;
}

/** Joins a text's lines. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

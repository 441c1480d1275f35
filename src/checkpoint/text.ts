// Text files from other systems.

/** Removes the byte order mark that some editors write first. Lines may still end in CRLF. */
export function withoutBom(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

// Text files that came from other systems.

/** The text without the byte order mark that some editors put first. Lines may end in CRLF all the same. */
export function withoutBom(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

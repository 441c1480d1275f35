// Reads the small subset of JSON (RFC 8259) that a safetensors header may hold: objects of strings, and arrays of
// unsigned integers. JSON.parse will not do: it hides duplicate keys, rounds large integers, and builds whatever deep or
// wide structure a hostile file asks for before anybody can look at it.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// ignoreBOM keeps a byte order mark as a character, where JSON refuses it, instead of swallowing it.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Walks over the bytes of a header; every method that finds something else than it wants calls `fail`. */
export interface HeaderScanner {
  /** Consumes white space and the character, which must come next. */
  expect(character: string): void;
  /** Consumes white space, and the character if it comes next; says whether it did. */
  accept(character: string): boolean;
  /** Reads a JSON string. */
  string(what: string): string;
  /** Reads an integer in [0, 2^53 - 1], written in plain digits. */
  unsigned(what: string): number;
  /** Reads `[n, n, …]` with at most `limit` integers, so that the array cannot outgrow what it describes. */
  unsignedList(what: string, limit: number): number[];
  /** Reads `{"key": …, …}`, calling `member` with each key, after which the value must be consumed. */
  object(what: string, member: (key: string) => void): void;
  /** Fails unless only white space is left. */
  end(): void;
}

/** Text from a file for use in a message: quoted, on one line, and not longer than a line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** Makes a scanner over `bytes`; `fail` gets the reason and must throw. */
export function scanHeader(bytes: Uint8Array, fail: (reason: string) => never): HeaderScanner {
  let position = 0;

  function found(): string {
    const byte = bytes[position];
    if (byte === undefined) return "the end of the header";
    return byte > 0x20 && byte < 0x7f
      ? `"${String.fromCharCode(byte)}"`
      : `byte 0x${byte.toString(16).padStart(2, "0")}`;
  }

  function wrong(expected: string): never {
    return fail(
      `the header is not valid JSON for this format: expected ${expected} at byte ${8 + position}, found ${found()}`,
    );
  }

  function skipSpace(): void {
    for (;;) {
      const byte = bytes[position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      position++;
    }
  }

  function accept(character: string): boolean {
    skipSpace();
    if (bytes[position] !== character.charCodeAt(0)) return false;
    position++;
    return true;
  }

  function expect(character: string): void {
    if (!accept(character)) wrong(`"${character}"`);
  }

  function string(what: string): string {
    skipSpace();
    if (bytes[position] !== QUOTE) wrong(what);
    const start = ++position;
    let escaped = false;
    for (;;) {
      const byte = bytes[position];
      if (byte === undefined || byte < 0x20) wrong(`the closing quote of ${what}`);
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escaped = true;
        position++;
      }
      position++;
    }
    return decode(bytes.subarray(start, position++), escaped, what);
  }

  function decode(slice: Uint8Array, escaped: boolean, what: string): string {
    let text: string;
    try {
      text = utf8.decode(slice);
    } catch {
      return fail(
        `the header is not valid UTF-8: ${what} before byte ${8 + position} has bytes that are no character`,
      );
    }
    if (!escaped) return text;
    try {
      text = JSON.parse(`"${text}"`) as string;
    } catch {
      return fail(`the header is not valid JSON: ${what} before byte ${8 + position} has an unknown escape`);
    }
    if (/\p{Surrogate}/u.test(text))
      fail(`the header is not valid UTF-8: ${what} ${quote(text)} has half a surrogate pair`);
    return text;
  }

  function unsigned(what: string): number {
    skipSpace();
    const start = position;
    let value = 0;
    for (;;) {
      const byte = bytes[position];
      if (byte === undefined || byte < 0x30 || byte > 0x39) break;
      value = value * 10 + (byte - 0x30);
      if (!Number.isSafeInteger(value))
        fail(`${what} is larger than 2^53 - 1 (at byte ${8 + start} of the file)`);
      position++;
    }
    const next = bytes[position];
    const isFraction = next === 0x2e || next === 0x65 || next === 0x45;
    if (position === start || isFraction) wrong(`${what}, an integer of 0 or more`);
    if (position - start > 1 && bytes[start] === 0x30)
      fail(`${what} has a leading zero (at byte ${8 + start} of the file)`);
    return value;
  }

  function unsignedList(what: string, limit: number): number[] {
    const values: number[] = [];
    expect("[");
    if (accept("]")) return values;
    do {
      if (values.length === limit) fail(`${what} has more than ${limit} numbers`);
      values.push(unsigned(`a number of ${what}`));
    } while (accept(","));
    expect("]");
    return values;
  }

  function object(what: string, member: (key: string) => void): void {
    expect("{");
    if (accept("}")) return;
    do {
      const key = string(`a name in ${what}`);
      expect(":");
      member(key);
    } while (accept(","));
    expect("}");
  }

  function end(): void {
    skipSpace();
    if (position < bytes.length) wrong("the end of the header");
  }

  return { expect, accept, string, unsigned, unsignedList, object, end };
}

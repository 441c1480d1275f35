// Reads the small subset of JSON (RFC 8259) that a safetensors header may contain: objects of strings, and
// arrays of unsigned integers. JSON.parse is unsuitable: it hides duplicate keys, rounds large integers, and
// builds any structure that a hostile file asks for, however deep or wide, before the caller can inspect it.

import { quote } from "../errors.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// ignoreBOM keeps a byte order mark as a character, which JSON then refuses, instead of dropping it.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Scans the bytes of a header. Every method calls `fail`, which throws, if it finds something unexpected. */
export class HeaderScanner {
  readonly #bytes: Uint8Array;
  readonly #fail: (reason: string) => never;
  #position = 0;

  constructor(bytes: Uint8Array, fail: (reason: string) => never) {
    this.#bytes = bytes;
    this.#fail = fail;
  }

  /** Skips white space and consumes the character if it comes next; returns whether it did. */
  accept(character: string): boolean {
    this.#skipSpace();
    if (this.#bytes[this.#position] !== character.charCodeAt(0)) return false;
    this.#position++;
    return true;
  }

  /** Skips white space and consumes the character, which must come next. */
  expect(character: string): void {
    if (!this.accept(character)) this.#wrong(`"${character}"`);
  }

  /** Reads a JSON string. */
  string(what: string): string {
    this.#skipSpace();
    if (this.#bytes[this.#position] !== QUOTE) this.#wrong(what);
    const start = ++this.#position;
    let escaped = false;
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined || byte < 0x20) this.#wrong(`the closing quote of ${what}`);
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escaped = true;
        this.#position++;
      }
      this.#position++;
    }
    return this.#decode(this.#bytes.subarray(start, this.#position++), escaped, what);
  }

  /** Reads an integer in [0, 2^53 - 1], written as plain digits. */
  unsigned(what: string): number {
    this.#skipSpace();
    const start = this.#position;
    const place = `at byte ${8 + start} of the file`;
    let value = 0;
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined || byte < 0x30 || byte > 0x39) break;
      value = value * 10 + (byte - 0x30);
      if (!Number.isSafeInteger(value)) this.#fail(`${what} is larger than 2^53 - 1 (${place})`);
      this.#position++;
    }
    const next = this.#bytes[this.#position];
    const isFraction = next === 0x2e || next === 0x65 || next === 0x45;
    const digits = this.#position - start;
    if (digits === 0 || isFraction) this.#wrong(`${what}, an integer of 0 or more`);
    if (digits > 1 && this.#bytes[start] === 0x30) this.#fail(`${what} has a leading zero (${place})`);
    return value;
  }

  /** Reads `[n, n, …]` with at most `limit` integers, so the array stays bounded. */
  unsignedList(what: string, limit: number): number[] {
    const values: number[] = [];
    this.expect("[");
    if (this.accept("]")) return values;
    do {
      if (values.length === limit) this.#fail(`${what} has more than ${limit} numbers`);
      values.push(this.unsigned(`a number of ${what}`));
    } while (this.accept(","));
    this.expect("]");
    return values;
  }

  /** Reads `{"key": …, …}` and calls `member` with each key; `member` must consume the value. */
  object(what: string, member: (key: string) => void): void {
    this.expect("{");
    if (this.accept("}")) return;
    do {
      const key = this.string(`a name in ${what}`);
      this.expect(":");
      member(key);
    } while (this.accept(","));
    this.expect("}");
  }

  /** Fails unless only white space remains. */
  end(): void {
    this.#skipSpace();
    if (this.#position < this.#bytes.length) this.#wrong("the end of the header");
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#position++;
    }
  }

  #decode(slice: Uint8Array, escaped: boolean, what: string): string {
    const place = `${what} before byte ${8 + this.#position}`;
    let text: string;
    try {
      text = utf8.decode(slice);
    } catch {
      return this.#fail(`the header is not valid UTF-8: ${place} has invalid bytes`);
    }
    if (!escaped) return text;
    try {
      text = JSON.parse(`"${text}"`) as string;
    } catch {
      return this.#fail(`the header is not valid JSON: ${place} has an unknown escape`);
    }
    if (/\p{Surrogate}/u.test(text)) {
      this.#fail(`the header is not valid UTF-8: ${what} ${quote(text)} has an unpaired surrogate`);
    }
    return text;
  }

  #wrong(expected: string): never {
    const place = `expected ${expected} at byte ${8 + this.#position}`;
    return this.#fail(`the header is not valid JSON for this format: ${place}, found ${this.#found()}`);
  }

  #found(): string {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) return "the end of the header";
    const isPrintable = byte > 0x20 && byte < 0x7f;
    return isPrintable ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16).padStart(2, "0")}`;
  }
}

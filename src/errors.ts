// The project's only error class. Only cli/ maps it to an exit code.

/** What went wrong, in a form that programs can rely on. `usage` means that the request itself was wrong. */
export type ErrorCode =
  | "usage" // an argument, option or config that cannot be right
  | "shape" // shapes or types that do not fit, found while tracing or at a session's boundary
  | "checkpoint" // a weight file that is malformed or does not fit the network
  | "device" // a device that is missing or failed
  | "memory" // not enough memory
  | "closed" // a session, engine or pipeline used after it was closed
  | "file" // a file that cannot be read or written
  | "data" // images, captions or data folders that cannot be used
  | "database" // the job database cannot be reached or used
  | "training" // training that cannot continue (NaN loss, checkpoint of another run)
  | "aborted" // cancelled by the caller
  | "conflict" // an id that stands for something else already
  | "internal";

/**
 * An error whose message says what was expected, what was received, and how to fix it.
 *
 * @example
 * ```ts
 * import { loadPipeline, NishikiError } from "nishiki";
 *
 * try {
 *   await loadPipeline({ model: "no/such/model" });
 * } catch (error) {
 *   if (error instanceof NishikiError) console.log(error.code); // → file
 * }
 * ```
 */
export class NishikiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "NishikiError";
    this.code = code;
  }
}

/** Control characters, and characters that reorder or hide text: a terminal would act on them. */
const UNSAFE = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** The number of characters of foreign text that one message may repeat. */
const FOREIGN_LIMIT = 300;

/** JSON's escape: a character beyond U+FFFF becomes two surrogates. */
function escapeCharacter(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}

/**
 * Escapes control characters in multi-line text, such as `\\u001b`, so that a terminal shows them. Valid JSON
 * stays the same JSON.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" || character === "\t" ? character : escapeCharacter(character),
  );
}

/** Truncates text without splitting a surrogate pair. */
function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
}

/** Makes text from a file or a server safe for a message: one line, printable, at most `limit` characters. */
export function showText(text: string, { limit = 80 }: { limit?: number } = {}): string {
  return cut(text, limit).replace(UNSAFE, escapeCharacter);
}

/** Quotes text from a file or a server; see `showText`. */
export function quote(text: string): string {
  return JSON.stringify(cut(text, 80)).replace(UNSAFE, escapeCharacter);
}

/** Formats a shape claimed by a file for a message. */
export function showShape(shape: readonly number[]): string {
  const more = shape.length > 8 ? `, … (${shape.length} dimensions)` : "";
  return `[${shape.slice(0, 8).join(", ")}${more}]`;
}

/**
 * Lists the first of several names for a message and counts the rest: "a, b and 40 more".
 *
 * @param names quoted beforehand if they come from outside (`names.map(quote)`)
 * @param most the maximum number of names listed; fewer if they are long
 */
export function listSome(names: readonly string[], most = 8, separator = ", "): string {
  let count = 0;
  let length = 0;
  while (count < Math.min(most, names.length)) {
    length += names[count]!.length + separator.length;
    if (count > 0 && length > FOREIGN_LIMIT) break;
    count++;
  }
  const listed = names.slice(0, count).join(separator);
  return count < names.length ? `${listed} and ${names.length - count} more` : listed;
}

/**
 * Counts the single-character edits (insert, delete, replace, swap neighbours) that turn one word into the
 * other.
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? before[j - 2]! + 1 : Infinity;
      current.push(Math.min(replaced, swapped, previous[j]! + 1, current[j - 1]! + 1));
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/** Finds the choice that a mistyped name most likely meant; undefined if none is close. */
export function nearestName(name: string, choices: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  const typed = plain(name.slice(0, 100));
  let best: { choice: string; distance: number } | undefined;
  for (const choice of choices) {
    const distance = editDistance(typed, plain(choice));
    if (distance < (best?.distance ?? Infinity)) best = { choice, distance };
  }
  const limit = typed.length <= 3 ? 1 : typed.length <= 7 ? 2 : 3;
  return best && best.distance <= limit ? best.choice : undefined;
}

/**
 * Makes the error for an unknown name: suggests the nearest choice and lists all choices if there are few.
 */
export function unknownName(kind: string, name: string, choices: readonly string[]): NishikiError {
  const nearest = nearestName(name, choices);
  const suggestion = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  const listed = choices.length <= 40 ? ` Choose one of: ${choices.join(", ")}.` : "";
  return new NishikiError("usage", `Unknown ${kind} ${quote(name)}.${suggestion}${listed}`);
}

// Checked reading of values that come from outside: arguments, JSON of a manifest or a receipt. One sentence per fault.
import { NishikiError } from "../errors.js";

/** Turns an unknown value into a typed one, or throws. `where` names the value in the message: "defaults.steps". */
export type Check<T> = (value: unknown, where: string) => T;

/** A record of checks, one for each field. */
export type Checks<T> = { readonly [K in keyof T]-?: Check<T[K]> };

/** How a value is shown in a message: short, and never mistaken for the text around it. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** @throws NishikiError "usage": "steps: expected a whole number from 1 to 1000, got 0." */
export function reject(where: string, expected: string, value: unknown): never {
  throw new NishikiError("usage", `${where}: expected ${expected}, got ${show(value)}.`);
}

/** A finite number within [from, to], both ends included. */
export function numberWithin(from: number, to: number): Check<number> {
  const expected = to === Infinity ? `a number from ${from}` : `a number from ${from} to ${to}`;
  return (value, where) =>
    typeof value === "number" && Number.isFinite(value) && value >= from && value <= to
      ? value
      : reject(where, expected, value);
}

/** A whole number within [from, to], both ends included. */
export function wholeNumber(from: number, to = Number.MAX_SAFE_INTEGER): Check<number> {
  const end = to === Number.MAX_SAFE_INTEGER ? "" : ` to ${to}`;
  return (value, where) =>
    Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to
      ? (value as number)
      : reject(where, `a whole number from ${from}${end}`, value);
}

export const text: Check<string> = (value, where) =>
  typeof value === "string" ? value : reject(where, "a text", value);

export const filledText: Check<string> = (value, where) =>
  typeof value === "string" && value.trim() !== "" ? value : reject(where, "a text that is not empty", value);

export const flag: Check<boolean> = (value, where) =>
  typeof value === "boolean" ? value : reject(where, "true or false", value);

/** One of the given words; the message lists them. */
export function oneOf<const T extends string>(choices: readonly T[]): Check<T> {
  return (value, where) =>
    choices.find((choice) => choice === value) ?? reject(where, `one of ${choices.join(", ")}`, value);
}

/** A list, of exactly `length` entries where that is given. */
export function listOf<T>(check: Check<T>, length?: number): Check<T[]> {
  const expected = length === undefined ? "a list" : `a list of ${length}`;
  return (value, where) => {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length))
      return reject(where, expected, value);
    return value.map((entry: unknown, index) => check(entry, `${where}[${index}]`));
  };
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, where) => (value === undefined ? undefined : check(value, where));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Any JSON object, its fields unchecked. */
export const anyRecord: Check<Readonly<Record<string, unknown>>> = (value, where) =>
  isRecord(value) ? value : reject(where, "an object", value);

/** An object with these fields. Fields that are not known are refused where `strict`, and left out otherwise. */
export function recordOf<T>(checks: Checks<T>, { strict = false } = {}): Check<T> {
  const names = Object.keys(checks) as (keyof T & string)[];
  return (value, where) => {
    if (!isRecord(value)) return reject(where, "an object", value);
    const unknown = Object.keys(value).find((name) => !(names as string[]).includes(name));
    if (strict && unknown !== undefined) {
      const message = `${where}: unknown field "${unknown}". The fields are: ${names.join(", ")}.`;
      throw new NishikiError("usage", message);
    }
    const result: Partial<T> = {};
    for (const name of names) {
      const checked = checks[name](value[name], where === "" ? name : `${where}.${name}`);
      if (checked !== undefined) result[name] = checked;
    }
    return result as T;
  };
}

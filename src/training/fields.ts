// Tables of a config's fields: what is read, checked, filled in and explained comes from one place.
import { NishikiError } from "../errors.js";
import { type Check, isRecord, reject } from "../pipeline/check.js";

/** One field of a table. */
export interface Field<T> {
  readonly check: Check<T>;
  readonly help: string;
  /** What stands in where the field is not given. Without it, the field must be given. */
  readonly fallback?: (before: Readonly<Record<string, unknown>>) => T;
  /** The same in words. */
  readonly fallbackWords?: string;
  /** The fields inside, for the help. */
  readonly inside?: Table<Record<string, unknown>>;
}

export type Table<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** A field that has a default. */
export function field<T>(check: Check<T>, help: string, fallback: T, fallbackWords?: string): Field<T> {
  return { check, help, fallback: () => fallback, fallbackWords: fallbackWords ?? JSON.stringify(fallback) };
}

/** A field that must be given. */
export function needed<T>(check: Check<T>, help: string): Field<T> {
  return { check, help };
}

/** A field whose default depends on those before it in the table. */
export function derived<T>(
  check: Check<T>,
  help: string,
  fallback: (before: Readonly<Record<string, unknown>>) => T,
  fallbackWords: string,
): Field<T> {
  return { check, help, fallback, fallbackWords };
}

/** A record of fields. Where it is not given, all its own defaults are taken. */
export function group<T>(table: Table<T>, help: string): Field<T> {
  const check = recordWith(table);
  const complete = Object.values<Field<unknown>>(table).every(({ fallback }) => fallback !== undefined);
  const inside = table as unknown as Table<Record<string, unknown>>;
  return complete ? { check, help, inside, fallback: () => check({}, "") } : { check, help, inside };
}

/** Reads a record by its table: unknown fields are refused with the list of known ones, missing ones filled in. */
export function recordWith<T>(table: Table<T>): Check<T> {
  const names = Object.keys(table) as (keyof T & string)[];
  return (value, where) => {
    if (!isRecord(value)) return reject(where || "the config", "an object", value);
    const unknown = Object.keys(value).find((name) => !(names as string[]).includes(name));
    if (unknown !== undefined) {
      const place = where === "" ? "" : `${where}: `;
      throw new NishikiError(
        "usage",
        `${place}unknown field "${unknown}". The fields are: ${names.join(", ")}.`,
      );
    }
    const result: Record<string, unknown> = {};
    for (const name of names) {
      const { check, fallback } = table[name];
      const path = where === "" ? name : `${where}.${name}`;
      const given = value[name];
      result[name] = given === undefined && fallback ? fallback(result) : check(given, path);
    }
    return result as T;
  };
}

/** The fields of a table as lines of help, those inside a group by their path. */
export function describeFields<T>(table: Table<T>, prefix = ""): string[] {
  return Object.entries<Field<unknown>>(table).flatMap(
    ([name, { help, fallbackWords, fallback, inside }]) => {
      const path = `${prefix}${name}`;
      if (inside) return describeFields(inside, `${path}.`);
      const words = fallbackWords ?? (fallback ? "" : "must be given");
      return [`  ${path.padEnd(24)}${help}${words && ` (${words})`}`];
    },
  );
}

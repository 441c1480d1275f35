// Converts command-line text to the values that declarations expect. Unreadable text stays text, for the
// check to report.
import { getElement, getMeta, getOptions, getShape, unwrap } from "./inspect.js";
import { z } from "./zod.js";

type Schema = z.core.$ZodType;

const numberPattern = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** Reads a number, unless that would lose digits. */
function readNumber(text: string): number | string {
  if (text.trim() === "NaN") return Number.NaN;
  if (!numberPattern.test(text)) return text;
  const value = Number(text);
  return /^\s*\d+\s*$/.test(text) && !Number.isSafeInteger(value) ? text.trim() : value;
}

const isNumber = (schema: Schema) =>
  unwrap(schema) instanceof z.core.$ZodNumber || getMeta(schema, "type") === "integer";

/** Gets the declaration of an object: the declaration itself, or an alternative of a union. */
const getObject = (schema: Schema): Schema | undefined =>
  getShape(schema) ? schema : getOptions(schema)?.find((option) => getShape(option));

/** Gets the declaration of a list's entries: of the list itself, or of an alternative of a union. */
export function getEntries(schema: Schema): Schema | undefined {
  const options = getOptions(schema) ?? [];
  return getElement(schema) ?? options.map(getElement).find((element) => element !== undefined);
}

/** Reads "file=a.png,weight=0.5" as an object if the text begins with a field's name. */
function readPairs(schema: Schema, text: string): Record<string, unknown> | undefined {
  const shape = getShape(schema)!;
  const name = /^\s*([\w]+)\s*=/.exec(text)?.[1];
  if (name === undefined || !Object.hasOwn(shape, name)) return undefined;
  // A comma ends a value only if another name follows, so paths may contain commas.
  const parts = text.split(/,(?=\s*[A-Za-z]\w*\s*=)/);
  const entries = parts.map((part): [string, unknown] => {
    const [, key = "", value = ""] = /^\s*(\w+)\s*=([\s\S]*)$/.exec(part) ?? [];
    const field = shape[key];
    return [key, field ? readText(field, value.trim()) : value.trim()];
  });
  return Object.fromEntries(entries);
}

/** Reads text as the number, boolean, object or text that a declaration expects. */
export function readText(schema: Schema, text: string): unknown {
  if (isNumber(schema)) return readNumber(text);
  if (unwrap(schema) instanceof z.core.$ZodBoolean) {
    const word = text.trim().toLowerCase();
    return word === "true" || word === "yes" ? true : word === "false" || word === "no" ? false : text;
  }
  const object = getObject(schema);
  return (object && readPairs(object, text)) ?? text;
}

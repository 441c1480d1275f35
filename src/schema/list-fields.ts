// Lists the fields of a declaration as rows, for help texts and command-line options.
import { describeExpected, getDefault, getMeta, getShape } from "./inspect.js";
import type { z } from "./zod.js";

/** A field, at any depth. */
export interface FieldDescription {
  /** "init.strength" */
  readonly path: string;
  readonly description: string;
  /** The accepted values: "a number from 0 to 1". */
  readonly expected: string;
  /** The default in words; undefined if the field has none. */
  readonly defaultText: string | undefined;
  readonly isRequired: boolean;
  readonly flag: string | undefined;
  readonly schema: z.core.$ZodType;
}

/** Lists all fields in order of declaration; the fields of a nested object follow the object's row. */
export function listFields(schema: z.core.$ZodType, prefix = ""): FieldDescription[] {
  return Object.entries(getShape(schema) ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const fallback = getDefault(field);
    const isPlain = fallback !== undefined && (typeof fallback !== "object" || Array.isArray(fallback));
    const row: FieldDescription = {
      path,
      description: getMeta(field, "description") ?? "",
      expected: describeExpected(field),
      defaultText: getMeta(field, "defaultText") ?? (isPlain ? formatDefault(fallback) : undefined),
      isRequired: field._zod.optin === undefined,
      flag: getMeta(field, "flag"),
      schema: field,
    };
    return [row, ...listFields(field, `${path}.`)];
  });
}

const formatDefault = (value: unknown) => (Array.isArray(value) ? value.join(", ") || "none" : String(value));

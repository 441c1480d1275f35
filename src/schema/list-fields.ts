// The fields of a declaration as rows: for help texts and the options of a command line.
import { describeExpected, getDefault, getMeta, getShape } from "./inspect.js";
import type { z } from "./zod.js";

/** One field, or one of an object inside. */
export interface FieldDescription {
  /** "init.strength" */
  readonly path: string;
  readonly description: string;
  /** What a value must be: "a number from 0 to 1". */
  readonly expected: string;
  /** The default in words; undefined where the field may be left out without one. */
  readonly defaultText: string | undefined;
  readonly isRequired: boolean;
  readonly flag: string | undefined;
  readonly schema: z.core.$ZodType;
}

/** All fields of an object, those of objects inside after the object's own row, in the order of their declaration. */
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

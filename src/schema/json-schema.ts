// Exports declarations as JSON Schema (draft 2020-12) for editors, OpenAPI documents and forms.
import { z } from "./zod.js";

/** A JSON Schema document, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const houseKeys = ["expected", "defaultText", "flag", "renamed", "aliases", "isImage", "readOnly"];

/**
 * Converts a declaration to JSON Schema for input values: fields with defaults are optional.
 * Values that JSON cannot represent, such as pixels, accept anything.
 */
export function toJsonSchema(schema: z.ZodType, { title }: { readonly title?: string } = {}): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      const keywords = jsonSchema as Record<string, unknown>;
      for (const key of houseKeys) delete keywords[key];
      // zod marks TypeScript's readonly types; "readOnly" means something else in JSON Schema.
      delete keywords.readOnly;
      // The limits of float64 carry no information.
      if (keywords.maximum === Number.MAX_SAFE_INTEGER || keywords.maximum === Number.MAX_VALUE)
        delete keywords.maximum;
      if (keywords.minimum === Number.MIN_SAFE_INTEGER) delete keywords.minimum;
    },
  });
  return title === undefined ? json : { title, ...json };
}

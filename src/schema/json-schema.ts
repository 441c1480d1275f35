// Exports declarations as JSON Schema (draft 2020-12) for editors, OpenAPI documents and forms.
import { z } from "./zod.js";

/** A JSON Schema document, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const houseKeys = ["expected", "defaultText", "flag", "renamed", "aliases", "isImage", "readOnly"];

export interface JsonSchemaOptions {
  readonly title?: string;
  /** "input": as values are sent, with fields that have defaults optional. "output": as they are after the check. */
  readonly direction?: "input" | "output";
  /** Declarations to refer to instead of writing them out, and their references: "#/components/schemas/Job". */
  readonly references?: ReadonlyMap<z.ZodType, string>;
}

/**
 * Converts a declaration to JSON Schema.
 * Values that JSON cannot represent, such as pixels, accept anything.
 */
export function toJsonSchema(
  schema: z.ZodType,
  { title, direction = "input", references }: JsonSchemaOptions = {},
): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: direction,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const keywords = jsonSchema as Record<string, unknown>;
      const declaration = zodSchema as unknown as z.ZodType;
      const reference = declaration === schema ? undefined : references?.get(declaration);
      if (reference !== undefined) {
        for (const key of Object.keys(keywords)) delete keywords[key];
        keywords.$ref = reference;
      }
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

// The values that declarations are mostly made of.
import { z } from "./zod.js";

/** A whole number within [from, to], both ends included. */
export const wholeNumber = (from: number, to = Number.MAX_SAFE_INTEGER) => z.int().min(from).max(to);

/** A finite number within [from, to], both ends included. */
export const numberBetween = (from: number, to = Number.MAX_VALUE) => z.number().min(from).max(to);

/** A finite number above zero, up to `to`. */
export const positiveNumber = (to = Number.MAX_VALUE) => z.number().gt(0).max(to);

/** Text with something in it besides white space. */
export const nonEmptyText = z
  .string()
  .refine((text) => text.trim() !== "")
  .meta({ expected: "text that is not empty" });

/** One of the given words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(choices: T) => z.enum(choices);

export const flag = z.boolean();

/**
 * A field with the sentence that explains it in help texts and editors.
 * @param defaultText The default in words, where the value does not say it.
 */
export const explain = <T extends z.ZodType>(schema: T, description: string, defaultText?: string): T =>
  schema.meta({ description, ...(defaultText !== undefined && { defaultText }) }) as T;

/** Whether a value is a JSON object, for what reads values before they are checked. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

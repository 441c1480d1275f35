// Declarations of common values.
import { z } from "./zod.js";

/** A whole number from `from` to `to`, both included. */
export const wholeNumber = (from: number, to = Number.MAX_SAFE_INTEGER) => z.int().min(from).max(to);

/** A finite number from `from` to `to`, both included. */
export const numberBetween = (from: number, to = Number.MAX_VALUE) => z.number().min(from).max(to);

/** A finite number above zero, up to `to`. */
export const positiveNumber = (to = Number.MAX_VALUE) => z.number().gt(0).max(to);

/** Text that is not blank. */
export const nonEmptyText = z
  .string()
  .refine((text) => text.trim() !== "")
  .meta({ expected: "text that is not empty" });

/** One of the listed words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(choices: T) => z.enum(choices);

export const flag = z.boolean();

/**
 * Adds the description that help texts and editors show.
 * @param defaultText The default in words, if the value does not explain itself.
 */
export const explain = <T extends z.ZodType>(schema: T, description: string, defaultText?: string): T =>
  schema.meta({ description, ...(defaultText !== undefined && { defaultText }) }) as T;

/** Whether a value is a JSON object; for code that reads values before they are checked. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Reads declarations: what a wrapper contains, a field's metadata, the values it accepts.
import { z } from "./zod.js";

const { $ZodArray, $ZodDefault, $ZodDiscriminatedUnion, $ZodEnum, $ZodLiteral, $ZodNumber, $ZodObject } =
  z.core;
const { $ZodBoolean, $ZodLazy, $ZodNullable, $ZodOptional, $ZodPipe, $ZodPrefault, $ZodReadonly } = z.core;
const { $ZodRecord, $ZodString, $ZodTuple, $ZodUnion } = z.core;

type Schema = z.core.$ZodType;

const readRegistry = (schema: Schema) => z.globalRegistry.get(schema as z.ZodType);

/** Unwraps one level; undefined if the declaration is not a wrapper. */
function inner(schema: Schema): Schema | undefined {
  const wraps =
    schema instanceof $ZodOptional ||
    schema instanceof $ZodDefault ||
    schema instanceof $ZodPrefault ||
    schema instanceof $ZodNullable ||
    schema instanceof $ZodReadonly;
  if (wraps) return schema._zod.def.innerType;
  if (schema instanceof $ZodLazy) return schema._zod.def.getter();
  // Describe a pipe by its input, unless the input is only a preprocessing step.
  if (schema instanceof $ZodPipe) {
    const { in: before, out } = schema._zod.def;
    return before._zod.def.type === "transform" ? out : before;
  }
  return undefined;
}

/** Removes all wrappers: defaults, optionals, pipes. */
export function unwrap(schema: Schema): Schema {
  const next = inner(schema);
  return next ? unwrap(next) : schema;
}

/** Reads metadata from a declaration or from what it wraps. */
export function getMeta<K extends keyof z.core.GlobalMeta>(schema: Schema, key: K): z.core.GlobalMeta[K] {
  const value = readRegistry(schema)?.[key];
  if (value !== undefined) return value as z.core.GlobalMeta[K];
  const next = inner(schema);
  return next && getMeta(next, key);
}

/** Gets the default of a field; undefined if it has none or if the default is computed. */
export function getDefault(schema: Schema): unknown {
  if (schema instanceof $ZodDefault || schema instanceof $ZodPrefault) return schema._zod.def.defaultValue;
  const next = inner(schema);
  return next && getDefault(next);
}

/** Gets the fields of an object; undefined for anything else. */
export function getShape(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const plain = unwrap(schema);
  return plain instanceof $ZodObject ? plain._zod.def.shape : undefined;
}

/** Gets the declaration of a list's entries; undefined for anything else. */
export function getElement(schema: Schema): Schema | undefined {
  const plain = unwrap(schema);
  return plain instanceof $ZodArray ? plain._zod.def.element : undefined;
}

/** Gets the alternatives of a union; undefined for anything else. */
export function getOptions(schema: Schema): readonly Schema[] | undefined {
  const plain = unwrap(schema);
  return plain instanceof $ZodUnion ? plain._zod.def.options : undefined;
}

/** Whether the value's discriminator selects this alternative of a union. */
function isNamed(option: Schema, discriminator: string, value: object): boolean {
  const name = (value as Readonly<Record<string, unknown>>)[discriminator];
  return option._zod.propValues?.[discriminator]?.has(name as string) ?? false;
}

/** Counts the fields of a value that an object declares; -1 if the declaration is not an object. */
function countKnown(option: Schema, value: object): number {
  const shape = getShape(option);
  return shape ? Object.keys(value).filter((key) => Object.hasOwn(shape, key)).length : -1;
}

/**
 * Gets the index of the alternative that shares the most fields with a value; undefined on a tie or if none
 * does.
 */
export function findBestOption(schema: Schema, value: unknown): number | undefined {
  const options = getOptions(schema);
  if (!options || typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const known = options.map((option) => countKnown(option, value));
  const most = Math.max(...known);
  const best = known.indexOf(most);
  return most > 0 && known.lastIndexOf(most) === best ? best : undefined;
}

/**
 * Guesses which alternative of a union a value was meant as: by discriminator, then best fit, then first of
 * its type.
 */
export function chooseOption(schema: Schema, value: unknown): Schema | undefined {
  const plain = unwrap(schema);
  if (!(plain instanceof $ZodUnion) || typeof value !== "object" || value === null) return undefined;
  const { options } = plain._zod.def;
  if (plain instanceof $ZodDiscriminatedUnion)
    return options.find((option) => isNamed(option, plain._zod.def.discriminator, value));
  const best = findBestOption(plain, value);
  if (best !== undefined) return options[best];
  return options.find((option) =>
    Array.isArray(value) ? isList(unwrap(option)) : getShape(option) || unwrap(option) instanceof $ZodRecord,
  );
}

const isList = (schema: Schema) => schema instanceof $ZodArray || schema instanceof $ZodTuple;

/** Gets the declaration of a field or entry. */
export function step(schema: Schema, key: PropertyKey, value: unknown): Schema | undefined {
  const plain = unwrap(schema);
  if (plain instanceof $ZodObject) return plain._zod.def.shape[key as string] ?? plain._zod.def.catchall;
  if (plain instanceof $ZodArray) return plain._zod.def.element;
  if (plain instanceof $ZodTuple)
    return plain._zod.def.items[key as number] ?? plain._zod.def.rest ?? undefined;
  if (plain instanceof $ZodRecord) return plain._zod.def.valueType;
  const option = chooseOption(plain, value);
  return option && step(option, key, value);
}

const listWords = (words: readonly string[]) =>
  words.length < 2 ? (words[0] ?? "nothing") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

/** Reads the bounds and lengths that a declaration checks. */
function getChecks(schema: Schema): readonly Readonly<Record<string, unknown>>[] {
  const { checks = [] } = schema._zod.def as { readonly checks?: readonly z.core.$ZodCheck[] };
  return checks.map((check) => check._zod.def as unknown as Readonly<Record<string, unknown>>);
}

function expectedNumber(schema: Schema): string {
  const checks = getChecks(schema);
  const bound = (kind: string) => {
    const check = checks.find((each) => each.check === kind);
    return check && Math.abs(Number(check.value)) < Number.MAX_SAFE_INTEGER ? check : undefined;
  };
  const [low, high] = [bound("greater_than"), bound("less_than")];
  const isWhole = (schema._zod.def as { readonly format?: string }).format === "safeint";
  const from = low ? ` ${low.inclusive ? "from" : "above"} ${low.value}` : "";
  const to = high
    ? ` ${high.inclusive ? (low?.inclusive ? "to" : low ? "and up to" : "up to") : "below"} ${high.value}`
    : "";
  return `a${isWhole ? " whole" : ""} number${from}${to}`;
}

function expectedList(schema: Schema): string | undefined {
  if (schema instanceof $ZodTuple) return `a list of ${schema._zod.def.items.length}`;
  if (!(schema instanceof $ZodArray)) return undefined;
  const checks = getChecks(schema);
  const exact = checks.find(({ check }) => check === "length_equals")?.length;
  if (exact !== undefined) return `a list of ${exact}`;
  const minimum = checks.find(({ check }) => check === "min_length")?.minimum;
  const maximum = checks.find(({ check }) => check === "max_length")?.maximum;
  if (minimum && maximum) return `a list of ${minimum} to ${maximum}`;
  if (maximum) return `a list of at most ${maximum}`;
  return minimum ? `a list of at least ${minimum}` : "a list";
}

/** Describes the accepted values, to complete "expected …". */
export function describeExpected(schema: Schema): string {
  const declaredText = getMeta(schema, "expected");
  if (declaredText !== undefined) return declaredText;
  const plain = unwrap(schema);
  const list = expectedList(plain);
  if (list !== undefined) return list;
  if (plain instanceof $ZodNumber) return expectedNumber(plain);
  if (plain instanceof $ZodString) return "text";
  if (plain instanceof $ZodBoolean) return "true or false";
  if (plain instanceof $ZodEnum) return `one of ${Object.values(plain._zod.def.entries).join(", ")}`;
  if (plain instanceof $ZodLiteral)
    return listWords(plain._zod.def.values.map((value) => JSON.stringify(value)));
  if (plain instanceof $ZodObject || plain instanceof $ZodRecord) return "an object";
  if (plain instanceof $ZodDiscriminatedUnion) return "an object";
  if (plain instanceof $ZodUnion)
    return listWords([...new Set(plain._zod.def.options.map(describeExpected))]);
  return "another value";
}

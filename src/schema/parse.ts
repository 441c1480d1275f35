// Checks outside input: requests, configs, manifests, receipts. Reports all faults at once, one sentence
// each:
//
//     steps: expected a whole number from 1 to 1000, got 0.
//     unknown field "stpes"; did you mean "steps"?
import { type ErrorCode, NishikiError, nearestName, quote, showText } from "../errors.js";
import {
  chooseOption,
  describeExpected,
  findBestOption,
  getMeta,
  getOptions,
  getShape,
  step,
} from "./inspect.js";
import type { z } from "./zod.js";

/** Formats a value for a message: short, on one line, and clearly separate from the text around it. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  return showText(JSON.stringify(value) ?? String(value), { limit: 60 });
}

/** @throws NishikiError "usage": "steps: expected a whole number from 1 to 1000, got 0." */
export function reject(where: string, expected: string, value: unknown): never {
  throw new NishikiError("usage", `${where}: expected ${expected}, got ${show(value)}.`);
}

export interface ParseOptions {
  /** Names the whole input in messages: "the request". */
  readonly name?: string;
  /** What messages call a field. Default: "field". */
  readonly noun?: string;
  /** The error's code. Default: "usage". */
  readonly code?: ErrorCode;
  /** Precedes each sentence: "weights/model.json: ". */
  readonly prefix?: string;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const faultLimit = 20;

/** "control[0].weight" */
function formatPath(path: Path): string {
  const parts = path.map((key) =>
    typeof key === "number" ? `[${key}]` : `.${showText(String(key), { limit: 40 })}`,
  );
  return parts.join("").replace(/^\./, "");
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** Gets the declaration at a path of a value. */
function schemaAt(schema: z.core.$ZodType, value: unknown, path: Path): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema;
  let inside = value;
  for (const key of path) {
    here = here && step(here, key, inside);
    inside = (inside as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  return here;
}

function describeUnknownKeys(
  { keys, path }: z.core.$ZodIssueUnrecognizedKeys,
  schema: z.core.$ZodType | undefined,
  value: unknown,
  noun: string,
): string[] {
  const option = schema && (getShape(schema) ? schema : chooseOption(schema, valueAt(value, path)));
  const known = Object.keys((option && getShape(option)) ?? {});
  const renamed = (option && getMeta(option, "renamed")) ?? {};
  const where = path.length === 0 ? "" : `${formatPath(path)}: `;
  return keys.map((key) => {
    const now = Object.hasOwn(renamed, key) ? renamed[key] : undefined;
    if (now !== undefined) return `${where}unknown ${noun} ${quote(key)}: its name is now "${now}".`;
    const nearest = nearestName(key, known);
    const cure = nearest === undefined ? `. Known: ${known.join(", ")}.` : `; did you mean "${nearest}"?`;
    return `${where}unknown ${noun} ${quote(key)}${cure}`;
  });
}

/**
 * Guesses which alternative of a union a value was meant as: the one whose faults all lie at nested fields.
 */
function narrow(issue: z.core.$ZodIssueInvalidUnion, schema: z.core.$ZodType | undefined, value: unknown) {
  const inside = issue.errors.map((issues) => issues.length > 0 && issues.every(isInside));
  const first = inside.indexOf(true);
  const isOnly = first >= 0 && inside.indexOf(true, first + 1) < 0;
  const index = isOnly ? first : schema && findBestOption(schema, value);
  if (index === undefined || !inside[index]) return undefined;
  return { issues: issue.errors[index]!, schema: schema && getOptions(schema)?.[index] };
}

const isInside = ({ path, code }: Issue) => path.length > 0 || code === "unrecognized_keys";

function describeIssue(
  issue: Issue,
  schema: z.core.$ZodType,
  value: unknown,
  options: ParseOptions,
): string[] {
  const { name = "the value", noun = "field" } = options;
  const there = schemaAt(schema, value, issue.path);
  const where = issue.path.length === 0 ? name : formatPath(issue.path);
  if (issue.code === "unrecognized_keys") return describeUnknownKeys(issue, there, value, noun);
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const inner = narrow(issue, there, valueAt(value, issue.path));
    if (inner?.schema) {
      const within = valueAt(value, issue.path);
      const prefix = issue.path.length === 0 ? "" : formatPath(issue.path);
      return inner.issues
        .flatMap((each) => describeIssue(each, inner.schema!, within, { ...options, name: where }))
        .map((sentence) => (prefix === "" ? sentence : joinPath(prefix, sentence)));
    }
  }
  if (issue.code === "custom" && issue.message !== "Invalid input") return [`${where}: ${issue.message}`];
  const expected = there ? describeExpected(there) : issue.message;
  return [`${where}: expected ${expected}, got ${show(valueAt(value, issue.path))}.`];
}

/** Prefixes a sentence about a union's alternative with the path to the union. */
const joinPath = (prefix: string, sentence: string) =>
  sentence.startsWith("unknown ") || sentence.startsWith(`${prefix}:`)
    ? `${sentence.startsWith(prefix) ? "" : `${prefix}: `}${sentence}`
    : `${prefix}${sentence.startsWith("[") ? "" : "."}${sentence}`;

/**
 * Checks a value against a declaration and fills in its defaults.
 * @throws NishikiError with one line for each fault: the field, what was expected, and what was received.
 */
export function parse<T extends z.ZodType>(
  schema: T,
  value: unknown,
  options: ParseOptions = {},
): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const sentences = result.error.issues.flatMap((issue) => describeIssue(issue, schema, value, options));
  const faults = [...new Set(sentences)];
  const listedFaults = faults.slice(0, faultLimit).map((sentence) => `${options.prefix ?? ""}${sentence}`);
  if (faults.length > faultLimit) listedFaults.push(`And ${faults.length - faultLimit} more.`);
  throw new NishikiError(options.code ?? "usage", listedFaults.join("\n"));
}

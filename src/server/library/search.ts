// The search line of the feed: words, "phrases", -not, and fields such as model:NAME. It becomes a condition in SQL, with
// all that the user typed as parameters.
import { NishikiError, quote } from "../../errors.js";
import { splitWords } from "./words.js";

/** Collects parameters: each call gives the placeholder of its value. */
export type Bind = (value: string | number) => string;

interface Term {
  readonly negated: boolean;
  /** "" for words and phrases. */
  readonly field: string;
  readonly text: string;
}

const fields = ["model", "seed", "size", "before", "after"];

/** Cuts the line into terms. Anything can be typed: a quote that is not closed reaches to the end. */
export function splitTerms(search: string): Term[] {
  const term = /(-?)(?:([A-Za-z]+):)?(?:"([^"]*)(?:"|$)|(\S+))/gu;
  return [...search.matchAll(term)].flatMap(([, minus, name = "", phrase, plain]) => {
    const text = phrase ?? plain!;
    const field = name.toLowerCase();
    const negated = minus === "-";
    if (name !== "" && !fields.includes(field)) return [{ negated, field: "", text: `${name} ${text}` }];
    if (field === "" && phrase === undefined && text.toLowerCase() === "fav")
      return [{ negated, field: "fav", text }];
    return [{ negated, field, text }];
  });
}

/** Terms of one search: each is a condition that the database checks. */
const mostTerms = 50;

/** @throws NishikiError "usage" for a field that cannot be understood, or too many terms */
export function makeSearchConditions(search: string, bind: Bind): string[] {
  const terms = splitTerms(search);
  if (terms.length > mostTerms)
    throw new NishikiError(
      "usage",
      `search: expected at most ${mostTerms} words and fields, got ${terms.length}.`,
    );
  return terms.flatMap(({ negated, field, text }) => {
    const condition = makeCondition(field, text, bind);
    return condition === undefined ? [] : [negated ? `NOT (${condition})` : condition];
  });
}

function makeCondition(field: string, text: string, bind: Bind): string | undefined {
  switch (field) {
    case "fav":
      return "favourite";
    case "model":
      return makeModelCondition(text, bind);
    case "seed":
      return `seed = ${bind(readSeed(text))}`;
    case "size":
      return makeSizeCondition(text, bind);
    case "before":
      // Positions begin with the time, and are in an index.
      return `position < ${bind(readDate(field, text))}`;
    case "after":
      return `position >= ${bind(readDate(field, text))}`;
    default:
      return makeWordCondition(text, bind);
  }
}

/** The last word may be the beginning of one: results come while the user types. */
function makeWordCondition(text: string, bind: Bind): string | undefined {
  const words = splitWords(text);
  if (words.length === 0) return undefined;
  // Words are letters and digits only, so they need no quotes in a query of lexemes.
  const query = words.map((word, i) => (i === words.length - 1 ? `'${word}':*` : `'${word}'`)).join(" & ");
  const matches = `lexemes @@ ${bind(query)}::text::tsquery`;
  return words.length === 1
    ? matches
    : `${matches} AND position(${bind(` ${words.join(" ")}`)} in words) > 0`;
}

function makeModelCondition(text: string, bind: Bind): string | undefined {
  const name = text.trim().toLowerCase();
  return name === "" ? undefined : `position(${bind(name)} in model) > 0`;
}

function readSeed(text: string): number {
  const seed = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seed)) return seed;
  throw new NishikiError("usage", `seed: expected a whole number, such as seed:1234, got ${quote(text)}.`);
}

function makeSizeCondition(text: string, bind: Bind): string {
  const [, width, height] = /^(\d{1,5})(?:[x×X*](\d{1,5}))?$/.exec(text) ?? [];
  if (width === undefined)
    throw new NishikiError("usage", `size: expected a size, such as size:512x768, got ${quote(text)}.`);
  return `width = ${bind(Number(width))} AND height = ${bind(Number(height ?? width))}`;
}

/** The first moment of a day, month or year, in ISO 8601. */
function readDate(field: string, text: string): string {
  const match = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(text);
  const parts = (match ?? []).slice(1).map((part) => (part === undefined ? 1 : Number(part)));
  const [year = Number.NaN, month = 1, day = 1] = parts;
  const date = match
    ? new Date(Date.UTC(year, month - 1, day))
    : new Date(/T/.test(text) ? text : Number.NaN);
  const isReal = !match || (date.getUTCMonth() === month - 1 && date.getUTCDate() === day);
  if (Number.isFinite(date.getTime()) && isReal) return date.toISOString();
  throw new NishikiError(
    "usage",
    `${field}: expected a date, such as ${field}:2026-11-28, ${field}:2026-11 or ${field}:2026, got ${quote(text)}.`,
  );
}
